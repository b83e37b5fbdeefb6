/** NAL units and Annex B byte streams: ITU-T H.264 section 7.4.1 and Annex B. */

export const NAL_TYPE = { slice: 1, idr: 5, sei: 6, sps: 7, pps: 8, aud: 9, stapA: 24, fuA: 28 } as const;

const START_CODE_3 = Buffer.from([0, 0, 1]);
export const START_CODE = Buffer.from([0, 0, 0, 1]);

/** nal_unit_type of a NAL unit; 0 when it is empty. */
export function nalType(nal: Buffer): number {
  return (nal[0] ?? 0) & 0x1f;
}

/** A slice or slice data partition: what carries picture content. */
export function isVclType(type: number): boolean {
  return type >= 1 && type <= 5;
}

/** The NAL units of a byte stream as views: start codes of 3 or 4 bytes and trailing zeros are taken off, empty units left out. */
export function splitAnnexB(stream: Buffer): Buffer[] {
  const nals: Buffer[] = [];
  let start = stream.indexOf(START_CODE_3);
  while (start >= 0) {
    const begin = start + 3;
    const next = stream.indexOf(START_CODE_3, begin);
    let end = next < 0 ? stream.length : next;
    // A NAL unit never ends in 0x00 (section 7.4.1): these are trailing_zero_8bits or the first byte of a long start code.
    while (end > begin && stream[end - 1] === 0) end -= 1;
    if (end > begin) nals.push(stream.subarray(begin, end));
    start = next;
  }
  return nals;
}

/** The byte stream of NAL units, each behind a start code of 4 bytes. */
export function joinAnnexB(nals: readonly Buffer[]): Buffer {
  let bytes = 0;
  for (const nal of nals) bytes += 4 + nal.length;
  const out = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const nal of nals) {
    out.set(START_CODE, at);
    out.set(nal, at + 4);
    at += 4 + nal.length;
  }
  return out;
}

/** Takes out the emulation prevention bytes (0x000003, section 7.4.1). Returns the same buffer when there are none. */
export function unescapeNal(nal: Buffer): Buffer {
  let read = 0;
  let written = 0;
  let out: Buffer | undefined;
  let zeros = 0;
  for (; read < nal.length; read++) {
    const byte = nal[read] ?? 0;
    if (zeros >= 2 && byte === 3) {
      if (out === undefined) {
        out = Buffer.allocUnsafe(nal.length);
        nal.copy(out, 0, 0, read);
        written = read;
      }
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    if (out !== undefined) out[written++] = byte;
  }
  return out === undefined ? nal : out.subarray(0, written);
}

/** Puts emulation prevention bytes in. */
export function escapeNal(raw: Buffer): Buffer {
  const out = Buffer.allocUnsafe(raw.length + Math.ceil(raw.length / 2) + 1);
  let written = 0;
  let zeros = 0;
  for (const byte of raw) {
    if (zeros === 2 && byte <= 3) {
      out[written++] = 3;
      zeros = 0;
    }
    out[written++] = byte;
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  // A unit that ends in zero gets a last 0x03 (section 7.4.1.1), or the zero would be read as stuffing.
  if (zeros > 0) out[written++] = 3;
  return out.subarray(0, written);
}

/** True when the slice NAL unit is the first of its picture: first_mb_in_slice, ue(v), is 0, which is a set first bit. */
export function isFirstSlice(nal: Buffer): boolean {
  return ((nal[1] ?? 0) & 0x80) !== 0;
}

/** True when the Annex B access unit holds an IDR slice. */
export function isH264KeyFrame(accessUnit: Buffer): boolean {
  let start = accessUnit.indexOf(START_CODE_3);
  while (start >= 0) {
    const type = (accessUnit[start + 3] ?? 0) & 0x1f;
    if (type === NAL_TYPE.idr) return true;
    // Slices of one picture are all IDR or none (section 7.4.1.2.4), so the search ends at the first.
    if (type === NAL_TYPE.slice) return false;
    start = accessUnit.indexOf(START_CODE_3, start + 3);
  }
  return false;
}
