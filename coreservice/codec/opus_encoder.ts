import { Codec, CodecContext, Frame, Rational } from 'node-av/lib';
import type { Packet } from 'node-av/lib';
import { AV_SAMPLE_FMT_S16, FF_ENCODER_LIBOPUS } from 'node-av/constants';
import {
  bytesOf,
  channelLayout,
  checkAv,
  closedError,
  internalError,
  invalidArgument,
  newPacket,
  setOptions,
} from './av.js';
import type { OpusBandwidthHz, OpusEncoder, OpusEncoderSettings } from './types.js';

const SAMPLE_RATE = 48_000;
const FRAME_SAMPLES = 960;

/** What the encoder is tuned for: "audio" keeps music whole, "voip" prefers clear speech at low rates. */
export type OpusApplication = 'audio' | 'voip';

/**
 * A new encoder hears so many frames (600 ms) beside the old one before it takes over: from then on both describe the same sound, and the decoder, which predicts
 * each frame from the last, does not notice. Measured with a tone: taking over at once leaves half a second of noise only 7 to 25 dB below it.
 */
const TAKEOVER_FRAMES = 30;

/** What FFmpeg's wrapper sets only when it opens libopus. */
interface Rate {
  readonly kbps: number;
  readonly bandwidthHz: OpusBandwidthHz;
}

/** Opus by libopus through FFmpeg, frames of 20 ms, constrained VBR. The encoder looks 312 samples (6.5 ms) ahead. */
export class LibopusEncoder implements OpusEncoder {
  #session: OpusSession | undefined;
  #next: { session: OpusSession; rate: Rate; frames: number } | undefined;
  #rate: Rate;
  #wanted: Rate;

  constructor(private readonly settings: OpusEncoderSettings & { application?: OpusApplication }) {
    const { bitrateKbps, bandwidthHz = 20_000 } = settings;
    this.#rate = this.#wanted = { kbps: checkedBitrate(bitrateKbps), bandwidthHz };
    this.#session = this.#open(this.#rate);
  }

  encode(samples: Int16Array): Buffer {
    if (this.#session === undefined) throw closedError('the Opus encoder');
    const needed = FRAME_SAMPLES * this.settings.channels;
    if (samples.length !== needed)
      throw invalidArgument('samples', samples.length, `${needed} (20 ms at 48 kHz) are needed`);
    this.#prepareNext(samples);
    return this.#session.encode(samples);
  }

  /**
   * Takes effect 600 ms later. FFmpeg's wrapper sets bit rate and bandwidth only when it opens libopus, so a new encoder takes over. Before the first
   * frame, and when called again meanwhile, the last value wins.
   */
  setBitrate(kbps: number, bandwidthHz: OpusBandwidthHz = this.#wanted.bandwidthHz): void {
    if (this.#session === undefined) throw closedError('the Opus encoder');
    this.#wanted = { kbps: checkedBitrate(kbps), bandwidthHz };
  }

  /** Lets the next encoder, if there is one, hear the frame; it takes over when it has heard enough. */
  #prepareNext(samples: Int16Array): void {
    const next = this.#next;
    if (next === undefined) {
      const wanted = this.#wanted;
      if (wanted.kbps === this.#rate.kbps && wanted.bandwidthHz === this.#rate.bandwidthHz) return;
      this.#next = { session: this.#open(wanted), rate: wanted, frames: 0 };
      if (this.#session?.begun === true) return this.#prepareNext(samples);
      return this.#takeOver(this.#next);
    }
    if (next.frames++ < TAKEOVER_FRAMES) next.session.encode(samples);
    else this.#takeOver(next);
  }

  #takeOver(next: { session: OpusSession; rate: Rate }): void {
    this.#session?.free();
    this.#session = next.session;
    this.#rate = next.rate;
    this.#next = undefined;
  }

  close(): void {
    this.#session?.free();
    this.#session = undefined;
    this.#next?.session.free();
    this.#next = undefined;
  }

  #open(rate: Rate): OpusSession {
    return new OpusSession(this.settings.channels, rate, this.settings.application ?? 'audio');
  }
}

class OpusSession {
  readonly #context: CodecContext;
  readonly #frame: Frame;
  readonly #packet: Packet = newPacket();
  #samples = 0n;

  constructor(
    private readonly channels: 1 | 2,
    rate: Rate,
    application: OpusApplication,
  ) {
    this.#context = openLibopus(channels, rate, application);
    this.#frame = new Frame();
    this.#frame.alloc();
    this.#frame.format = AV_SAMPLE_FMT_S16;
    this.#frame.sampleRate = SAMPLE_RATE;
    this.#frame.channelLayout = channelLayout(channels);
    this.#frame.nbSamples = FRAME_SAMPLES;
    checkAv(this.#frame.getBuffer(), 'memory for an audio frame');
  }

  get begun(): boolean {
    return this.#samples > 0n;
  }

  encode(samples: Int16Array): Buffer {
    const frame = this.#frame;
    checkAv(frame.makeWritable(), 'audio frame');
    const plane = frame.data?.[0];
    if (plane === undefined || plane.length < FRAME_SAMPLES * this.channels * 2)
      throw internalError('an audio frame without memory');
    bytesOf(samples).copy(plane);
    frame.pts = this.#samples;
    this.#samples += BigInt(FRAME_SAMPLES);
    checkAv(this.#context.sendFrameSync(frame), 'encoding Opus');
    checkAv(this.#context.receivePacketSync(this.#packet), 'taking the Opus packet');
    const data = this.#packet.data;
    this.#packet.unref();
    if (data === null) throw internalError('libopus gave an empty packet');
    return data;
  }

  free(): void {
    this.#context.freeContext();
    this.#frame.free();
    this.#packet.free();
  }
}

function openLibopus(channels: 1 | 2, { kbps, bandwidthHz }: Rate, application: OpusApplication): CodecContext {
  const codec = Codec.findEncoderByName(FF_ENCODER_LIBOPUS);
  if (codec === null) throw internalError('this FFmpeg has no libopus');
  const context = new CodecContext();
  context.allocContext3(codec);
  try {
    context.sampleRate = SAMPLE_RATE;
    context.channelLayout = channelLayout(channels);
    context.sampleFormat = AV_SAMPLE_FMT_S16;
    context.timeBase = new Rational(1, SAMPLE_RATE);
    context.bitRate = BigInt(kbps * 1000);
    // The wrapper makes OPUS_SET_MAX_BANDWIDTH of the cutoff.
    const cutoff = String(bandwidthHz);
    setOptions(context, { application, cutoff, frame_duration: '20', vbr: 'constrained', fec: '0', packet_loss: '0' });
    checkAv(context.open2Sync(codec, null), 'opening libopus');
    return context;
  } catch (error) {
    context.freeContext();
    throw error;
  }
}

function checkedBitrate(kbps: number): number {
  if (!(kbps >= 6 && kbps <= 510)) throw invalidArgument('bitrate_kbps', kbps, '6 to 510 is possible');
  return kbps;
}
