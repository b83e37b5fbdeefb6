import { isH264KeyFrame, NAL_TYPE, nalType, parseSps, splitAnnexB } from '../../rtp/h264.js';
import { i420Size, type RawPicture } from '../codec/types.js';

interface Size {
  width: number;
  height: number;
}

/** Pushed H.264, sent on as it is. A stream begins with a key frame: what comes before is dropped. After having been muted it begins again with one. */
export class PassThrough {
  #active = false;
  #begun = false;
  #asked = false;
  #size: Size | undefined;

  /** Whether what was pushed last was H.264. */
  get active(): boolean {
    return this.#active;
  }

  /** Receivers decode what was passed on: an encoder that takes over begins with a key frame. */
  get isPassing(): boolean {
    return this.#begun;
  }

  /** True once for each wait for a key frame. */
  get wantsKeyFrame(): boolean {
    if (this.#begun || this.#asked) return false;
    this.#asked = true;
    return true;
  }

  /** Undefined: not to be sent. The size is there with key frames. */
  next(accessUnit: Buffer): { data: Buffer; keyFrame: boolean; size?: Size | undefined } | undefined {
    this.#active = true;
    const keyFrame = isH264KeyFrame(accessUnit);
    if (!this.#begun && !keyFrame) return undefined;
    this.#begun = true;
    this.#asked = false;
    const size = keyFrame ? sizeOf(accessUnit) : undefined;
    this.#size = size ?? this.#size;
    return { data: accessUnit, keyFrame, size };
  }

  /** Instead of an access unit while the camera is muted: a picture of its size for the encoder to blacken; of the given size while none is known. */
  muted(accessUnit: Buffer, otherwise: Size): RawPicture {
    this.#active = true;
    this.restart();
    const { width, height } = sizeOf(accessUnit) ?? this.#size ?? otherwise;
    this.#size = { width, height };
    const strides = { strideY: 0, strideU: 0, strideV: 0 };
    return { format: 'i420', width, height, ...strides, data: Buffer.alloc(i420Size(width, height)) };
  }

  restart(): void {
    this.#begun = false;
    this.#asked = false;
  }

  /** Pictures are pushed now. */
  stop(): void {
    this.#active = false;
    this.restart();
  }
}

function sizeOf(accessUnit: Buffer): Size | undefined {
  const sps = splitAnnexB(accessUnit).find((nal) => nalType(nal) === NAL_TYPE.sps);
  return sps === undefined ? undefined : parseSps(sps);
}
