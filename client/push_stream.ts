import type { ClientDuplexStream } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { AlirtcStatusError, cancelled, toStatusError } from './status_error.js';

interface PushResponse {
  acceptedFrames: number;
  credits: number;
}

interface Pending<Frame> {
  frame: Frame;
  resolve: () => void;
  reject: (error: AlirtcStatusError) => void;
}

export interface PushStreamConfig<Frame, Request> {
  open: () => ClientDuplexStream<Request, PushResponse>;
  first: Request;
  wrap: (frame: Frame) => Request;
  /** The credits that a frame takes; may be a fraction. */
  cost: (frame: Frame) => number;
  /** Pushes that wait at the same time; one more is refused. */
  maxPending: number;
  signal?: AbortSignal | undefined;
}

const DEFAULT_END_MS = 30_000;

export interface PushResult {
  /** Frames handed to the core service. */
  acceptedFrames: number;
}

/**
 * Pushes frames as fast as the daemon grants credits, one after the other. A frame larger than the credits at hand goes when there is any credit, and
 * what it took too much is paid back by the next grants, so that chunks of any length get through.
 */
export class PushStream<Frame, Request = unknown> {
  readonly #config: PushStreamConfig<Frame, Request>;
  readonly #call: ClientDuplexStream<Request, PushResponse>;
  readonly #queue: Pending<Frame>[] = [];
  #writing: Pending<Frame> | undefined;
  #granted = 0;
  #spent = 0;
  #accepted = 0;
  #ending = false;
  /** Set when nothing can be pushed any more. */
  #failure: AlirtcStatusError | undefined;
  readonly #finished: Promise<void>;
  #resolveFinished!: () => void;
  #rejectFinished!: (error: AlirtcStatusError) => void;

  constructor(config: PushStreamConfig<Frame, Request>) {
    this.#config = config;
    this.#finished = new Promise((resolve, reject) => {
      this.#resolveFinished = resolve;
      this.#rejectFinished = reject;
    });
    // Who only pushes hears of the failure by the pushes.
    this.#finished.catch(() => undefined);
    this.#call = config.open();
    this.#call.on('data', (response: PushResponse) => this.#receive(response));
    this.#call.on('error', (error) => this.#fail(toStatusError(error)));
    this.#call.on('end', () => this.#serverEnded());
    this.#call.write(config.first);
    if (config.signal?.aborted === true) this.cancel();
    else config.signal?.addEventListener('abort', this.cancel, { once: true });
  }

  /** Frames handed to the core service, as far as the daemon has told. */
  get acceptedFrames(): number {
    return this.#accepted;
  }

  /** Credits at hand; 0 or less: the next push waits. */
  get credits(): number {
    return this.#granted - this.#spent;
  }

  /**
   * Resolves when a credit allowed the frame and it was written; only then may its data be reused. Rejects with the stream's error: a malformed frame
   * ends the stream, metadata "sequence" names it.
   */
  push(frame: Frame): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#ending) return Promise.reject(closedStream('the push stream was ended'));
    if (this.#queue.length >= this.#config.maxPending) {
      const text = `${this.#queue.length} pushes are waiting already`;
      const remedy = 'await the promise of a push before the next one';
      return Promise.reject(
        new AlirtcStatusError(status.RESOURCE_EXHAUSTED, text, { reason: 'RESOURCE_EXHAUSTED', remedy }),
      );
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ frame, resolve, reject });
      this.#pump();
    });
  }

  /**
   * Half-closes after the pending pushes; resolves when the daemon has handed all frames to the core service. Rejects with the stream's error, and with
   * DEADLINE_EXCEEDED, which cancels the stream, after the time: what waits for credits goes out in real time at most.
   */
  async end(timeoutMs = DEFAULT_END_MS): Promise<PushResult> {
    this.#ending = true;
    this.#pump();
    const timer = setTimeout(() => {
      this.#fail(tooLate(timeoutMs));
      this.#call.cancel();
    }, timeoutMs);
    try {
      await this.#finished;
    } finally {
      clearTimeout(timer);
    }
    return { acceptedFrames: this.#accepted };
  }

  /** Ends the stream now: pending pushes reject with CANCELLED. Nothing happens when it has ended. */
  readonly cancel = (): void => {
    this.#fail(cancelled('the push stream was cancelled'));
    this.#call.cancel();
  };

  [Symbol.asyncDispose](): Promise<void> {
    this.cancel();
    return Promise.resolve();
  }

  #receive(response: PushResponse): void {
    this.#accepted = Math.max(this.#accepted, response.acceptedFrames);
    this.#granted += response.credits;
    this.#pump();
  }

  #pump(): void {
    if (this.#failure !== undefined || this.#writing !== undefined) return;
    if (this.#queue.length === 0) {
      if (this.#ending) this.#call.end();
      return;
    }
    if (this.credits <= 0) return;
    const pending = this.#queue.shift();
    if (pending === undefined) return;
    this.#spent += this.#config.cost(pending.frame);
    this.#writing = pending;
    // The callback comes when the transport took the message, so at most one message waits in it.
    this.#call.write(this.#config.wrap(pending.frame), () => {
      if (this.#failure !== undefined) return;
      this.#writing = undefined;
      pending.resolve();
      this.#pump();
    });
  }

  #serverEnded(): void {
    if (this.#ending && this.#queue.length === 0 && this.#writing === undefined && this.#failure === undefined) {
      this.#failure = closedStream('the push stream was ended');
      this.#config.signal?.removeEventListener('abort', this.cancel);
      this.#resolveFinished();
      return;
    }
    this.#fail(closedStream('the daemon ended the push stream: the engine was released'));
  }

  #fail(error: AlirtcStatusError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#config.signal?.removeEventListener('abort', this.cancel);
    this.#writing?.reject(error);
    for (const pending of this.#queue.splice(0)) pending.reject(error);
    this.#rejectFinished(error);
  }
}

function tooLate(timeoutMs: number): AlirtcStatusError {
  const text = `the push stream has not ended after ${timeoutMs} ms`;
  const remedy = 'give end() more time, or see whether the engine still sends';
  return new AlirtcStatusError(status.DEADLINE_EXCEEDED, text, { reason: 'DEADLINE_EXCEEDED', remedy });
}

function closedStream(message: string): AlirtcStatusError {
  return new AlirtcStatusError(status.FAILED_PRECONDITION, message, {
    reason: 'FAILED_PRECONDITION',
    remedy: 'open a new push stream',
  });
}
