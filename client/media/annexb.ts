/** H.264 in Annex B (Rec. ITU-T H.264, annex B), as far as a recording needs it. */
const START_CODE = Buffer.from([0, 0, 1]);
const LONG_START_CODE = Buffer.from([0, 0, 0, 1]);
const TYPE_SPS = 7;
const TYPE_PPS = 8;

/** The NAL units of an access unit: views without their start codes. */
export function nalUnits(accessUnit: Buffer): Buffer[] {
  const units: Buffer[] = [];
  let start = accessUnit.indexOf(START_CODE);
  while (start >= 0) {
    const begin = start + START_CODE.length;
    const next = accessUnit.indexOf(START_CODE, begin);
    let end = next < 0 ? accessUnit.length : next;
    // The fourth byte of a long start code, and trailing zeros, belong to no unit.
    while (end > begin && accessUnit[end - 1] === 0) end -= 1;
    if (end > begin) units.push(accessUnit.subarray(begin, end));
    start = next;
  }
  return units;
}

/** SPS and PPS in front of a key frame, with start codes; undefined when one of them is missing. */
export function parameterSets(accessUnit: Buffer): Buffer | undefined {
  const units = nalUnits(accessUnit);
  const sps = units.filter((unit) => nalType(unit) === TYPE_SPS);
  const pps = units.filter((unit) => nalType(unit) === TYPE_PPS);
  if (sps.length === 0 || pps.length === 0) return undefined;
  return Buffer.concat([...sps, ...pps].flatMap((unit) => [LONG_START_CODE, unit]));
}

function nalType(unit: Buffer): number {
  return (unit[0] ?? 0) & 0x1f;
}
