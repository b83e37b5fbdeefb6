/** Picture ids and TL0 indexes that go on over a change of source: RFC 7741 section 4.2. */
import { parseVp8Descriptor } from './vp8.js';

/**
 * One per downlink. Decoders take a jump of these numbers for loss. Offsets are set anew at each switch, so that the first picture of the
 * new source follows the last one sent; in between they do not change, so repeated and late packets map alike.
 */
export class Vp8Rewriter {
  private pictureIdOffset = 0;
  private tl0Offset = 0;
  private lastPictureId: number | undefined;
  private lastTl0: number | undefined;
  private isSwitching = false;

  /** The next packet is the first of another source. */
  switchSource(): void {
    this.isSwitching = true;
  }

  /** The payload to send: the same buffer when nothing changes, else a copy. Malformed ones come back as they are. */
  rewrite(payload: Buffer): Buffer {
    const descriptor = parseVp8Descriptor(payload);
    if (descriptor === undefined) return payload;
    const { pictureId, tl0PictureIndex } = descriptor;
    if (this.isSwitching) {
      this.isSwitching = false;
      if (pictureId !== undefined && this.lastPictureId !== undefined) {
        this.pictureIdOffset = this.lastPictureId + 1 - pictureId;
      }
      if (tl0PictureIndex !== undefined && this.lastTl0 !== undefined) {
        this.tl0Offset = this.lastTl0 + 1 - tl0PictureIndex;
      }
    }
    return this.patch(payload, pictureId, descriptor.pictureIdBits, tl0PictureIndex);
  }

  private patch(
    payload: Buffer,
    pictureId: number | undefined,
    bits: 7 | 15 | undefined,
    tl0: number | undefined,
  ): Buffer {
    const outTl0 = tl0 === undefined ? undefined : (tl0 + this.tl0Offset) & 0xff;
    const mask = bits === 7 ? 0x7f : 0x7fff;
    const outId = pictureId === undefined ? undefined : (pictureId + this.pictureIdOffset) & mask;
    if (outId !== undefined && this.isAhead(outId, this.lastPictureId, mask)) this.lastPictureId = outId;
    if (outTl0 !== undefined && this.isAhead(outTl0, this.lastTl0, 0xff)) this.lastTl0 = outTl0;
    if (outId === pictureId && outTl0 === tl0) return payload;
    const out = Buffer.from(payload);
    let at = 2;
    if (outId !== undefined) {
      if (bits === 15) out.writeUInt16BE(0x8000 | outId, at);
      else out[at] = outId;
      at += bits === 15 ? 2 : 1;
    }
    if (outTl0 !== undefined) out[at] = outTl0;
    return out;
  }

  private isAhead(value: number, last: number | undefined, mask: number): boolean {
    return last === undefined || ((value - last) & mask) <= mask >> 1;
  }
}
