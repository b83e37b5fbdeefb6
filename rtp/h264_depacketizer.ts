/** RTP payloads into H.264 access units, RFC 6184 (modes 0 and 1), and what a payload's first bytes tell. */
import { START_CODE, NAL_TYPE, isFirstSlice, isVclType, nalType } from './h264_nal.js';
import { parameterSetId, parseSps } from './h264_sps.js';

export interface AssembledFrame {
  data: Buffer;
  /** A decoder can start here. */
  keyFrame: boolean;
  /** 0 when not known yet. */
  width: number;
  height: number;
}

/** A NAL unit in pieces: the first piece begins with its header byte. */
type NalPieces = Buffer[];

const MAX_PARAMETER_SET_BYTES = 4096;
const MAX_PARAMETER_SETS = 64;

/** Types 0 and 24 to 31 are not NAL units (RFC 6184 section 5.2). */
function isNalType(type: number): boolean {
  return type >= 1 && type <= 23;
}

function unpackAggregate(payload: Buffer, out: NalPieces[]): boolean {
  let at = 1;
  while (at < payload.length) {
    if (at + 2 > payload.length) return false;
    const length = payload.readUInt16BE(at);
    at += 2;
    if (length === 0 || at + length > payload.length) return false;
    out.push([payload.subarray(at, at + length)]);
    at += length;
  }
  return at > 1;
}

/**
 * The NAL units of a frame's payloads (all of them, in order) as pieces without copies; undefined when a fragment is missing, a length is
 * wrong or a type is unknown. Empty payloads are padding.
 */
function unpack(payloads: readonly Buffer[]): NalPieces[] | undefined {
  const nals: NalPieces[] = [];
  let fragments: NalPieces | undefined;
  for (const payload of payloads) {
    if (payload.length === 0) continue;
    const type = nalType(payload);
    if (type === NAL_TYPE.fuA) {
      if (payload.length < 2) return undefined;
      const indicator = payload.readUInt8(0);
      const header = payload.readUInt8(1);
      const isStart = (header & 0x80) !== 0;
      if (isStart !== (fragments === undefined) || !isNalType(header & 0x1f)) return undefined;
      fragments ??= [Buffer.of((indicator & 0xe0) | (header & 0x1f))];
      fragments.push(payload.subarray(2));
      if ((header & 0x40) !== 0) {
        nals.push(fragments);
        fragments = undefined;
      }
      continue;
    }
    if (fragments !== undefined) return undefined;
    if (type === NAL_TYPE.stapA) {
      if (!unpackAggregate(payload, nals)) return undefined;
    } else if (isNalType(type)) {
      nals.push([payload]);
    } else {
      return undefined;
    }
  }
  return fragments === undefined ? nals : undefined;
}

function joinPieces(nals: readonly NalPieces[]): Buffer {
  let bytes = 0;
  for (const pieces of nals) {
    bytes += START_CODE.length;
    for (const piece of pieces) bytes += piece.length;
  }
  const out = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const pieces of nals) {
    out.set(START_CODE, at);
    at += START_CODE.length;
    for (const piece of pieces) {
      out.set(piece, at);
      at += piece.length;
    }
  }
  return out;
}

function typeOf(pieces: NalPieces): number {
  return pieces[0] === undefined ? 0 : nalType(pieces[0]);
}

/**
 * Makes Annex B access units (start codes of 4 bytes) of the payloads of complete frames. It remembers the stream's parameter sets and puts them in
 * front of IDR pictures that come without. An IDR picture for which no parameter sets were ever seen does not count as a key frame: no decoder
 * could start there.
 */
export class H264Depacketizer {
  private readonly spsById = new Map<number, Buffer>();
  private readonly ppsById = new Map<number, Buffer>();
  private width = 0;
  private height = 0;

  get hasParameterSets(): boolean {
    return this.spsById.size > 0 && this.ppsById.size > 0;
  }

  /** SPS or PPS that came another way (sprop-parameter-sets of the SDP, RFC 6184 section 8.1). Others are ignored. */
  addParameterSet(nal: Buffer): void {
    const type = nalType(nal);
    const isSps = type === NAL_TYPE.sps;
    if ((!isSps && type !== NAL_TYPE.pps) || nal.length > MAX_PARAMETER_SET_BYTES) return;
    const id = parameterSetId(nal);
    if (id === undefined) return;
    const known = isSps ? this.spsById : this.ppsById;
    if (known.get(id)?.equals(nal) !== true) {
      if (!known.has(id) && known.size >= MAX_PARAMETER_SETS) return;
      known.set(id, Buffer.from(nal));
    }
    const sps = isSps ? parseSps(nal) : undefined;
    if (sps !== undefined) {
      this.width = sps.width;
      this.height = sps.height;
    }
  }

