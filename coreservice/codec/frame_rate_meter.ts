/** Over how much time the rate is taken: long enough for uneven arrival, short enough for a changed rate. */
const WINDOW_US = 500_000;
/** Less than this says nothing yet, or says it too loudly. */
const LEAST_SPAN_US = 300_000;
/** Kept however old they are, so that slow streams have a rate, too. */
const LEAST_TIMES = 4;
const MOST_TIMES = 64;
/** A longer distance is a pause, not a rate. */
const PAUSE_US = 2_000_000;

/** How many pictures a second really come, by their own times, over the last half second. Begins with the configured rate. */
export class FrameRateMeter {
  #perSecond: number;
  readonly #timesUs: number[] = [];

  constructor(expectedPerSecond: number) {
    this.#perSecond = expectedPerSecond;
  }

  get perSecond(): number {
    return this.#perSecond;
  }

  add(timeUs: number): void {
    const times = this.#timesUs;
    const last = times.at(-1);
    // After a pause, or a jump of the clock, counting begins anew; the rate is taken to be as before.
    if (last !== undefined && (timeUs <= last || timeUs - last > PAUSE_US)) times.length = 0;
    times.push(timeUs);
    while (times.length > MOST_TIMES || (times.length > LEAST_TIMES && timeUs - (times[0] ?? 0) > WINDOW_US))
      times.shift();
    const span = timeUs - (times[0] ?? timeUs);
    if (span >= LEAST_SPAN_US) this.#perSecond = ((times.length - 1) * 1e6) / span;
  }
}
