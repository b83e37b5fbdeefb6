import { i420Size } from '../../../coreservice/codec/types.js';
import type { I420Picture } from '../../../coreservice/codec/types.js';

/** A small random generator with a seed, so that every run sees the same pictures. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A moving picture like a camera's: smooth shapes that pan, a few hard edges, a little noise. `index` is the time in pictures. */
export function cameraPicture(width: number, height: number, index: number): I420Picture {
  const data = Buffer.alloc(i420Size(width, height));
  const noise = random(index + 1);
  const phase = index / 10;
  let at = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const wave = Math.sin(x / 23 + phase) + Math.sin(y / 17 - phase / 2) + Math.sin((x + y) / 41 + phase / 3);
      data[at++] = 120 + 28 * wave + 4 * noise();
    }
  const boxSize = height >> 2;
  const left = Math.round((width - boxSize) * (0.5 + 0.5 * Math.sin(phase / 2)));
  for (let y = 0; y < boxSize; y++)
    data.fill(210, (y + boxSize) * width + left, (y + boxSize) * width + left + boxSize);
  const chromaWidth = (width + 1) >> 1;
  const chromaHeight = (height + 1) >> 1;
  for (const sign of [1, -1])
    for (let y = 0; y < chromaHeight; y++)
      for (let x = 0; x < chromaWidth; x++) data[at++] = 128 + sign * 30 * Math.sin(x / 31 + y / 27 + phase / 4);
  return { width, height, data };
}

/** Peak signal-to-noise ratio in dB over all bytes; 100 for equal ones. */
export function psnr(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return 0;
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((a[i] ?? 0) - (b[i] ?? 0)) ** 2;
  return sum === 0 ? 100 : 10 * Math.log10((255 * 255 * a.length) / sum);
}

export interface Tone {
  hz: number;
  sampleRate: number;
  channels: 1 | 2;
  /** 0 to 1. */
  level: number;
}

/** A sine, the same on all channels; `from` is the first sample's number, so that blocks join. */
export function tone({ hz, sampleRate, channels, level }: Tone, frames: number, from = 0): Int16Array {
  const samples = new Int16Array(frames * channels);
  for (let i = 0; i < frames; i++)
    samples.fill(
      Math.round(32767 * level * Math.sin((2 * Math.PI * hz * (from + i)) / sampleRate)),
      i * channels,
      (i + 1) * channels,
    );
  return samples;
}

/** One channel of interleaved samples. */
export function channelOf(samples: Int16Array, channels: number, channel: number): Int16Array {
  return samples.filter((_, i) => i % channels === channel);
}

/** The power of one frequency in mono samples (Goertzel's algorithm with a Hann window), as part of full scale squared. */
export function powerAt(samples: Int16Array, hz: number, sampleRate: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * hz) / sampleRate);
  let before = 0;
  let last = 0;
  let gain = 0;
  for (let i = 0; i < samples.length; i++) {
    const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / samples.length);
    gain += window;
    const now = ((samples[i] ?? 0) / 32768) * window + coefficient * last - before;
    before = last;
    last = now;
  }
  return ((before * before + last * last - coefficient * before * last) * 2) / (gain * gain);
}

/** Mean power of mono samples, as part of full scale squared. */
export function power(samples: Int16Array): number {
  let sum = 0;
  for (const sample of samples) sum += (sample / 32768) ** 2;
  return sum / samples.length;
}

/** As power(), weighted like powerAt(): the sum of powerAt() over all whole bins is 1.5 times this. */
export function windowedPower(samples: Int16Array): number {
  let sum = 0;
  let weight = 0;
  for (let i = 0; i < samples.length; i++) {
    const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / samples.length);
    sum += (((samples[i] ?? 0) / 32768) * window) ** 2;
    weight += window * window;
  }
  return sum / weight;
}

/** What is not the tone, against the tone, in dB (negative): a least-squares fit of the sine is taken away. */
export function noiseToToneDb(samples: Int16Array, hz: number, sampleRate: number): number {
  const step = (2 * Math.PI * hz) / sampleRate;
  let [ss, cc, sc, xs, xc] = [0, 0, 0, 0, 0];
  for (let i = 0; i < samples.length; i++) {
    const [s, c, x] = [Math.sin(step * i), Math.cos(step * i), samples[i] ?? 0];
    ss += s * s;
    cc += c * c;
    sc += s * c;
    xs += x * s;
    xc += x * c;
  }
  const determinant = ss * cc - sc * sc;
  const a = (xs * cc - xc * sc) / determinant;
  const b = (xc * ss - xs * sc) / determinant;
  let [rest, wanted] = [0, 0];
  for (let i = 0; i < samples.length; i++) {
    const fit = a * Math.sin(step * i) + b * Math.cos(step * i);
    rest += ((samples[i] ?? 0) - fit) ** 2;
    wanted += fit * fit;
  }
  return 10 * Math.log10(Math.max(rest, 1e-9) / wanted);
}

export function concat(parts: readonly Int16Array[]): Int16Array {
  const result = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