  /** All payloads of one frame in order. Undefined when they do not make a frame. */
  assemble(payloads: readonly Buffer[]): AssembledFrame | undefined {
    const nals = unpack(payloads);
    if (nals === undefined || nals.length === 0) return undefined;
    let isIdr = false;
    let hasSps = false;
    let hasPps = false;
    for (const pieces of nals) {
      const type = typeOf(pieces);
      if (type === NAL_TYPE.idr) isIdr = true;
      if (type !== NAL_TYPE.sps && type !== NAL_TYPE.pps) continue;
      hasSps ||= type === NAL_TYPE.sps;
      hasPps ||= type === NAL_TYPE.pps;
      this.addParameterSet(pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces));
    }
    if (isIdr && !(hasSps && hasPps)) this.insertParameterSets(nals, hasSps, hasPps);
    const keyFrame = isIdr && (hasSps || this.spsById.size > 0) && (hasPps || this.ppsById.size > 0);
    return { data: joinPieces(nals), keyFrame, width: this.width, height: this.height };
  }

  /** For a new stream. */
  reset(): void {
    this.spsById.clear();
    this.ppsById.clear();
    this.width = 0;
    this.height = 0;
  }

  /** An access unit delimiter stays first, and a PPS follows the SPS that it names (section 7.4.1.2.3). */
  private insertParameterSets(nals: NalPieces[], hasSps: boolean, hasPps: boolean): void {
    const missing: NalPieces[] = [];
    if (!hasSps) for (const sps of this.spsById.values()) missing.push([sps]);
    if (!hasPps && !hasSps) for (const pps of this.ppsById.values()) missing.push([pps]);
    const first = nals[0];
    let at = first !== undefined && typeOf(first) === NAL_TYPE.aud ? 1 : 0;
    if (hasSps && !hasPps) {
      for (const pps of this.ppsById.values()) missing.push([pps]);
      at = nals.findLastIndex((pieces) => typeOf(pieces) === NAL_TYPE.sps) + 1;
    }
    nals.splice(at, 0, ...missing);
  }
}

/** What the first NAL unit of a payload is, and whether the payload begins it. */
function firstNal(payload: Buffer): { type: number; nal: Buffer; begins: boolean } {
  const type = nalType(payload);
  if (type === NAL_TYPE.stapA) return { type: nalType(payload.subarray(3)), nal: payload.subarray(3), begins: true };
  if (type !== NAL_TYPE.fuA) return { type, nal: payload, begins: true };
  const header = payload[1] ?? 0;
  return { type: header & 0x1f, nal: payload.subarray(1), begins: (header & 0x80) !== 0 };
}

/** How surely a payload begins a key frame: parameter sets do; the first IDR slice may have parameter sets in front of it. */
export type KeyFrameStart = 'none' | 'slice' | 'parameter_sets';

export function h264KeyFrameStart(payload: Buffer): KeyFrameStart {
  const first = firstNal(payload);
  if (!first.begins) return 'none';
  if (first.type === NAL_TYPE.sps) return 'parameter_sets';
  if (first.type === NAL_TYPE.idr) return isFirstSlice(first.nal) ? 'slice' : 'none';
  if (nalType(payload) !== NAL_TYPE.stapA || isVclType(first.type)) return 'none';
  // Delimiter, SEI or PPS in front: look further into the aggregate.
  const nals: NalPieces[] = [];
  if (!unpackAggregate(payload, nals)) return 'none';
  for (const pieces of nals) {
    const type = typeOf(pieces);
    if (type === NAL_TYPE.sps) return 'parameter_sets';
    if (type === NAL_TYPE.idr) return 'slice';
    if (isVclType(type)) return 'none';
  }
  return 'none';
}

/** True for payloads with which a forwarder may begin: SPS, or the first slice of an IDR picture. */
export function isH264KeyFrameStart(payload: Buffer): boolean {
  return h264KeyFrameStart(payload) !== 'none';
}

/** The picture's size, of a payload with a whole sequence parameter set in it; undefined for all others. */
export function h264PayloadSize(payload: Buffer): { width: number; height: number } | undefined {
  if (payload.length === 0) return undefined;
  const nals: NalPieces[] = [];
  if (nalType(payload) !== NAL_TYPE.stapA) nals.push([payload]);
  else if (!unpackAggregate(payload, nals)) return undefined;
  for (const [nal] of nals) {
    const sps = nal === undefined || nalType(nal) !== NAL_TYPE.sps ? undefined : parseSps(nal);
    if (sps !== undefined) return { width: sps.width, height: sps.height };
  }
  return undefined;
}
