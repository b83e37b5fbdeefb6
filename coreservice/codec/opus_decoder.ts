import { Codec, CodecContext, FFmpegError, Frame } from 'node-av/lib';
import type { Packet } from 'node-av/lib';
import { AV_SAMPLE_FMT_S16, FF_DECODER_LIBOPUS } from 'node-av/constants';
import { AlirtcError } from '../../common/errors.js';
import { ERROR_NUMBERS } from '../../common/error_codes.js';
import { channelLayout, checkAv, closedError, internalError, invalidArgument, newPacket, samplesOf } from './av.js';
import type { OpusDecoder } from './types.js';

const SAMPLE_RATE = 48_000;
/** 120 ms, the longest packet. */
const MOST_SAMPLES = 5760;

/** Opus by libopus through FFmpeg; decodes mono and stereo packets to the channels asked for. */
export class LibopusDecoder implements OpusDecoder {
  #context: CodecContext | undefined;
  readonly #packet: Packet = newPacket();
  readonly #frame = new Frame();
  /** The table of contents byte of the last good packet; concealment goes on in its mode. */
  #lastToc: number | undefined;

  constructor(private readonly channels: 1 | 2) {
    this.#frame.alloc();
    this.#context = openLibopus(channels);
  }

  /** Throws "aborted" for a packet that is none. */
  decode(packet: Buffer): Int16Array {
    const toc = packet[0];
    if (toc === undefined) throw damaged('an empty packet');
    const samples = this.#decode(packet);
    this.#lastToc = toc;
    return samples;
  }

  /**
   * libopus' own concealment: a packet of nothing but a table of contents byte is a lost frame to it (RFC 6716, 3.2.1 and 4.4), and that is the one way
   * through FFmpeg's wrapper. Before the first packet it is silence. libopus conceals in steps of 2.5 to 60 ms; what is left over of the last step is dropped.
   */
  conceal(samplesPerChannel: number): Int16Array {
    if (!Number.isInteger(samplesPerChannel) || samplesPerChannel < 0 || samplesPerChannel > SAMPLE_RATE)
      throw invalidArgument('samples_per_channel', samplesPerChannel, '0 to 48000 is possible');
    const result = new Int16Array(samplesPerChannel * this.channels);
    if (this.#lastToc === undefined) return result;
    let at = 0;
    while (at < result.length) {
      const step = this.#decode(Buffer.from([concealmentToc(this.#lastToc, (result.length - at) / this.channels)]));
      if (step.length === 0) throw internalError('libopus concealed nothing');
      result.set(step.subarray(0, result.length - at), at);
      at += step.length;
    }
    return result;
  }

  #decode(packet: Buffer): Int16Array {
    const context = this.#context;
    if (context === undefined) throw closedError('the Opus decoder');
    this.#packet.data = packet;
    try {
      const sent = context.sendPacketSync(this.#packet);
      if (sent < 0) throw damaged(FFmpegError.strerror(sent));
      checkAv(context.receiveFrameSync(this.#frame), 'taking decoded sound');
      const count = this.#frame.nbSamples;
      const plane = this.#frame.data?.[0];
      if (plane === undefined || count > MOST_SAMPLES) throw internalError('libopus gave no samples');
      return samplesOf(plane, count * this.channels);
    } finally {
      this.#packet.unref();
      this.#frame.unref();
    }
  }

  close(): void {
    if (this.#context === undefined) return;
    this.#context.freeContext();
    this.#context = undefined;
    this.#packet.free();
    this.#frame.free();
  }
}

/**
 * The last packet's mode and bandwidth, one frame a packet, and a frame no longer than needed where the mode has one: configurations 0-11 are SILK with 10,
 * 20, 40, 60 ms; 12-15 hybrid with 10, 20 ms; 16-31 CELT with 2.5, 5, 10, 20 ms (RFC 6716, 3.1, table 2).
 */
function concealmentToc(lastToc: number, wanted: number): number {
  const config = lastToc >> 3;
  const stereo = lastToc & 4;
  const [first, durations] =
    config < 12
      ? [config & ~3, [480, 960]]
      : config < 16
        ? [config & ~1, [480, 960]]
        : [config & ~3, [120, 240, 480, 960]];
  // The longest that is still needed in full; below the shortest, the shortest.
  let index = 0;
  for (const [i, samples] of durations.entries()) if (samples <= wanted) index = i;
  return ((first + index) << 3) | stereo;
}

function openLibopus(channels: 1 | 2): CodecContext {
  const codec = Codec.findDecoderByName(FF_DECODER_LIBOPUS);
  if (codec === null) throw internalError('this FFmpeg has no libopus decoder');
  const context = new CodecContext();
  context.allocContext3(codec);
  try {
    context.sampleRate = SAMPLE_RATE;
    context.channelLayout = channelLayout(channels);
    context.sampleFormat = AV_SAMPLE_FMT_S16;
    checkAv(context.open2Sync(codec, null), 'opening the Opus decoder');
    return context;
  } catch (error) {
    context.freeContext();
    throw error;
  }
}

function damaged(why: string): AlirtcError {
  return new AlirtcError('aborted', `opus: ${why}`, {
    reason: 'ERR_AUDIO_DATA_ERROR',
    number: ERROR_NUMBERS.ERR_AUDIO_DATA_ERROR,
    remedy: 'conceal the packet',
  });
}
