const AVERAGED = 30;
const LEAST_EXCESS_MS = 150;

/**
 * When pictures stood still: an interval of at least three times the average of the last 30, and 150 ms above it, is a freeze (W3C, Identifiers for WebRTC's
 * Statistics API, freezeCount).
 */
export class FreezeMeter {
  #lastMs: number | undefined;
  readonly #intervals: number[] = [];
  #times = 0;
  #frozenMs = 0;

  get times(): number {
    return this.#times;
  }

  get frozenMs(): number {
    return this.#frozenMs;
  }

  /** A picture is shown. */
  shown(nowMs: number): void {
    const last = this.#lastMs;
    this.#lastMs = nowMs;
    if (last === undefined) return;
    const interval = nowMs - last;
    const { length } = this.#intervals;
    if (length === AVERAGED) {
      const average = this.#intervals.reduce((sum, one) => sum + one, 0) / length;
      if (interval >= Math.max(3 * average, average + LEAST_EXCESS_MS)) {
        this.#times++;
        this.#frozenMs += interval;
      }
      this.#intervals.shift();
    }
    this.#intervals.push(interval);
  }

  /** What comes next is not late: nobody looked meanwhile. */
  pause(): void {
    this.#lastMs = undefined;
  }
}
