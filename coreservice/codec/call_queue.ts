import { AlirtcError } from '../../common/errors.js';
import { closedError } from './av.js';

/**
 * Runs asynchronous calls one after the other, in the order they were made: a codec context takes one call at a time, and its calls run on threads of
 * libuv's pool. Bounded: a caller that does not wait is refused, because every waiting call holds a picture.
 */
export class CallQueue {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #closed = false;

  constructor(
    private readonly what: string,
    private readonly limit: number,
  ) {}

  run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(closedError(this.what));
    if (this.#waiting >= this.limit)
      return Promise.reject(
        new AlirtcError('resource_exhausted', `${this.what}: ${this.limit} pictures wait already`, {
          reason: 'CODEC_QUEUE_FULL',
          remedy: 'await earlier calls, or drop pictures',
        }),
      );
    this.#waiting++;
    const result = this.#tail.then(() => this.#start(call));
    this.#tail = result.catch(() => undefined);
    return result;
  }

  async #start<T>(call: () => Promise<T>): Promise<T> {
    try {
      if (this.#closed) throw closedError(this.what);
      return await call();
    } finally {
      this.#waiting--;
    }
  }

  /** Refuses what has not begun; resolves when the call in work has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#tail;
  }
}
