/** Supplemental enhancement information, user_data_unregistered: ITU-T H.264 section 7.3.2.3 and D.1.7. */
import { NAL_TYPE, START_CODE, escapeNal, isVclType, nalType, unescapeNal } from './h264_nal.js';

export interface UserDataSei {
  /** 16 bytes. */
  uuid: Buffer;
  data: Buffer;
}

const USER_DATA_UNREGISTERED = 5;
const UUID_BYTES = 16;

/** A NAL unit of type 6 (no start code) with one message. Throws RangeError when the UUID has not 16 bytes. */
export function buildSei(uuid: Buffer, data: Buffer): Buffer {
  if (uuid.length !== UUID_BYTES) throw new RangeError('a SEI UUID has 16 bytes');
  const size = UUID_BYTES + data.length;
  const sizeBytes = Math.floor(size / 255) + 1;
  const raw = Buffer.allocUnsafe(2 + sizeBytes + size + 1);
  raw[0] = NAL_TYPE.sei;
  raw[1] = USER_DATA_UNREGISTERED;
  raw.fill(0xff, 2, 1 + sizeBytes);
  raw[1 + sizeBytes] = size % 255;
  raw.set(uuid, 2 + sizeBytes);
  raw.set(data, 2 + sizeBytes + UUID_BYTES);
  raw[raw.length - 1] = 0x80; // rbsp_trailing_bits
  return escapeNal(raw);
}

/** payload_type or payload_size: bytes of 255, then a smaller one (section 7.3.2.3.1). */
function readFfCoded(raw: Buffer, start: number): { value: number; next: number } | undefined {
  let value = 0;
  for (let at = start; at < raw.length; at++) {
    const byte = raw[at] ?? 0;
    value += byte;
    if (byte !== 0xff) return { value, next: at + 1 };
  }
  return undefined;
}

/** All user_data_unregistered messages of one SEI NAL unit. Other messages are passed over; a malformed one ends the list. */
export function parseSei(nal: Buffer): UserDataSei[] {
  const found: UserDataSei[] = [];
  if (nalType(nal) !== NAL_TYPE.sei) return found;
  const raw = unescapeNal(nal);
  let at = 1;
  // What is left when only rbsp_trailing_bits remain is one byte, so a message has at least two.
  while (at + 2 <= raw.length) {
    const type = readFfCoded(raw, at);
    const size = type === undefined ? undefined : readFfCoded(raw, type.next);
    if (type === undefined || size === undefined || size.next + size.value > raw.length) break;
    if (type.value === USER_DATA_UNREGISTERED && size.value >= UUID_BYTES) {
      const payload = raw.subarray(size.next, size.next + size.value);
      found.push({ uuid: payload.subarray(0, UUID_BYTES), data: payload.subarray(UUID_BYTES) });
    }
    at = size.next + size.value;
  }
  return found;
}

interface NalPosition {
  /** Where the start code begins, a fourth zero byte included. */
  startCodeAt: number;
  nalAt: number;
}

function* nalPositions(stream: Buffer): Generator<NalPosition> {
  let at = stream.indexOf('\0\0\x01', 0, 'latin1');
  while (at >= 0) {
    const startCodeAt = at > 0 && stream[at - 1] === 0 ? at - 1 : at;
    yield { startCodeAt, nalAt: at + 3 };
    at = stream.indexOf('\0\0\x01', at + 3, 'latin1');
  }
}

/**
 * The Annex B access unit with the SEI NAL unit in front of its first slice, behind parameter sets and earlier SEI. Without a slice it goes
 * to the end. Several: call it several times; they keep their order.
 */
export function insertSei(accessUnit: Buffer, seiNal: Buffer): Buffer {
  let at = accessUnit.length;
  for (const position of nalPositions(accessUnit)) {
    if (isVclType((accessUnit[position.nalAt] ?? 0) & 0x1f)) {
      at = position.startCodeAt;
      break;
    }
  }
  return Buffer.concat([accessUnit.subarray(0, at), START_CODE, seiNal, accessUnit.subarray(at)]);
}

/** All user_data_unregistered messages of an Annex B access unit, in order. */
export function findSei(accessUnit: Buffer): UserDataSei[] {
  const found: UserDataSei[] = [];
  const positions = [...nalPositions(accessUnit)];
  positions.forEach((position, i) => {
    if (((accessUnit[position.nalAt] ?? 0) & 0x1f) !== NAL_TYPE.sei) return;
    const end = positions[i + 1]?.startCodeAt ?? accessUnit.length;
    found.push(...parseSei(accessUnit.subarray(position.nalAt, end)));
  });
  return found;
}
