/** Beyond this a capture clock was changed, not interrupted: frames of one stream arrive about as far apart as they were captured. */
const JUMP_US = 2_000_000;
/** Two streams of one user whose clocks differ less from ours run on the same clock. */
const SAME_CLOCK_US = 500_000;

/**
 * Capture times of one user's streams on one line. A sender's clock may be wrong by hours, and is known only from its first report on: until then times are
 * those of the arrival. Where a stream changes from one clock to the other, its times go on from where they were.
 */
export class CaptureClock {
  /** Capture clock less our line, of each stream. */
  readonly #offsets = new Map<string, { offsetUs: number; delayUs: number }>();

  /** The time of a frame on the line. `captureUs` and `arrivalUs` are Unix times. */
  map(stream: string, captureUs: number, arrivalUs: number): number {
    const delayUs = arrivalUs - captureUs;
    let known = this.#offsets.get(stream);
    if (known === undefined) {
      // The first stream defines the line; another one on the same clock follows it.
      known = { offsetUs: this.#sibling(stream, delayUs)?.offsetUs ?? 0, delayUs };
      if (this.#offsets.size > 0 && this.#sibling(stream, delayUs) === undefined)
        known.offsetUs = this.#offsetByArrival(delayUs);
      this.#offsets.set(stream, known);
    } else if (Math.abs(delayUs - known.delayUs) > JUMP_US) {
      known.offsetUs = this.#sibling(stream, delayUs)?.offsetUs ?? known.offsetUs + known.delayUs - delayUs;
    }
    known.delayUs = delayUs;
    return captureUs - known.offsetUs;
  }

  #sibling(stream: string, delayUs: number): { offsetUs: number } | undefined {
    for (const [name, other] of this.#offsets)
      if (name !== stream && Math.abs(other.delayUs - delayUs) < SAME_CLOCK_US) return other;
    return undefined;
  }

  /** Another clock than the first stream's: both arrive about as long after their capture. */
  #offsetByArrival(delayUs: number): number {
    const first = this.#offsets.values().next().value;
    return first === undefined ? 0 : first.offsetUs + first.delayUs - delayUs;
  }
}
