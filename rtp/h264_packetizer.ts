/** H.264 into RTP payloads, RFC 6184, packetization mode 1: single NAL units, STAP-A, FU-A. */
import { NAL_TYPE, nalType, splitAnnexB } from './h264_nal.js';

const FU_HEADER_BYTES = 2;

/** Section 5.8. Fragments of nearly the same size, so that no tiny last packet arises. */
function fragment(nal: Buffer, maxPayloadBytes: number, out: Buffer[]): void {
  const header = nal.readUInt8(0);
  const total = nal.length - 1;
  const count = Math.ceil(total / (maxPayloadBytes - FU_HEADER_BYTES));
  const memory = Buffer.allocUnsafe(total + FU_HEADER_BYTES * count);
  let read = 1;
  let at = 0;
  for (let i = 0; i < count; i++) {
    const bytes = Math.ceil((nal.length - read) / (count - i));
    memory[at] = (header & 0xe0) | NAL_TYPE.fuA;
    memory[at + 1] = (i === 0 ? 0x80 : 0) | (i === count - 1 ? 0x40 : 0) | (header & 0x1f);
    nal.copy(memory, at + FU_HEADER_BYTES, read, read + bytes);
    out.push(memory.subarray(at, at + FU_HEADER_BYTES + bytes));
    read += bytes;
    at += FU_HEADER_BYTES + bytes;
  }
}

/** Section 5.7.1: F is the or of all F bits, NRI the highest. */
function aggregate(nals: readonly Buffer[], bytes: number): Buffer {
  const out = Buffer.allocUnsafe(bytes);
  let forbidden = 0;
  let nri = 0;
  let at = 1;
  for (const nal of nals) {
    const header = nal.readUInt8(0);
    forbidden |= header & 0x80;
    nri = Math.max(nri, header & 0x60);
    at = out.writeUInt16BE(nal.length, at);
    out.set(nal, at);
    at += nal.length;
  }
  out[0] = forbidden | nri | NAL_TYPE.stapA;
  return out;
}

/**
 * The payloads of one access unit, in order; the caller sets the marker on the last. Neighbours that fit one packet are aggregated, so SPS, PPS
 * and SEI travel together. Payloads of single NAL units are views into the access unit. Units are carried bit by bit.
 * Takes Annex B, or its NAL units. Throws RangeError when maxPayloadBytes is below 16.
 */
export function packetizeH264(accessUnit: Buffer | readonly Buffer[], maxPayloadBytes: number): Buffer[] {
  if (maxPayloadBytes < 16) throw new RangeError('maxPayloadBytes is at least 16');
  const nals = Buffer.isBuffer(accessUnit) ? splitAnnexB(accessUnit) : accessUnit;
  const out: Buffer[] = [];
  let group: Buffer[] = [];
  let groupBytes = 1;
  const flush = (): void => {
    const only = group[0];
    if (group.length === 1 && only !== undefined) out.push(only);
    else if (group.length > 1) out.push(aggregate(group, groupBytes));
    group = [];
    groupBytes = 1;
  };
  for (const nal of nals) {
    // Types 0 and 24 to 31 are not NAL units that the payload format can carry (section 5.2).
    const type = nalType(nal);
    if (type === 0 || type >= 24) continue;
    if (nal.length > maxPayloadBytes) {
      flush();
      fragment(nal, maxPayloadBytes, out);
      continue;
    }
    if (groupBytes + 2 + nal.length > maxPayloadBytes) flush();
    group.push(nal);
    groupBytes += 2 + nal.length;
  }
  flush();
  return out;
}
