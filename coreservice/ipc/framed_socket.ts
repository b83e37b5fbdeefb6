import type { Socket } from 'node:net';
import { AlirtcError, messageOf } from '../../common/errors.js';
import type { Logger } from '../../common/logger.js';
import type { DecodedMessage } from './decoder.js';
import { MessageDecoder } from './decoder.js';
import type { Direction, IpcLimits } from './direction.js';
import { DEFAULT_LIMITS } from './direction.js';
import { encodeMessage } from './encoder.js';
import type { Fields } from './fields.js';

/** Why a connection ended. */
export type ConnectionEnd =
  | { kind: 'requested' } // close() or destroy() was called at this end
  | { kind: 'peer_ended' } // the other end closed it, between two messages
  | { kind: 'failed'; error: AlirtcError }; // reset, half a message, or a broken protocol

export interface ConnectionOptions {
  limits?: IpcLimits;
  /** What may wait to be written, in bytes; more ends the connection, because the other end does not read. */
  maxQueuedBytes?: number;
  /** Numbers in no row are told here, once each, at level debug. */
  logger?: Logger;
}

export interface FramedSocketEvents {
  onMessage: (message: DecodedMessage) => void;
  onClosed: (end: ConnectionEnd) => void;
}

/** To put less than this together costs less than a write of several pieces. */
const JOINED_BYTES = 16 * 1024;
/** Two of the largest pictures; a sender that heeds `drained()` never comes near. */
const DEFAULT_MAX_QUEUED_BYTES = 96 << 20;
const CLOSE_TIMEOUT_MS = 500;
const MAX_REMEMBERED_NUMBERS = 256;

/** Messages over one TCP socket, in both directions: what the daemon's and the core's end share. It owns the socket. */
export class FramedSocket {
  readonly #socket: Socket;
  readonly #outgoing: Direction;
  readonly #limits: IpcLimits;
  readonly #maxQueuedBytes: number;
  readonly #logger: Logger | undefined;
  readonly #events: FramedSocketEvents;
  readonly #decoder: MessageDecoder;
  readonly #unknown = new Set<number>();
  readonly #closed: Promise<void>;
  #end: ConnectionEnd | undefined;

  constructor(
    socket: Socket,
    directions: { incoming: Direction; outgoing: Direction },
    events: FramedSocketEvents,
    options: ConnectionOptions = {},
  ) {
    this.#socket = socket;
    this.#outgoing = directions.outgoing;
    this.#limits = options.limits ?? DEFAULT_LIMITS;
    this.#maxQueuedBytes = options.maxQueuedBytes ?? DEFAULT_MAX_QUEUED_BYTES;
    this.#logger = options.logger;
    this.#events = events;
    this.#decoder = new MessageDecoder(directions.incoming, this.#limits, (number) => this.#noteUnknown(number));
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('end', () => this.#onEnd());
    socket.on('error', (error) => this.#fail(connectionLost(messageOf(error), error)));
    socket.on('close', () => this.#onClose());
    // An accepted socket comes paused, so that nothing is read before the listeners are on.
    socket.resume();
  }

  get isOpen(): boolean {
    return this.#end === undefined;
  }

  /** Bytes that wait to be written. */
  get writableLength(): number {
    return this.#socket.writableLength;
  }

  /** Writes header and payload in one go; a payload that is not small is not copied, so its owner leaves it unchanged until drained(). */
  send(name: string, fields: Readonly<Fields>, payload?: Uint8Array): void {
    const buffers = encodeMessage(this.#outgoing, name, fields, payload, this.#limits);
    const bytes = buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0);
    if (bytes <= JOINED_BYTES) this.#socket.write(Buffer.concat(buffers, bytes));
    else this.#writePieces(buffers);
    if (this.#socket.writableLength > this.#maxQueuedBytes)
      this.#fail(connectionLost(`the other end does not read: ${this.#socket.writableLength} bytes wait`));
  }

  #writePieces(buffers: readonly Buffer[]): void {
    this.#socket.cork();
    // The kernel takes what it has room for straight out of these buffers (writev); the rest waits in the socket's queue, still uncopied.
    for (const buffer of buffers) this.#socket.write(buffer);
    this.#socket.uncork();
  }

  /** Resolves when the queue has room again (it is below the socket's high-water mark), and also when the connection ends. */
  async drained(): Promise<void> {
    const socket = this.#socket;
    if (!socket.writableNeedDrain || socket.destroyed) return;
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        socket.off('drain', settle);
        socket.off('close', settle);
        resolve();
      };
      socket.on('drain', settle);
      socket.on('close', settle);
    });
  }

  /** Stops reading until resume(); the other end is held up by TCP. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Writes what waits, then closes; after half a second without success it closes all the same. Idempotent. */
  async close(): Promise<void> {
    this.#end ??= { kind: 'requested' };
    this.#socket.end();
    // What still arrives is dropped, but read: unread bytes would turn the close into a reset and cost the other end our last messages.
    this.#socket.resume();
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_TIMEOUT_MS);
    await this.#closed;
    clearTimeout(timer);
  }

  /** Closes at once; what waits is lost. */
  destroy(): void {
    this.#end ??= { kind: 'requested' };
    this.#socket.destroy();
  }

  #onData(chunk: Buffer): void {
    if (!this.isOpen) return;
    this.#decoder.feed(chunk);
    // A message's receiver may close the connection; what is left of the chunk is dropped then.
    while (this.isOpen) {
      const message = this.#attempt(() => this.#decoder.next());
      if (message === undefined) return;
      try {
        this.#events.onMessage(message);
      } catch (error) {
        // A defect of the receiver costs this connection, not the process with all its others.
        this.#fail(messageFailed(message.name, error));
      }
    }
  }

  #onEnd(): void {
    if (!this.isOpen) return;
    this.#attempt(() => this.#decoder.end());
    this.#end ??= { kind: 'peer_ended' };
    // What waits has nobody to go to; a peer that does not read would keep the socket half open for ever.
    this.#socket.destroy();
  }

  #attempt<T>(decode: () => T): T | undefined {
    try {
      return decode();
    } catch (error) {
      this.#fail(error instanceof AlirtcError ? error : connectionLost(messageOf(error), error));
      return undefined;
    }
  }

  #fail(error: AlirtcError): void {
    this.#end ??= { kind: 'failed', error };
    this.#socket.destroy();
  }

  #onClose(): void {
    this.#end ??= { kind: 'failed', error: connectionLost('closed without an end') };
    this.#events.onClosed(this.#end);
  }

  #noteUnknown(number: number): void {
    if (this.#unknown.has(number) || this.#unknown.size >= MAX_REMEMBERED_NUMBERS) return;
    this.#unknown.add(number);
    this.#logger?.debug({ number }, 'message with an unlisted number passed over');
  }
}

function messageFailed(name: string, cause: unknown): AlirtcError {
  return new AlirtcError('internal', `core-service IPC: ${name} could not be worked off: ${messageOf(cause)}`, {
    reason: 'IPC_MESSAGE_FAILED',
    cause,
  });
}

function connectionLost(text: string, cause?: unknown): AlirtcError {
  return new AlirtcError('unavailable', `core-service IPC: connection lost: ${text}`, {
    reason: 'IPC_CONNECTION_LOST',
    ...(cause === undefined ? {} : { cause }),
  });
}
