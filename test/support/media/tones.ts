/** Sound that can be recognized: a tone all the time, and a louder beep of another frequency at the beginning of every second. */
export interface ToneOptions {
  sampleRate: number;
  channels: number;
  /** Hz. */
  frequency: number;
  /** 0 to 1 of full scale. */
  amplitude?: number;
  /** Samples per channel at which to begin; default 0. */
  position?: number;
  /** Hz of the beep; left out: no beep. It lasts a tenth of a second. */
  beepFrequency?: number;
}

export class ToneSource {
  #position: number;

  constructor(readonly options: ToneOptions) {
    this.#position = options.position ?? 0;
  }

  /** Samples per channel produced so far. */
  get position(): number {
    return this.#position;
  }

  skipTo(position: number): void {
    this.#position = position;
  }

  /** The next samples, interleaved; all channels the same. */
  next(samplesPerChannel: number): Int16Array {
    const { sampleRate, channels, frequency, amplitude = 0.2, beepFrequency } = this.options;
    const out = new Int16Array(samplesPerChannel * channels);
    for (let i = 0; i < samplesPerChannel; i++, this.#position++) {
      const t = this.#position / sampleRate;
      const beeping = beepFrequency !== undefined && t % 1 < 0.1;
      const value = beeping
        ? Math.sin(2 * Math.PI * beepFrequency * t) * Math.min(1, amplitude * 3)
        : Math.sin(2 * Math.PI * frequency * t) * amplitude;
      out.fill(Math.round(value * 32767), i * channels, (i + 1) * channels);
    }
    return out;
  }
}

/** Power of one frequency in a block (Goertzel), as a share of the block's whole power: 1 is a pure tone, 0 is none of it. Mono samples. */
export function toneShare(samples: ArrayLike<number>, sampleRate: number, frequency: number): number {
  const k = 2 * Math.cos((2 * Math.PI * frequency) / sampleRate);
  let s1 = 0;
  let s2 = 0;
  let power = 0;
  for (let i = 0; i < samples.length; i++) {
    const x = samples[i] ?? 0;
    const s0 = x + k * s1 - s2;
    s2 = s1;
    s1 = s0;
    power += x * x;
  }
  if (power === 0) return 0;
  return (2 * (s1 * s1 + s2 * s2 - k * s1 * s2)) / (power * samples.length);
}

/** Median of toneShare over blocks of 50 ms: beeps, and the seams where a receiver stretches time, do not count. */
export function steadyToneShare(samples: Int16Array, sampleRate: number, frequency: number): number {
  const block = Math.round(sampleRate / 20);
  const shares: number[] = [];
  for (let i = 0; i + block <= samples.length; i += block)
    shares.push(toneShare(samples.subarray(i, i + block), sampleRate, frequency));
  return shares.sort((a, b) => a - b)[Math.floor(shares.length / 2)] ?? 0;
}

/** Root mean square, 0 to 1 of full scale. */
export function level(samples: ArrayLike<number>): number {
  let power = 0;
  for (let i = 0; i < samples.length; i++) power += ((samples[i] ?? 0) / 32768) ** 2;
  return samples.length === 0 ? 0 : Math.sqrt(power / samples.length);
}

/** One channel of interleaved samples. */
export function channelOf(samples: Int16Array, channels: number, channel: number): Int16Array {
  const out = new Int16Array(Math.floor(samples.length / channels));
  for (let i = 0; i < out.length; i++) out[i] = samples[i * channels + channel] ?? 0;
  return out;
}

/** Share of the power that lies above a frequency, 0 to 1, over blocks of 20 ms under a Hann window (so that a tone does not leak far). Mono samples. */
export function shareAbove(samples: Int16Array, sampleRate: number, frequency: number): number {
  const length = Math.round(sampleRate / 50);
  const window = Float64Array.from({ length }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / length));
  const cosine = Float64Array.from({ length }, (_, i) => Math.cos((2 * Math.PI * i) / length));
  const first = Math.ceil((frequency * length) / sampleRate);
  let [all, above] = [0, 0];
  for (let from = 0; from + length <= samples.length; from += length) {
    const block = window.map((weight, i) => weight * (samples[from + i] ?? 0));
    for (let bin = 1; bin < length / 2; bin++) {
      const power = powerOfBin(block, cosine, bin);
      all += power;
      if (bin >= first) above += power;
    }
  }
  return all === 0 ? 0 : above / all;
}

/** One value of a discrete Fourier transform, squared; `cosine` is one period of it. */
function powerOfBin(block: Float64Array, cosine: Float64Array, bin: number): number {
  const { length } = block;
  const quarter = Math.floor(length / 4);
  let [real, imaginary] = [0, 0];
  for (let i = 0, phase = 0; i < length; i++, phase = (phase + bin) % length) {
    real += (block[i] ?? 0) * (cosine[phase] ?? 0);
    imaginary += (block[i] ?? 0) * (cosine[(phase + 3 * quarter) % length] ?? 0);
  }
  return real * real + imaginary * imaginary;
}
