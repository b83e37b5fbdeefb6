import type { Resampler } from '../codec/types.js';
import type { AudioShape } from '../ipc/extension.js';
import { SampleQueue } from './sample_queue.js';

/**
 * Turns 10 ms frames of one shape into 10 ms frames of another. A resampler gives a little less at first (its filter's length); that is made up for by silence in
 * front, once, so that from then on every frame in is a frame out. Rates that 100 does not divide alternate between two lengths.
 */
export class FrameShaper {
  readonly #queue = new SampleQueue();
  #frames = 0;

  constructor(
    readonly shape: AudioShape,
    /** Undefined: the input has the shape already. */
    private readonly resampler: Resampler | undefined,
  ) {}

  /** Exactly one frame for each frame. */
  shapeFrame(samples: Int16Array): Int16Array {
    if (this.resampler === undefined) return samples;
    this.#queue.push(this.resampler.convert(samples));
    const frame = new Int16Array(this.#nextLength());
    const missing = frame.length - Math.min(frame.length, this.#queue.length);
    this.#queue.take(frame.subarray(missing));
    return frame;
  }

  close(): void {
    this.resampler?.close();
  }

  #nextLength(): number {
    const { sampleRate, channels } = this.shape;
    const before = Math.floor((this.#frames * sampleRate) / 100);
    this.#frames++;
    return (Math.floor((this.#frames * sampleRate) / 100) - before) * channels;
  }
}
