/** The sequence parameter set: ITU-T H.264 section 7.3.2.1.1 and 7.4.2.1.1. */
import { NAL_TYPE, nalType, unescapeNal } from './h264_nal.js';

export interface H264Sps {
  profileIdc: number;
  /** The byte of constraint_set flags. */
  constraintFlags: number;
  levelIdc: number;
  id: number;
  /** Of the picture after cropping. */
  width: number;
  height: number;
  /** frame_num counts modulo 2 to this power. */
  log2MaxFrameNum: number;
  /** Missing values of frame_num are then meant (temporal layers), not a loss. */
  frameNumGapsAllowed: boolean;
}

const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
/** Level 6.2 allows at most 139,264 macroblocks a picture, so no side exceeds 16,888 (section A.3.1); more is garbage. */
const MAX_SIDE = 16_888;

/** Reads the bits of a NAL unit whose emulation prevention bytes are removed. */
export class BitReader {
  private at = 0;
  /** Set when bits were asked for past the end: everything read since then is 0. */
  overrun = false;

  constructor(private readonly bytes: Buffer) {}

  bit(): number {
    const byte = this.bytes[this.at >> 3];
    if (byte === undefined) {
      this.overrun = true;
      return 0;
    }
    const bit = (byte >> (7 - (this.at & 7))) & 1;
    this.at += 1;
    return bit;
  }

  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value = value * 2 + this.bit();
    return value;
  }

  /** ue(v), section 9.1. */
  ue(): number {
    let zeros = 0;
    while (this.bit() === 0) {
      zeros += 1;
      if (zeros > 32 || this.overrun) {
        this.overrun = true;
        return 0;
      }
    }
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** se(v), section 9.1.1. */
  se(): number {
    const code = this.ue();
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
  }
}

/** Section 7.3.2.1.1.1: only passed over. */
function skipScalingList(reader: BitReader, size: number): void {
  let last = 8;
  let next = 8;
  for (let i = 0; i < size && !reader.overrun; i++) {
    if (next !== 0) next = (last + reader.se() + 256) & 0xff;
    if (next !== 0) last = next;
  }
}

/** Reads chroma_format_idc to the scaling matrix; returns ChromaArrayType. */
function readHighProfileFields(reader: BitReader): number {
  const chromaFormat = reader.ue();
  const separatePlanes = chromaFormat === 3 ? reader.bit() : 0;
  reader.ue(); // bit_depth_luma_minus8
  reader.ue(); // bit_depth_chroma_minus8
  reader.bit(); // qpprime_y_zero_transform_bypass_flag
  if (reader.bit() === 1) {
    const lists = chromaFormat === 3 ? 12 : 8;
    for (let i = 0; i < lists && !reader.overrun; i++) {
      if (reader.bit() === 1) skipScalingList(reader, i < 6 ? 16 : 64);
    }
  }
  return separatePlanes === 1 ? 0 : chromaFormat;
}

function skipPictureOrder(reader: BitReader): boolean {
  const type = reader.ue();
  if (type === 0) {
    reader.ue(); // log2_max_pic_order_cnt_lsb_minus4
  } else if (type === 1) {
    reader.bit(); // delta_pic_order_always_zero_flag
    reader.se(); // offset_for_non_ref_pic
    reader.se(); // offset_for_top_to_bottom_field
    const cycle = reader.ue();
    if (cycle > 255) return false;
    for (let i = 0; i < cycle && !reader.overrun; i++) reader.se();
  }
  return type <= 2;
}

/** Width and height, or undefined when they make no sense. */
function readSize(reader: BitReader, chromaArrayType: number): { width: number; height: number } | undefined {
  const widthMbs = reader.ue() + 1;
  const heightMapUnits = reader.ue() + 1;
  const frameMbsOnly = reader.bit();
  if (frameMbsOnly === 0) reader.bit(); // mb_adaptive_frame_field_flag
  reader.bit(); // direct_8x8_inference_flag
  let width = widthMbs * 16;
  let height = heightMapUnits * 16 * (2 - frameMbsOnly);
  if (reader.bit() === 1) {
    // Table 6-1 and equations 7-19 to 7-22.
    const unitX = chromaArrayType === 1 || chromaArrayType === 2 ? 2 : 1;
    const unitY = (chromaArrayType === 1 ? 2 : 1) * (2 - frameMbsOnly);
    width -= unitX * (reader.ue() + reader.ue());
    height -= unitY * (reader.ue() + reader.ue());
  }
  if (reader.overrun || width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE) return undefined;
  return { width, height };
}

/** Of a NAL unit of type 7, its header byte included. Undefined when it is none or malformed. */
export function parseSps(nal: Buffer): H264Sps | undefined {
  if (nalType(nal) !== NAL_TYPE.sps || nal.length < 5 || nal.length > 4096) return undefined;
  const reader = new BitReader(unescapeNal(nal));
  reader.bits(8);
  const profileIdc = reader.bits(8);
  const constraintFlags = reader.bits(8);
  const levelIdc = reader.bits(8);
  const id = reader.ue();
  if (id > 31) return undefined;
  const chromaArrayType = HIGH_PROFILES.has(profileIdc) ? readHighProfileFields(reader) : 1;
  if (chromaArrayType > 3) return undefined;
  const log2MaxFrameNum = reader.ue() + 4;
  if (!skipPictureOrder(reader)) return undefined;
  reader.ue(); // max_num_ref_frames
  const frameNumGapsAllowed = reader.bit() === 1;
  const size = readSize(reader, chromaArrayType);
  if (size === undefined || log2MaxFrameNum > 16) return undefined;
  return { profileIdc, constraintFlags, levelIdc, id, ...size, log2MaxFrameNum, frameNumGapsAllowed };
}

/** seq_parameter_set_id of an SPS or pic_parameter_set_id of a PPS; undefined when malformed. */
export function parameterSetId(nal: Buffer): number | undefined {
  const raw = unescapeNal(nal.subarray(0, 16));
  const skip = nalType(nal) === NAL_TYPE.sps ? 4 : 1;
  if (raw.length <= skip) return undefined;
  const reader = new BitReader(raw.subarray(skip));
  const id = reader.ue();
  return reader.overrun || id > 255 ? undefined : id;
}
