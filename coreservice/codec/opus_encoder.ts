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
import type { OpusEncoder, OpusEncoderSettings } from './types.js';

const SAMPLE_RATE = 48_000;
const FRAME_SAMPLES = 960;

/** What the encoder is tuned for: "audio" keeps music whole, "voip" prefers clear speech at low rates. */
export type OpusApplication = 'audio' | 'voip';

/** Opus by libopus through FFmpeg, frames of 20 ms, constrained VBR. The encoder looks 312 samples (6.5 ms) ahead. */
export class LibopusEncoder implements OpusEncoder {
  #session: OpusSession | undefined;
  #bitrateKbps: number;
  readonly #last: Int16Array;
  #begun = false;

  constructor(private readonly settings: OpusEncoderSettings & { application?: OpusApplication }) {
    this.#bitrateKbps = checkedBitrate(settings.bitrateKbps);
    this.#last = new Int16Array(FRAME_SAMPLES * settings.channels);
    this.#session = this.#open();
  }

  encode(samples: Int16Array): Buffer {
    if (this.#session === undefined) throw closedError('the Opus encoder');
    if (samples.length !== this.#last.length)
      throw invalidArgument('samples', samples.length, `${this.#last.length} (20 ms) are needed`);
    const packet = this.#session.encode(samples);
    this.#last.set(samples);
    this.#begun = true;
    return packet;
  }

  /**
   * FFmpeg's wrapper sets the bit rate only when it opens libopus, so a new encoder takes over. It is given the last frame once more, and that packet is thrown
   * away: the samples that it looks ahead over are then the true ones and the sound goes on without a gap.
   */
  setBitrate(kbps: number): void {
    if (this.#session === undefined) throw closedError('the Opus encoder');
    if (checkedBitrate(kbps) === this.#bitrateKbps) return;
    this.#bitrateKbps = kbps;
    const next = this.#open();
    if (this.#begun) next.encode(this.#last);
    this.#session.free();
    this.#session = next;
  }

  close(): void {
    this.#session?.free();
    this.#session = undefined;
  }

  #open(): OpusSession {
    return new OpusSession(this.settings.channels, this.#bitrateKbps, this.settings.application ?? 'audio');
  }
}

class OpusSession {
  readonly #context: CodecContext;
  readonly #frame: Frame;
  readonly #packet: Packet = newPacket();
  #samples = 0n;

  constructor(
    private readonly channels: 1 | 2,
    bitrateKbps: number,
    application: OpusApplication,
  ) {
    this.#context = openLibopus(channels, bitrateKbps, application);
    this.#frame = new Frame();
    this.#frame.alloc();
    this.#frame.format = AV_SAMPLE_FMT_S16;
    this.#frame.sampleRate = SAMPLE_RATE;
    this.#frame.channelLayout = channelLayout(channels);
    this.#frame.nbSamples = FRAME_SAMPLES;
    checkAv(this.#frame.getBuffer(), 'memory for an audio frame');
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

function openLibopus(channels: 1 | 2, bitrateKbps: number, application: OpusApplication): CodecContext {
  const codec = Codec.findEncoderByName(FF_ENCODER_LIBOPUS);
  if (codec === null) throw internalError('this FFmpeg has no libopus');
  const context = new CodecContext();
  context.allocContext3(codec);
  try {
    context.sampleRate = SAMPLE_RATE;
    context.channelLayout = channelLayout(channels);
    context.sampleFormat = AV_SAMPLE_FMT_S16;
    context.timeBase = new Rational(1, SAMPLE_RATE);
    context.bitRate = BigInt(bitrateKbps * 1000);
    setOptions(context, { application, frame_duration: '20', vbr: 'constrained', fec: '0', packet_loss: '0' });
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
