import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { messageOf } from '../common/errors.js';
import { LaneReader } from './lane_reader.js';
import { MAX_MESSAGE_BYTES } from './transport.js';

export interface FrameLaneEvents {
  /** What it throws counts as bytes that make no sense. */
  onMessage(bytes: Buffer): void;
  /** Once: no more come. With an error when nobody could be connected to (FrameLaneUnreachable), or when the bytes make no sense. */
  onClosed(error?: Error): void;
  /** False: the reader has enough for now; `resume` is to be called when it wants more. */
  mayRead(resume: () => void): boolean;
}

/** There is nobody to connect to: another machine, another container, another user, or a core process that is gone. */
export class FrameLaneUnreachable extends Error {
  override readonly name = 'FrameLaneUnreachable';
}

/** The memory of every read, as much as the kernel keeps for a Unix socket at most times. */
const CHUNK_BYTES = 64 * 1024;

/**
 * The client's end of a frame lane (media.proto, FrameLane). Nothing is taken from it before start(), so that what still comes by gRPC comes first. The socket reads into one buffer
 * over and over: a stream of Node's would take 64 kB of fresh memory for each message.
 */
export class FrameLane {
  readonly #socket: Socket;
  readonly #events: FrameLaneEvents;
  readonly #reader = new LaneReader(MAX_MESSAGE_BYTES);
  #hasConnected = false;
  #hasStarted = false;
  /** A chunk that is not used up: the socket does not read. */
  #isHeld = false;
  /** The other end has ended the lane; what is held is still to be read. */
  #hasEnded = false;
  #isClosed = false;

  constructor(path: string, secret: Uint8Array, events: FrameLaneEvents) {
    this.#events = events;
    const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    const callback = (bytes: number): boolean => {
      this.#reader.feed(buffer.subarray(0, bytes));
      this.#isHeld = true;
      if (this.#hasStarted) this.#deliver();
      return !this.#isHeld;
    };
    this.#socket = connect({ path, onread: { buffer, callback } });
    this.#socket.once('connect', () => (this.#hasConnected = true));
    this.#socket.on('error', (error) => {
      if (!this.#hasConnected) this.#closed(new FrameLaneUnreachable(`cannot connect to ${path}`, { cause: error }));
      this.#socket.destroy();
    });
    this.#socket.once('end', () => this.#ended());
    this.#socket.once('close', () => this.#ended());
    this.#socket.write(secret);
  }

  /** Something has come that the reader does not want yet. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  start(): void {
    this.#hasStarted = true;
    this.#goOn();
  }

  /** onClosed is told. */
  destroy(): void {
    this.#socket.destroy();
    this.#closed();
  }

  readonly #goOn = (): void => {
    if (this.#isHeld) this.#deliver();
    if (this.#isHeld || this.#isClosed) return;
    if (this.#hasEnded) this.#closed();
    else this.#socket.resume();
  };

  /** Messages of the chunk, while they are wanted. */
  #deliver(): void {
    while (!this.#isClosed) {
      if (!this.#events.mayRead(this.#goOn)) return;
      try {
        const message = this.#reader.next();
        if (message === undefined) break;
        this.#events.onMessage(message);
      } catch (error) {
        this.#closed(new Error(`the frame lane's bytes make no sense: ${messageOf(error)}`, { cause: error }));
        this.#socket.destroy();
      }
    }
    this.#isHeld = false;
  }

  #ended(): void {
    this.#hasEnded = true;
    if (!this.#isHeld) this.#closed();
  }

  #closed(error?: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events.onClosed(error);
  }
}
