import type { EngineClock, EngineTimer } from '../../../coreservice/engine/clock.js';

/** Time that moves only when a test says so; timers run in the order of their time. Unix time begins at 1,000,000,000 µs. */
export class FakeClock implements EngineClock {
  #nowMs = 0;
  #timers: { atMs: number; run: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  unixUs(): number {
    return 1_000_000_000 + Math.round(this.#nowMs * 1000);
  }

  after(delayMs: number, run: () => void): EngineTimer {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), run };
    this.#timers.push(timer);
    return { cancel: () => (this.#timers = this.#timers.filter((other) => other !== timer)) };
  }

  turn(): Promise<void> {
    return Promise.resolve();
  }

  get timers(): number {
    return this.#timers.length;
  }

  /** Lets so much time pass; promises settle between the timers. */
  async pass(durationMs: number): Promise<void> {
    await settle();
    const endMs = this.#nowMs + durationMs;
    for (;;) {
      const next = this.#timers.filter((timer) => timer.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
      await settle();
    }
    this.#nowMs = endMs;
    await settle();
  }

  /** The process stood still: time is later, and no timer has run. */
  jump(durationMs: number): void {
    this.#nowMs += durationMs;
  }
}

/** Lets everything that waits on promises alone go on. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve();
}
