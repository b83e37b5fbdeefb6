import type { EngineClock, EngineTimer } from './clock.js';

/**
 * Ticks at a fixed period without drift: the n-th tick is due at start + n periods by the monotonic clock. A late timer makes up for what it missed in one
 * burst; beyond maxBurst ticks the missed ones are skipped, so that a stopped process does not flood its host afterwards.
 */
export class MediaClock {
  #timer: EngineTimer | undefined;
  #startMs = 0;
  #startUnixUs = 0;
  #next = 0;
  #skipped = 0;

  constructor(
    private readonly clock: EngineClock,
    private readonly periodMs: number,
    /**
     * index counts from 0 and jumps over skipped ticks; dueUs is the Unix time in microseconds at which the tick was due, dueMs the same on the clock.
     */
    private readonly onTick: (index: number, dueUs: number, dueMs: number) => void,
    private readonly maxBurst = 50,
  ) {}

  get running(): boolean {
    return this.#timer !== undefined;
  }

  /** Ticks that were never made. */
  get skipped(): number {
    return this.#skipped;
  }

  start(): void {
    if (this.running) return;
    this.#startMs = this.clock.nowMs();
    this.#startUnixUs = this.clock.unixUs();
    this.#next = 0;
    this.#schedule();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #schedule(): void {
    const dueMs = this.#startMs + this.#next * this.periodMs;
    this.#timer = this.clock.after(Math.max(0, dueMs - this.clock.nowMs()), () => this.#run());
  }

  #run(): void {
    const due = Math.floor((this.clock.nowMs() - this.#startMs) / this.periodMs) + 1;
    if (due - this.#next > this.maxBurst) {
      this.#skipped += due - this.#next - this.maxBurst;
      this.#next = due - this.maxBurst;
    }
    while (this.#next < due && this.running) {
      const index = this.#next++;
      const sinceStartMs = index * this.periodMs;
      this.onTick(index, this.#startUnixUs + Math.round(sinceStartMs * 1000), this.#startMs + sinceStartMs);
    }
    if (this.running) this.#schedule();
  }
}
