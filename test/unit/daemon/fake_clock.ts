import type { Clock } from '../../../daemon/clock.js';

/** Time that goes on when a test says so. */
export class FakeClock implements Clock {
  #nowMs = 1_700_000_000_000;
  readonly #timers = new Set<{ atMs: number; call: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, call: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, call };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  get pending(): number {
    return this.#timers.size;
  }

  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = due.atMs;
      due.call();
    }
    this.#nowMs = untilMs;
  }
}
