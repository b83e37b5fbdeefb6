import { Codec, type CodecContext } from 'node-av/lib';
import { AV_CODEC_FLAG_LOW_DELAY, FF_DECODER_H264 } from 'node-av/constants';
import { newFrame, newPacket, openCodec } from '../../client/media/av.js';
import { readPictureNumber } from '../support/media/numbered_picture.js';

/** Reads the numbers of pictures that came as H.264 access units. */
export class NumberDecoder {
  readonly #context: CodecContext;
  readonly #packet = newPacket();
  readonly #frame = newFrame();

  constructor() {
    this.#context = openCodec(Codec.findDecoderByName(FF_DECODER_H264), 'H.264 decoder', (context) => {
      context.threadCount = 1;
      context.setFlags(AV_CODEC_FLAG_LOW_DELAY);
    });
  }

  /** Undefined when the unit shows no picture, or its number cannot be read. */
  decode(unit: Buffer): number | undefined {
    this.#packet.data = unit;
    const sent = this.#context.sendPacketSync(this.#packet);
    this.#packet.unref();
    if (sent < 0 || this.#context.receiveFrameSync(this.#frame) < 0) return undefined;
    try {
      const luma = this.#frame.data?.[0];
      const stride = this.#frame.linesize[0];
      if (luma === undefined || stride === undefined) return undefined;
      return readPictureNumber(luma, this.#frame.width, this.#frame.height, stride);
    } finally {
      this.#frame.unref();
    }
  }

  close(): void {
    this.#context.freeContext();
    this.#packet.free();
    this.#frame.free();
  }
}
