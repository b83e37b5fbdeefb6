import { LanedCall } from './laned_call.js';
import type { FrameOrLane, MessageCall, NumberedFrame } from './laned_call.js';
import { ReadGate } from './transport.js';
import type { Method, Transport } from './transport.js';
import { toStatusError } from './status_error.js';

export interface MessageStreamOptions {
  /** Messages kept in this process ahead of the reader. */
  readAhead: number;
  /** Aborting ends the iteration without an error. */
  signal?: AbortSignal | undefined;
}

interface Waiter<T> {
  resolve: (result: IteratorResult<T, undefined>) => void;
  reject: (error: unknown) => void;
}

/**
 * A server stream as an async iterator. It is open from its construction on; it ends when the server ends it, and when return() is called (which an early
 * `break` does), when the signal aborts or when it is disposed of: then the call is cancelled. While the reader is slow nothing is read
 * beyond the read-ahead and the transport's flow control window, so the daemon sees it and applies its policy of dropping.
 */
export class MessageStream<T> implements AsyncIterableIterator<T, undefined> {
  readonly #gate = new ReadGate();
  readonly #call: MessageCall<T>;
  readonly #options: MessageStreamOptions;
  readonly #queue: T[] = [];
  readonly #waiters: Waiter<T>[] = [];
  #ended = false;
  #error: unknown;

  constructor(open: (gate: ReadGate) => MessageCall<T>, options: MessageStreamOptions) {
    this.#options = options;
    this.#call = open(this.#gate);
    this.#call.on('data', (message: T) => this.#receive(message));
    // The error comes before the end in time; whichever comes first decides.
    this.#call.on('error', (error) => this.#finish(toStatusError(error)));
    this.#call.on('end', () => this.#finish(undefined));
    if (options.signal?.aborted === true) this.cancel();
    else options.signal?.addEventListener('abort', this.cancel, { once: true });
  }

  /** Messages that have arrived and were not read yet. */
  get buffered(): number {
    return this.#queue.length;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const message = this.#queue.shift();
    if (message !== undefined) {
      if (this.#queue.length < this.#options.readAhead) this.#gate.open();
      return Promise.resolve({ value: message, done: false });
    }
    if (this.#ended) return this.#end();
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.cancel();
    return Promise.resolve({ value: undefined, done: true });
  }

  /** Ends the stream now; what was not read yet is dropped. */
  readonly cancel = (): void => {
    this.#queue.length = 0;
    // An ended stream forgets its error: who cancels does not want to hear it.
    this.#error = undefined;
    this.#finish(undefined);
    this.#call.cancel();
  };

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.cancel();
    return Promise.resolve();
  }

  #receive(message: T): void {
    if (this.#ended) return;
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) {
      waiter.resolve({ value: message, done: false });
      return;
    }
    this.#queue.push(message);
    if (this.#queue.length >= this.#options.readAhead) this.#gate.shut();
  }

  #finish(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#options.signal?.removeEventListener('abort', this.cancel);
    this.#gate.open();
    // Waiters exist only while the queue is empty. The first one hears the error, the others the end.
    for (const waiter of this.#waiters.splice(0)) this.#end().then(waiter.resolve, waiter.reject);
  }

  /** The error once, the end from then on. */
  #end(): Promise<IteratorResult<T, undefined>> {
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) return Promise.reject(toStatusError(error));
    return Promise.resolve({ value: undefined, done: true });
  }
}

export function openMessageStream<Request, Response>(
  transport: Transport,
  method: Method<Request, Response>,
  request: Request,
  options: MessageStreamOptions,
): MessageStream<Response> {
  return new MessageStream((gate) => transport.serverStream(method, request, gate), options);
}

/** The same of frames, which may come by a lane. */
export function openFrameStream<Request, Response extends NumberedFrame>(
  transport: Transport,
  method: Method<Request, FrameOrLane<Response>>,
  request: Request,
  options: MessageStreamOptions,
): MessageStream<Response> {
  const decode = method.responseDeserialize;
  return new MessageStream(
    (gate) => new LanedCall({ gate, decode, open: (permit) => transport.serverStream(method, request, permit) }),
    options,
  );
}
