import { Codec, CodecContext, Frame, Rational } from 'node-av/lib';
import type { Packet } from 'node-av/lib';
import { AV_SAMPLE_FMT_FLTP, FF_ENCODER_AAC } from 'node-av/constants';
import { AGAIN, channelLayout, checkAv, closedError, internalError, invalidArgument, newPacket } from './av.js';
import type { AacEncoder } from './types.js';

export interface AacEncoderSettings {
  sampleRate: number;
  channels: 1 | 2;
  /** Of one encoder, all channels together. */
  bitrateKbps: number;
}

const FRAME_SAMPLES = 1024;
const ADTS_HEADER_BYTES = 7;
/**
 * A new encoder hears so many frames beside the old one before it takes over: each frame overlaps the one before, and the bit reservoir fills during the first
 * tenths of a second.
 */
const TAKEOVER_FRAMES = 24;
/**
 * The first of these samples per channel that a decoder gives are the encoder's run-in, before the first real sample. ADTS has no field for it: who
 * needs the exact beginning drops them, and who writes an MP4 puts an edit list there.
 */
export const AAC_PRIMING_SAMPLES = 1024;
/** The index is ADTS' sampling_frequency_index (ISO/IEC 14496-3, table 1.18). */
const SAMPLE_RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];

/** AAC-LC by FFmpeg's own encoder. */
export class AvAacEncoder implements AacEncoder {
  #context: CodecContext | undefined;
  readonly #frame: Frame;
  readonly #packet: Packet = newPacket();
  readonly #rateIndex: number;
  readonly #pending: Int16Array;
  #pendingLength = 0;
  #samples = 0n;
  #flushed = false;
  #next: { context: CodecContext; frames: number } | undefined;
  #kbps: number;
  #wantedKbps: number;

