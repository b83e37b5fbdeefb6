import { isH264KeyFrame } from '../../rtp/h264.js';

/**
 * Pushed H.264, sent on as it is. A stream begins with a key frame: what comes before is dropped. While muted nothing goes out (there are no pictures to
 * blacken), and it begins again with a key frame.
 */
export class PassThrough {
  #active = false;
  #begun = false;
  #asked = false;

  /** Whether what was pushed last was H.264. */
  get active(): boolean {
    return this.#active;
  }

  /** True once for each wait for a key frame. */
  get wantsKeyFrame(): boolean {
    if (this.#begun || this.#asked) return false;
    this.#asked = true;
    return true;
  }

  next(accessUnit: Buffer, muted: boolean): { data: Buffer; keyFrame: boolean } | undefined {
    this.#active = true;
    if (muted) {
      this.restart();
      return undefined;
    }
    const keyFrame = isH264KeyFrame(accessUnit);
    if (!this.#begun && !keyFrame) return undefined;
    this.#begun = true;
    this.#asked = false;
    return { data: accessUnit, keyFrame };
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
