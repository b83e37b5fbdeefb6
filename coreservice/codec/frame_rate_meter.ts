/** Weight of a new interval: follows a changed rate within about half a second of pictures at 15 per second. */
const WEIGHT = 0.15;
const SHORTEST_INTERVAL_US = 1e6 / 120;
/** A pause counts as one picture a second, not as the end of all rate. */
const LONGEST_INTERVAL_US = 1e6;

/** How many pictures a second really come, by their own times. Starts from the configured rate. */
export class FrameRateMeter {
  #intervalUs: number;
  #lastUs: number | undefined;

  constructor(expectedPerSecond: number) {
    this.#intervalUs = 1e6 / expectedPerSecond;
  }

  get perSecond(): number {
    return 1e6 / this.#intervalUs;
  }

  add(timeUs: number): void {
    if (this.#lastUs !== undefined) {
      const interval = Math.min(Math.max(timeUs - this.#lastUs, SHORTEST_INTERVAL_US), LONGEST_INTERVAL_US);
      this.#intervalUs += WEIGHT * (interval - this.#intervalUs);
    }
    this.#lastUs = timeUs;
  }
}