  constructor(private readonly settings: AacEncoderSettings) {
    this.#rateIndex = SAMPLE_RATES.indexOf(settings.sampleRate);
    if (this.#rateIndex < 0)
      throw invalidArgument('sample_rate', settings.sampleRate, `one of ${SAMPLE_RATES.join(', ')} is needed`);
    this.#kbps = this.#wantedKbps = checkedBitrate(settings.bitrateKbps);
    this.#pending = new Int16Array(FRAME_SAMPLES * settings.channels);
    this.#context = openAac(settings);
    this.#frame = newAudioFrame(settings);
  }

  encode(samples: Int16Array): Buffer[] {
    if (this.#context === undefined || this.#flushed) throw closedError('the AAC encoder');
    const frames: Buffer[] = [];
    for (let at = 0; at < samples.length;) {
      const part = samples.subarray(at, at + this.#pending.length - this.#pendingLength);
      this.#pending.set(part, this.#pendingLength);
      this.#pendingLength += part.length;
      at += part.length;
      if (this.#pendingLength < this.#pending.length) break;
      this.#encodePending(frames);
    }
    return frames;
  }

  /** Takes effect half a second later, without a break: FFmpeg sets the bit rate only when it opens the encoder, so a new one takes over. */
  setBitrate(kbps: number): void {
    if (this.#context === undefined) throw closedError('the AAC encoder');
    this.#wantedKbps = checkedBitrate(kbps);
  }

  /** The rest, filled up with silence, and what the encoder still holds. Nothing can be encoded afterwards. */
  flush(): Buffer[] {
    if (this.#context === undefined || this.#flushed) throw closedError('the AAC encoder');
    const frames: Buffer[] = [];
    if (this.#pendingLength > 0) {
      this.#pending.fill(0, this.#pendingLength);
      this.#encodePending(frames);
    }
    this.#flushed = true;
    checkAv(this.#context.sendFrameSync(null), 'ending AAC');
    this.#takePackets(this.#context, frames);
    return frames;
  }

  #encodePending(frames: Buffer[]): void {
    this.#pendingLength = 0;
    fillPlanar(this.#frame, this.#pending, this.settings.channels);
    this.#frame.pts = this.#samples;
    this.#samples += BigInt(FRAME_SAMPLES);
    const context = this.#contextForFrame();
    checkAv(context.sendFrameSync(this.#frame), 'encoding AAC');
    this.#takePackets(context, frames);
  }

  /** Lets the next encoder, if there is one, hear the frame; it takes over when it has heard enough. */
  #contextForFrame(): CodecContext {
    if (this.#context === undefined) throw closedError('the AAC encoder');
    if (this.#next === undefined && this.#wantedKbps !== this.#kbps) {
      this.#next = { context: openAac({ ...this.settings, bitrateKbps: this.#wantedKbps }), frames: 0 };
      this.#kbps = this.#wantedKbps;
    }
    const next = this.#next;
    if (next === undefined) return this.#context;
    if (next.frames++ < TAKEOVER_FRAMES) {
      checkAv(next.context.sendFrameSync(this.#frame), 'encoding AAC');
      this.#takePackets(next.context, []);
      return this.#context;
    }
    this.#context.freeContext();
    this.#context = next.context;
    this.#next = undefined;
    return next.context;
  }

  #takePackets(context: CodecContext, frames: Buffer[]): void {
    // Ends at "needs more input" or, after flush(), at the end.
    for (let code = context.receivePacketSync(this.#packet); ; code = context.receivePacketSync(this.#packet)) {
      if (code === AGAIN || (code < 0 && this.#flushed)) return;
      checkAv(code, 'taking AAC');
      const data = this.#packet.data;
      this.#packet.unref();
      if (data !== null) frames.push(Buffer.concat([this.#adtsHeader(data.length), data]));
    }
  }

  /** ISO/IEC 14496-3, 1.A.2.2: MPEG-4, no CRC, AAC-LC, one raw data block, buffer fullness of a variable bit rate. */
  #adtsHeader(payloadBytes: number): Buffer {
    const length = payloadBytes + ADTS_HEADER_BYTES;
    const { channels } = this.settings;
    const audioObjectTypeMinus1 = 1;
    return Buffer.from([
      0xff,
      0xf1,
      (audioObjectTypeMinus1 << 6) | (this.#rateIndex << 2) | (channels >> 2),
      ((channels & 3) << 6) | (length >> 11),
      (length >> 3) & 0xff,
      ((length & 7) << 5) | 0x1f,
      0xfc,
    ]);
  }

  close(): void {
    if (this.#context === undefined) return;
    this.#context.freeContext();
    this.#context = undefined;
    this.#next?.context.freeContext();
    this.#next = undefined;
    this.#frame.free();
    this.#packet.free();
  }
}

function checkedBitrate(kbps: number): number {
  if (!(kbps >= 8 && kbps <= 512)) throw invalidArgument('bitrate_kbps', kbps, '8 to 512 is possible');
  return kbps;
}

/** Interleaved 16-bit samples to one plane of floats (-1 to 1) a channel. */
function fillPlanar(frame: Frame, samples: Int16Array, channels: number): void {
  checkAv(frame.makeWritable(), 'audio frame');
  for (let channel = 0; channel < channels; channel++) {
    const plane = frame.data?.[channel];
    if (plane === undefined || plane.length < FRAME_SAMPLES * 4) throw internalError('an audio frame without memory');
    const floats = new Float32Array(plane.buffer, plane.byteOffset, FRAME_SAMPLES);
    for (let i = 0, at = channel; i < FRAME_SAMPLES; i++, at += channels) floats[i] = (samples[at] ?? 0) / 32768;
  }
}

function newAudioFrame({ sampleRate, channels }: AacEncoderSettings): Frame {
  const frame = new Frame();
  frame.alloc();
  frame.format = AV_SAMPLE_FMT_FLTP;
  frame.sampleRate = sampleRate;
  frame.channelLayout = channelLayout(channels);
  frame.nbSamples = FRAME_SAMPLES;
  checkAv(frame.getBuffer(), 'memory for an audio frame');
  return frame;
}

function openAac({ sampleRate, channels, bitrateKbps }: AacEncoderSettings): CodecContext {
  const codec = Codec.findEncoderByName(FF_ENCODER_AAC);
  if (codec === null) throw internalError('this FFmpeg has no AAC encoder');
  const context = new CodecContext();
  context.allocContext3(codec);
  try {
    context.sampleRate = sampleRate;
    context.channelLayout = channelLayout(channels);
    context.sampleFormat = AV_SAMPLE_FMT_FLTP;
    context.timeBase = new Rational(1, sampleRate);
    context.bitRate = BigInt(bitrateKbps * 1000);
    checkAv(context.open2Sync(codec, null), 'opening AAC');
    return context;
  } catch (error) {
    context.freeContext();
    throw error;
  }
}
