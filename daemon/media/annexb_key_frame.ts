const NAL_IDR_SLICE = 5;
const NAL_SPS = 7;
/** Parameter sets and an IDR slice's header stand at the front; a delta picture is told by its first slice. */
const MAX_UNITS_LOOKED_AT = 16;

/** True when an H.264 access unit (Annex B; H.264 7.4.1, B.1) holds an SPS or an IDR slice. */
export function isAnnexBKeyFrame(accessUnit: Buffer): boolean {
  let at = 0;
  for (let unit = 0; unit < MAX_UNITS_LOOKED_AT; unit += 1) {
    const start = accessUnit.indexOf('\x00\x00\x01', at, 'latin1');
    const header = start < 0 ? undefined : accessUnit[start + 3];
    if (header === undefined) return false;
    const type = header & 0x1f;
    if (type === NAL_IDR_SLICE || type === NAL_SPS) return true;
    // The first slice of a delta picture: the rest is its own bytes.
    if (type >= 1 && type < NAL_IDR_SLICE) return false;
    at = start + 3;
  }
  return false;
}
