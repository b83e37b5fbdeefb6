import type { Clock } from '../clock.js';
import { withDeadline } from '../clock.js';
import { refusal } from '../refusals.js';

const MAX_PENDING = 256;

/** A question that the core answers with a callback. Answers come in the order of the questions. */
export class AnswerQueue<T> {
  readonly #pending: { resolve: (answer: T) => void; reject: (error: Error) => void }[] = [];
  readonly #clock: Clock;
  readonly #name: string;

  constructor(name: string, clock: Clock) {
    this.#name = name;
    this.#clock = clock;
  }

  /** `send` sends the question. Rejects with UNAVAILABLE at the deadline and when the core ends. */
  async ask(send: () => void, deadlineMs: number): Promise<T> {
    if (this.#pending.length >= MAX_PENDING)
      throw refusal(
        'resource_exhausted',
        'TOO_MANY_QUERIES',
        `${MAX_PENDING} answers to ${this.#name} are outstanding`,
        { remedy: 'wait for the answers to the calls before', metadata: { limit: String(MAX_PENDING) } },
      );
    send();
    // One whose deadline has passed stays in the queue, so that its late answer does not go to another.
    const answer = new Promise<T>((resolve, reject) => this.#pending.push({ resolve, reject }));
    return withDeadline(answer, deadlineMs, this.#clock, () =>
      refusal('unavailable', 'CORE_SILENT', `the core service did not answer ${this.#name} in ${deadlineMs} ms`, {
        remedy: 'call again; when it stays silent, release the engine and create a new one',
      }),
    );
  }

  answer(answer: T): void {
    this.#pending.shift()?.resolve(answer);
  }

  fail(error: Error): void {
    for (const { reject } of this.#pending.splice(0)) reject(error);
  }
}
