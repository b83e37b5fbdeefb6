import { SoftwareResampleContext } from 'node-av/lib';
import { AV_SAMPLE_FMT_S16 } from 'node-av/constants';
import { bytesOf, channelLayout, checkAv, closedError, invalidArgument, samplesOf } from './av.js';
import type { Resampler } from './types.js';

export interface ResamplerSettings {
  fromRate: number;
  fromChannels: 1 | 2;
  toRate: number;
  toChannels: 1 | 2;
}

/** Room beyond what libswresample says that it may give. */
const SPARE_SAMPLES = 32;

/**
 * libswresample: a polyphase filter with exactly the ratio of the two rates, so that nothing drifts; its delay is half its filter, 16 samples of the lower rate
 * (2 ms at 8 kHz). Mono to stereo is the same on both sides, stereo to mono the mean.
 */
export class SwResampler implements Resampler {
  #context: SoftwareResampleContext | undefined;
  #output = Buffer.alloc(0);
  #closed = false;

  constructor(private readonly settings: ResamplerSettings) {
    for (const field of ['fromRate', 'toRate'] as const)
      if (!Number.isInteger(settings[field]) || settings[field] < 4000 || settings[field] > 192_000)
        throw invalidArgument('sample_rate', settings[field], '4000 to 192000 is possible');
    const same = settings.fromRate === settings.toRate && settings.fromChannels === settings.toChannels;
    if (!same) this.#context = openSwr(settings);
  }

  convert(samples: Int16Array): Int16Array {
    if (this.#closed) throw closedError('the resampler');
    const { fromChannels, toChannels } = this.settings;
    if (samples.length % fromChannels !== 0)
      throw invalidArgument('samples', samples.length, 'half a pair of stereo samples is left over');
    if (this.#context === undefined) return samples.slice();
    const count = samples.length / fromChannels;
    if (count === 0) return new Int16Array(0);
    const most = this.#context.getOutSamples(count) + SPARE_SAMPLES;
    if (this.#output.length < most * toChannels * 2) this.#output = Buffer.alloc(most * toChannels * 2);
    const got = this.#context.convertSync([this.#output], most, [bytesOf(samples)], count);
    return samplesOf(this.#output, checkAv(got, 'resampling') * toChannels);
  }

  close(): void {
    this.#closed = true;
    this.#context?.free();
    this.#context = undefined;
  }
}

function openSwr({ fromRate, fromChannels, toRate, toChannels }: ResamplerSettings): SoftwareResampleContext {
  const context = new SoftwareResampleContext();
  try {
    const code = context.allocSetOpts2(
      channelLayout(toChannels),
      AV_SAMPLE_FMT_S16,
      toRate,
      channelLayout(fromChannels),
      AV_SAMPLE_FMT_S16,
      fromRate,
    );
    checkAv(code, 'setting up the resampler');
    // libswresample's own matrix takes 3 dB off mono that becomes stereo.
    if (fromChannels !== toChannels)
      checkAv(context.setMatrix(fromChannels === 1 ? [1, 1] : [0.5, 0.5], fromChannels), 'setting up the channels');
    checkAv(context.init(), 'opening the resampler');
    return context;
  } catch (error) {
    context.free();
    throw error;
  }
}
