import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { LaneReader } from './lane_reader.js';
import { MAX_MESSAGE_BYTES } from './transport.js';

export interface FrameLaneEvents {
  onMessage(bytes: Buffer): void;
  /** Once: no more come. With an error when the daemon's bytes make no sense. */
  onClosed(error?: Error): void;
  /** False: the reader has enough for now; `resume` is to be called when it wants more. */
  mayRead(resume: () => void): boolean;
}

/** The client's end of a frame lane (media.proto, FrameLane). Nothing is read before start(), so that what still comes by gRPC comes first. */
export class FrameLane {
  readonly #socket: Socket;
  readonly #events: FrameLaneEvents;
  readonly #reader = new LaneReader(MAX_MESSAGE_BYTES);
  #isClosed = false;

  constructor(path: string, secret: Uint8Array, events: FrameLaneEvents) {
    this.#events = events;
    this.#socket = connect(path);
    this.#socket.on('error', () => this.#socket.destroy());
    this.#socket.once('close', () => this.#closed());
    this.#socket.write(secret);
  }

  start(): void {
    this.#socket.on('data', (chunk: Buffer) => {
      this.#reader.feed(chunk);
      this.#deliver();
    });
    this.#socket.once('end', () => this.#closed());
  }

  /** onClosed is told. */
  destroy(): void {
    this.#socket.destroy();
    this.#closed();
  }

  readonly #deliver = (): void => {
    while (!this.#isClosed) {
      if (!this.#events.mayRead(this.#deliver)) {
        this.#socket.pause();
        return;
      }
      const message = this.#next();
      if (message === undefined) break;
      this.#events.onMessage(message);
    }
    if (!this.#isClosed && this.#socket.isPaused()) this.#socket.resume();
  };

  #next(): Buffer | undefined {
    try {
      return this.#reader.next();
    } catch (error) {
      this.#closed(error instanceof Error ? error : new Error(String(error)));
      this.#socket.destroy();
      return undefined;
    }
  }

  #closed(error?: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events.onClosed(error);
  }
}
