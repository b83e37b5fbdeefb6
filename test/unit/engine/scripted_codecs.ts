import { i420Size } from '../../../coreservice/codec/types.js';
import type {
  EncodedPicture,
  I420Picture,
  PictureTarget,
  RawPicture,
  VideoDecoder,
  VideoEncoder,
  VideoEncoderSettings,
} from '../../../coreservice/codec/types.js';
import type { CodecFactory } from '../../../coreservice/engine/contracts.js';

/** Codecs that do nothing but say what they were given: an encoded picture is JSON, a sound packet its first sample. */
export class ScriptedCodecs implements CodecFactory {
  readonly targets: PictureTarget[] = [];
  readonly encoderSettings: VideoEncoderSettings[] = [];
  readonly opus: { samples: Int16Array; channels: number; bitrateKbps: number }[] = [];
  /** Encoders wait for it: makes a slow encoder. */
  gate: Promise<void> = Promise.resolve();
  decoders = 0;
  openDecoders = 0;
  /** Decoded ones whose memory was given back. */
  releasedPictures = 0;
  /** Decoders wait for it. */
  decodeGate: Promise<void> = Promise.resolve();
  onDecode: (data: Buffer) => void = () => undefined;

  pictureConverter(): { convert(picture: RawPicture, target: PictureTarget): I420Picture; close(): void } {
    return {
      convert: (picture, target) => {
        this.targets.push(target);
        const { width, height } = target;
        const data = Buffer.alloc(i420Size(width, height), picture.data[0]);
        return { width, height, data };
      },
      close: () => undefined,
    };
  }

  videoEncoder(first: VideoEncoderSettings): VideoEncoder {
    let settings = first;
    let begun = false;
    this.encoderSettings.push(settings);
    return {
      get settings() {
        return settings;
      },
      encode: async (picture, { timeUs, forceKeyFrame }): Promise<EncodedPicture> => {
        await this.gate;
        const keyFrame = forceKeyFrame || !begun;
        begun = true;
        const { width, height } = picture;
        const content = { width, height, luma: picture.data[0], keyFrame };
        return { data: Buffer.from(JSON.stringify(content)), keyFrame, timeUs, width, height, qp: 20 };
      },
      configure: (next) => {
        settings = next;
        this.encoderSettings.push(next);
      },
      close: () => Promise.resolve(),
    };
  }

  videoDecoder(codec: 'h264' | 'vp8'): VideoDecoder {
    this.decoders++;
    this.openDecoders++;
    return {
      codec,
      decode: async (data) => {
        await this.decodeGate;
        this.onDecode(data);
        const release = (): number => this.releasedPictures++;
        return { width: 4, height: 2, data: Buffer.concat([data, Buffer.alloc(12)]).subarray(0, 12), release };
      },
      close: () => {
        this.openDecoders--;
        return Promise.resolve();
      },
    };
  }

  opusEncoder(settings: { channels: 1 | 2; bitrateKbps: number }): {
    encode(samples: Int16Array): Buffer;
    setBitrate(kbps: number): void;
    close(): void;
  } {
    let { bitrateKbps } = settings;
    return {
      encode: (samples) => {
        this.opus.push({ samples: samples.slice(), channels: settings.channels, bitrateKbps });
        return Buffer.from([samples[0] === 0 ? 0 : 1]);
      },
      setBitrate: (kbps) => (bitrateKbps = kbps),
      close: () => undefined,
    };
  }

  /** A packet's first byte is the value of all its samples; 20 ms each. */
  opusDecoder(channels: 1 | 2): {
    decode(packet: Buffer): Int16Array;
    conceal(samples: number): Int16Array;
    close(): void;
  } {
    return {
      decode: (packet) => new Int16Array(960 * channels).fill(packet[1] ?? 0),
      conceal: (samples) => new Int16Array(samples * channels),
      close: () => undefined,
    };
  }

  /** Every sample of the output is the first of the input. */
  resampler(
    from: { sampleRate: number; channels: number },
    to: { sampleRate: number; channels: number },
  ): { convert(samples: Int16Array): Int16Array; close(): void } {
    return {
      convert: (samples) => {
        const count = (samples.length / from.channels) * (to.sampleRate / from.sampleRate);
        return new Int16Array(Math.round(count) * to.channels).fill(samples[0] ?? 0);
      },
      close: () => undefined,
    };
  }

  aacEncoder(): { encode(samples: Int16Array): Buffer[]; setBitrate(kbps: number): void; close(): void } {
    let pending = 0;
    return {
      encode: (samples) => {
        pending += samples.length;
        const frames: Buffer[] = [];
        for (; pending >= 1024; pending -= 1024) frames.push(Buffer.from([0xff, 0xf1]));
        return frames;
      },
      setBitrate: () => undefined,
      close: () => undefined,
    };
  }
}
