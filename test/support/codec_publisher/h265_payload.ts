import { splitAnnexB } from '../../../rtp/h264_nal.js';

/** RFC 7798 section 1.1.4: the type is in bits 1 to 6 of the first octet of the header, which has two. */
const FRAGMENTATION_UNIT = 49;
const HEADER_BYTES = 2;

/** The RTP payloads of one H.265 access unit (RFC 7798 sections 4.4.1 and 4.4.3): NAL units as they are, long ones in fragments. */
export function packetizeH265(accessUnit: Buffer, maxPayloadBytes: number): Buffer[] {
  return splitAnnexB(accessUnit).flatMap((nal) =>
    nal.length <= maxPayloadBytes ? [nal] : fragments(nal, maxPayloadBytes),
  );
}

function fragments(nal: Buffer, maxPayloadBytes: number): Buffer[] {
  const type = (nal.readUInt8(0) >> 1) & 0x3f;
  const header = [(nal.readUInt8(0) & 0x81) | (FRAGMENTATION_UNIT << 1), nal.readUInt8(1)];
  const body = nal.subarray(HEADER_BYTES);
  const size = maxPayloadBytes - HEADER_BYTES - 1;
  const count = Math.ceil(body.length / size);
  return Array.from({ length: count }, (_, index) => {
    const start = index === 0 ? 0x80 : 0;
    const end = index === count - 1 ? 0x40 : 0;
    return Buffer.concat([
      Buffer.from([...header, start | end | type]),
      body.subarray(index * size, (index + 1) * size),
    ]);
  });
}
