/** Peaks are looked for, and gains set, in steps of about a millisecond. */
const STEPS = 10;
/** A little below full scale, so that what follows (resampling, a lossy codec) does not clip either. */
const CEILING = 32_000;
const FULL_SCALE = 32_767;
/** How long the gain stays down after a peak, and by how much a step it then comes back: slow enough not to be heard as trembling. */
const HOLD_STEPS = 200;
const RELEASE_PER_STEP = 0.001;

/**
 * Mixes blocks of 10 ms (or of any other length, always the same) with a limiter that turns the whole mix down when it would clip. The gain is a line
 * between steps of 1 ms, low enough at both ends for the peaks on both sides; only where a block begins louder than the last one ended can it be
 * too late, and there single samples are held at full scale until the line is down, at most for one step.
 *
 * While the gain is 1 and nothing clips, sums are exact: one source alone passes bit by bit.
 */
export class Mixer {
  #sum = new Int32Array(0);
  #gain = 1;
  #holdSteps = 0;

  constructor(private readonly channels: 1 | 2) {}

  /** Sources of one length and with the mixer's channels. None gives silence of `length` samples (all channels together). */
  mix(sources: readonly Int16Array[], length: number): Int16Array {
    const result = new Int16Array(length);
    const only = sources[0];
    if (sources.length === 1 && only !== undefined && only.length === length && this.#gain === 1) {
      result.set(only);
      return result;
    }
    const sum = this.#add(sources, length);
    this.#limit(sum, result, length);
    return result;
  }

  #add(sources: readonly Int16Array[], length: number): Int32Array {
    if (this.#sum.length < length) this.#sum = new Int32Array(length);
    const sum = this.#sum;
    sum.fill(0, 0, length);
    for (const source of sources) {
      if (source.length !== length) throw new RangeError(`a source of ${source.length} samples in a mix of ${length}`);
      for (let i = 0; i < length; i++) sum[i] = (sum[i] ?? 0) + (source[i] ?? 0);
    }
    return sum;
  }

  #limit(sum: Int32Array, result: Int16Array, length: number): void {
    const frames = length / this.channels;
    const bounds = Array.from({ length: STEPS + 1 }, (_, k) => Math.round((k * frames) / STEPS) * this.channels);
    const needs = this.#neededGains(sum, bounds);
    for (let step = 0; step < STEPS; step++) {
      const from = this.#gain;
      const to = this.#nextGain(needs[step] ?? 1, needs[step + 1] ?? 1);
      scale(sum, result, bounds[step] ?? 0, bounds[step + 1] ?? 0, this.channels, from, to);
      this.#gain = to;
    }
  }

  /** For each step the gain at which its loudest sample is not above the ceiling; 1 where nothing clips. */
  #neededGains(sum: Int32Array, bounds: readonly number[]): number[] {
    const needs: number[] = [];
    for (let step = 0; step < STEPS; step++) {
      let peak = 0;
      const end = bounds[step + 1] ?? 0;
      for (let i = bounds[step] ?? 0; i < end; i++) {
        const value = sum[i] ?? 0;
        const size = value < 0 ? -value - 1 : value; // -32768 fits
        if (size > peak) peak = size;
      }
      const limit = this.#gain < 1 ? CEILING : FULL_SCALE;
      needs.push(peak > limit ? CEILING / peak : 1);
    }
    return needs;
  }

  #nextGain(needNow: number, needNext: number): number {
    const need = Math.min(needNow, needNext);
    if (need <= this.#gain) {
      if (need < 1) this.#holdSteps = HOLD_STEPS;
      return need;
    }
    if (this.#holdSteps > 0) {
      this.#holdSteps--;
      return this.#gain;
    }
    return Math.min(need, this.#gain + RELEASE_PER_STEP);
  }
}

function scale(
  sum: Int32Array,
  result: Int16Array,
  start: number,
  end: number,
  channels: number,
  from: number,
  to: number,
): void {
  if (from === 1 && to === 1) {
    for (let i = start; i < end; i++) result[i] = sum[i] ?? 0;
    return;
  }
  const slope = ((to - from) * channels) / Math.max(1, end - start);
  let gain = from;
  for (let i = start; i < end; i += channels, gain += slope)
    for (let channel = 0; channel < channels; channel++) {
      const value = Math.round((sum[i + channel] ?? 0) * gain);
      result[i + channel] = value > FULL_SCALE ? FULL_SCALE : value < -FULL_SCALE ? -FULL_SCALE : value;
    }
}
