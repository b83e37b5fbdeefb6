import { BitReader, parseSps } from '../../rtp/h264_sps.js';
import { unescapeNal } from '../../rtp/h264_nal.js';
import type { H264Sps } from '../../rtp/h264_sps.js';

const NAL_SLICE = 1;
const NAL_IDR_SLICE = 5;
const NAL_SPS = 7;
/** Enough for the fields up to frame_num, whatever their values. */
const SLICE_HEADER_BYTES = 24;
const START_CODE = Buffer.from([0, 0, 1]);

/** What an access unit is, before it is decoded. */
export type Continuity =
  | 'key' // an IDR picture: begins anew
  | 'next' // refers to what was decoded before
  | 'gap' // frame_num says that a reference picture is missing
  | 'none'; // no picture in it

/**
 * FFmpeg invents a missing reference picture (Rec. H.264, 8.2.5.2) and does not tell; its pictures are smeared from then on. So the numbers of reference pictures
 * are followed here. Frame-coded streams only, which is all that real-time senders make; in others no gap is found.
 */
export class H264ContinuityCheck {
  #sps: H264Sps | undefined;
  #lastReference = 0;

  /** Looks at the first slice of an Annex-B access unit, and remembers it. */
  check(accessUnit: Buffer): Continuity {
    for (let at = accessUnit.indexOf(START_CODE); at >= 0; at = accessUnit.indexOf(START_CODE, at + 3)) {
      const header = accessUnit[at + 3] ?? 0;
      const type = header & 0x1f;
      if (type === NAL_SPS) this.#readSps(accessUnit.subarray(at + 3));
      else if (type === NAL_IDR_SLICE) {
        this.#lastReference = 0;
        return 'key';
      } else if (type === NAL_SLICE) {
        const isReference = (header & 0x60) !== 0;
        return this.#followSlice(accessUnit.subarray(at + 4, at + 4 + SLICE_HEADER_BYTES), isReference);
      } else if (type > NAL_SLICE && type < NAL_IDR_SLICE) return 'next'; // data partitions
    }
    return 'none';
  }

  #readSps(rest: Buffer): void {
    const end = rest.indexOf(START_CODE);
    // A start code of four bytes leaves a zero behind the SPS; its end is not read.
    this.#sps = parseSps(end < 0 ? rest : rest.subarray(0, end)) ?? this.#sps;
  }

  #followSlice(bytes: Buffer, isReference: boolean): Continuity {
    const sps = this.#sps;
    if (sps === undefined || sps.frameNumGapsAllowed) return 'next';
    const reader = new BitReader(unescapeNal(bytes));
    reader.ue(); // first_mb_in_slice
    reader.ue(); // slice_type
    reader.ue(); // pic_parameter_set_id
    const frameNum = reader.bits(sps.log2MaxFrameNum);
    if (reader.overrun) return 'next';
    const expected = (this.#lastReference + 1) % 2 ** sps.log2MaxFrameNum;
    const continues = frameNum === expected || frameNum === this.#lastReference;
    if (isReference) this.#lastReference = frameNum;
    return continues ? 'next' : 'gap';
  }
}
