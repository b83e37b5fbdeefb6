/** More of a second than this is not taken from the event loop. */
const MOST_MS_PER_SECOND = 150;

/**
 * How much short work may run on the event loop instead of a thread. Handing a picture to a thread and back costs more than a tenth of decoding it, so one or two
 * streams are decoded in place; beyond the budget threads do it, on as many processors as there are.
 */
export class EventLoopBudget {
  #spentMs = 0;
  #atMs = 0;

  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  hasLeft(): boolean {
    const nowMs = this.nowMs();
    // What was spent is forgotten at the rate at which it may be spent.
    this.#spentMs = Math.max(0, this.#spentMs - ((nowMs - this.#atMs) * MOST_MS_PER_SECOND) / 1000);
    this.#atMs = nowMs;
    return this.#spentMs < MOST_MS_PER_SECOND / 5;
  }

  /** Runs it and notes how long it took. */
  run<T>(work: () => T): T {
    const startedMs = this.nowMs();
    const result = work();
    this.#spentMs += this.nowMs() - startedMs;
    return result;
  }
}
