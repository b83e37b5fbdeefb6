import { Codec, Rational } from 'node-av/lib';
import type { CodecContext, Frame } from 'node-av/lib';
import {
  AV_CODEC_FLAG_LOW_DELAY,
  AV_PICTURE_TYPE_I,
  AV_PICTURE_TYPE_NONE,
  AV_PIX_FMT_YUV420P,
  FF_DECODER_VP8,
  FF_ENCODER_LIBX264,
} from 'node-av/constants';
import { AGAIN, checkAv, newFrame, newPacket, openCodec } from './av.js';

export interface H264AccessUnit {
  data: Buffer;
  keyFrame: boolean;
  width: number;
  height: number;
}

/** VP8 frames to H.264 access units, one for one: players of MP4 files do not take VP8. Constant quality; a change of size begins a new sequence. */
export class Vp8Transcoder {
  readonly #decoder: CodecContext;
  #encoder: CodecContext | undefined;
  #size = '';
  readonly #packet = newPacket();
  readonly #frame = newFrame();
  #pictures = 0;

  constructor() {
    this.#decoder = openCodec(Codec.findDecoderByName(FF_DECODER_VP8), 'VP8 decoder', (context) => {
      context.threadCount = 1;
      context.setFlags(AV_CODEC_FLAG_LOW_DELAY);
    });
  }

  /** Undefined when the frame shows nothing or is damaged: the next key frame heals it. One call at a time. */
  async transcode(data: Buffer, keyFrame: boolean): Promise<H264AccessUnit | undefined> {
    this.#packet.data = data;
    const sent = await this.#decoder.sendPacket(this.#packet);
    this.#packet.unref();
    if (sent < 0 || this.#decoder.receiveFrameSync(this.#frame) < 0) return undefined;
    try {
      return await this.#encode(this.#frame, keyFrame);
    } finally {
      this.#frame.unref();
    }
  }

  close(): void {
    this.#decoder.freeContext();
    this.#encoder?.freeContext();
    this.#packet.free();
    this.#frame.free();
  }

  async #encode(frame: Frame, keyFrame: boolean): Promise<H264AccessUnit | undefined> {
    const { width, height } = frame;
    const encoder = this.#encoderFor(width, height);
    frame.pts = BigInt(this.#pictures++);
    frame.pictType = keyFrame ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    checkAv(await encoder.sendFrame(frame), 'encoding a picture');
    const code = encoder.receivePacketSync(this.#packet);
    if (code === AGAIN) return undefined;
    checkAv(code, 'taking an access unit');
    const unit = this.#packet.data;
    const isKey = this.#packet.isKeyframe;
    this.#packet.unref();
    return unit === null ? undefined : { data: unit, keyFrame: isKey, width, height };
  }

  #encoderFor(width: number, height: number): CodecContext {
    const size = `${width}x${height}`;
    if (this.#encoder !== undefined && size === this.#size) return this.#encoder;
    this.#encoder?.freeContext();
    this.#size = size;
    this.#encoder = openCodec(
      Codec.findEncoderByName(FF_ENCODER_LIBX264),
      'H.264 encoder',
      (context) => {
        context.width = width;
        context.height = height;
        context.pixelFormat = AV_PIX_FMT_YUV420P;
        context.timeBase = new Rational(1, 30);
        context.gopSize = 300;
        context.maxBFrames = 0;
        context.threadCount = 1;
      },
      // One picture in, one out; parameter sets in front of every key frame.
      {
        preset: 'superfast',
        tune: 'zerolatency',
        crf: '23',
        'forced-idr': '1',
        'x264-params': 'repeat-headers=1:annexb=1',
      },
    );
    return this.#encoder;
  }
}
