import { Codec, Rational } from 'node-av/lib';
import type { CodecContext } from 'node-av/lib';
import { AV_SAMPLE_FMT_FLTP, FF_ENCODER_AAC } from 'node-av/constants';
import { AGAIN, END_OF_FILE, channelLayout, checkAv, newFrame, newPacket, openCodec } from './av.js';

/** The rate of every recording. */
export const AAC_RATE_HZ = 48_000;
export const AAC_FRAME_SAMPLES = 1024;
/** The first samples that a decoder gives are the encoder's run-in. */
export const AAC_PRIMING_SAMPLES = 1024;

export interface AacPacket {
  data: Buffer;
  /** Position of the packet's first sample, per channel; the first packet begins at -AAC_PRIMING_SAMPLES. */
  position: number;
}

/** AAC-LC without ADTS headers, as an MP4 holds it, from signed 16-bit interleaved samples at 48 kHz. */
export class AacStream {
  readonly #context: CodecContext;
  readonly #frame = newFrame();
  readonly #packet = newPacket();
  readonly #pending: Int16Array;
  #pendingLength = 0;
  #encoded = 0;

  constructor(
    readonly channels: 1 | 2,
    bitrateKbps = 64 * channels,
  ) {
    this.#pending = new Int16Array(AAC_FRAME_SAMPLES * channels);
    this.#context = openCodec(Codec.findEncoderByName(FF_ENCODER_AAC), 'AAC encoder', (context) => {
      context.sampleRate = AAC_RATE_HZ;
      context.channelLayout = channelLayout(channels);
      context.sampleFormat = AV_SAMPLE_FMT_FLTP;
      context.timeBase = new Rational(1, AAC_RATE_HZ);
      context.bitRate = BigInt(bitrateKbps * 1000);
    });
    this.#frame.format = AV_SAMPLE_FMT_FLTP;
    this.#frame.sampleRate = AAC_RATE_HZ;
    this.#frame.channelLayout = channelLayout(channels);
    this.#frame.nbSamples = AAC_FRAME_SAMPLES;
    checkAv(this.#frame.getBuffer(), 'memory for sound');
  }

  /** AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1): AAC-LC (2), 48 kHz (index 3), channels. */
  static config(channels: 1 | 2): Buffer {
    return Buffer.from([(2 << 3) | (3 >> 1), ((3 & 1) << 7) | (channels << 3)]);
  }

  encode(samples: Int16Array): AacPacket[] {
    const packets: AacPacket[] = [];
    for (let at = 0; at < samples.length;) {
      const part = samples.subarray(at, at + this.#pending.length - this.#pendingLength);
      this.#pending.set(part, this.#pendingLength);
      this.#pendingLength += part.length;
      at += part.length;
      if (this.#pendingLength === this.#pending.length) this.#encodePending(packets);
    }
    return packets;
  }

  /** The rest, filled up with silence, and what the encoder holds; the stream is closed. */
  end(): AacPacket[] {
    const packets: AacPacket[] = [];
    if (this.#pendingLength > 0) {
      this.#pending.fill(0, this.#pendingLength);
      this.#encodePending(packets);
    }
    checkAv(this.#context.sendFrameSync(null), 'ending AAC');
    this.#take(packets);
    this.close();
    return packets;
  }

  close(): void {
    this.#context.freeContext();
    this.#frame.free();
    this.#packet.free();
  }

  #encodePending(packets: AacPacket[]): void {
    this.#pendingLength = 0;
    checkAv(this.#frame.makeWritable(), 'sound frame');
    for (let channel = 0; channel < this.channels; channel++) {
      const plane = this.#frame.data?.[channel];
      if (plane === undefined) throw new Error('a sound frame without memory');
      const floats = new Float32Array(plane.buffer, plane.byteOffset, AAC_FRAME_SAMPLES);
      for (let i = 0, at = channel; i < AAC_FRAME_SAMPLES; i++, at += this.channels)
        floats[i] = (this.#pending[at] ?? 0) / 32768;
    }
    this.#frame.pts = BigInt(this.#encoded);
    this.#encoded += AAC_FRAME_SAMPLES;
    checkAv(this.#context.sendFrameSync(this.#frame), 'encoding AAC');
    this.#take(packets);
  }

  #take(packets: AacPacket[]): void {
    for (;;) {
      const code = this.#context.receivePacketSync(this.#packet);
      if (code === AGAIN || code === END_OF_FILE) return;
      checkAv(code, 'taking AAC');
      const data = this.#packet.data;
      if (data !== null) packets.push({ data, position: Number(this.#packet.pts) });
      this.#packet.unref();
    }
  }
}
