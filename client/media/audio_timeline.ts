export interface AudioPlacement {
  /** Silence to put in before the chunk, in samples per channel. */
  silence: number;
  /** Samples per channel to leave out at the chunk's beginning. */
  skip: number;
}

/** A clock that differs less is left alone: it jitters, and sample clocks drift. */
const TOLERANCE_US = 40_000;

/**
 * Places chunks of sound on a line of samples without holes. Chunks follow one another by their sample counts; only when the capture clock runs away from the
 * count by more than 40 ms is silence put in, or sound left out, so that the clock is right again.
 */
export class AudioTimeline {
  #anchorUs: number | undefined;
  #samples = 0;
  #inserted = 0;
  #skipped = 0;

  constructor(readonly sampleRateHz: number) {}

  /** The time of sample 0; undefined before the first chunk. */
  get anchorUs(): number | undefined {
    return this.#anchorUs;
  }

  /** Samples per channel on the line. */
  get samples(): number {
    return this.#samples;
  }

  get insertedSamples(): number {
    return this.#inserted;
  }

  get skippedSamples(): number {
    return this.#skipped;
  }

  place(timeUs: number, samples: number): AudioPlacement {
    this.#anchorUs ??= timeUs;
    const dueUs = this.#anchorUs + (this.#samples * 1e6) / this.sampleRateHz;
    const offUs = timeUs - dueUs;
    let silence = 0;
    let skip = 0;
    if (offUs > TOLERANCE_US) silence = Math.round((offUs * this.sampleRateHz) / 1e6);
    else if (offUs < -TOLERANCE_US) skip = Math.min(samples, Math.round((-offUs * this.sampleRateHz) / 1e6));
    this.#samples += silence + samples - skip;
    this.#inserted += silence;
    this.#skipped += skip;
    return { silence, skip };
  }
}
