/** One RTCP message from its body. A body that does not fit its kind makes it `other`. */
import { parseTransportCc } from './transport_cc.js';
import { FEEDBACK_FORMAT, REMB_IDENTIFIER, RTCP_TYPE } from './rtcp_types.js';
import type { ReportBlock, RtcpMessage, SourceDescription } from './rtcp_types.js';

const REPORT_BLOCK_BYTES = 24;

function parseReports(body: Buffer, start: number, count: number): ReportBlock[] | undefined {
  if (start + count * REPORT_BLOCK_BYTES > body.length) return undefined;
  const reports: ReportBlock[] = [];
  for (let i = 0; i < count; i++) {
    const at = start + i * REPORT_BLOCK_BYTES;
    reports.push({
      ssrc: body.readUInt32BE(at),
      fractionLost: body.readUInt8(at + 4) / 256,
      cumulativeLost: body.readIntBE(at + 5, 3),
      highestSequence: body.readUInt32BE(at + 8),
      jitter: body.readUInt32BE(at + 12),
      lastSenderReport: body.readUInt32BE(at + 16),
      delaySinceLastSenderReport: body.readUInt32BE(at + 20),
    });
  }
  return reports;
}

function parseSenderReport(count: number, body: Buffer): RtcpMessage | undefined {
  const reports = parseReports(body, 24, count);
  if (body.length < 24 || reports === undefined) return undefined;
  return {
    kind: 'sender_report',
    ssrc: body.readUInt32BE(0),
    ntp: { seconds: body.readUInt32BE(4), fraction: body.readUInt32BE(8) },
    rtpTimestamp: body.readUInt32BE(12),
    packetCount: body.readUInt32BE(16),
    octetCount: body.readUInt32BE(20),
    reports,
  };
}

function parseReceiverReport(count: number, body: Buffer): RtcpMessage | undefined {
  const reports = parseReports(body, 4, count);
  if (body.length < 4 || reports === undefined) return undefined;
  return { kind: 'receiver_report', ssrc: body.readUInt32BE(0), reports };
}

/** RFC 3550 section 6.5. */
function parseSdes(count: number, body: Buffer): RtcpMessage | undefined {
  const chunks: SourceDescription['chunks'] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 5 > body.length) return undefined;
    const items: { type: number; text: string }[] = [];
    const ssrc = body.readUInt32BE(at);
    at += 4;
    let type = body[at++];
    while (type !== undefined && type !== 0) {
      const length = body[at++];
      if (length === undefined || at + length > body.length) return undefined;
      items.push({ type, text: body.toString('utf8', at, at + length) });
      at += length;
      type = body[at++];
    }
    if (type === undefined) return undefined;
    at = Math.ceil(at / 4) * 4;
    chunks.push({ ssrc, items });
  }
  return { kind: 'sdes', chunks };
}

/** RFC 3550 section 6.6. */
function parseBye(count: number, body: Buffer): RtcpMessage | undefined {
  const end = 4 * count;
  if (end > body.length) return undefined;
  const ssrcs: number[] = [];
  for (let at = 0; at < end; at += 4) ssrcs.push(body.readUInt32BE(at));
  const length = body[end];
  if (length === undefined) return { kind: 'bye', ssrcs };
  if (end + 1 + length > body.length) return undefined;
  return { kind: 'bye', ssrcs, reason: body.toString('utf8', end + 1, end + 1 + length) };
}

function parseNack(senderSsrc: number, mediaSsrc: number, fci: Buffer): RtcpMessage {
  const sequences: number[] = [];
  for (let at = 0; at + 4 <= fci.length; at += 4) {
    const first = fci.readUInt16BE(at);
    const mask = fci.readUInt16BE(at + 2);
    sequences.push(first);
    for (let bit = 0; bit < 16; bit++) if ((mask & (1 << bit)) !== 0) sequences.push((first + bit + 1) & 0xffff);
  }
  return { kind: 'nack', senderSsrc, mediaSsrc, sequences };
}

function parseFir(senderSsrc: number, mediaSsrc: number, fci: Buffer): RtcpMessage {
  const entries: { ssrc: number; sequence: number }[] = [];
  for (let at = 0; at + 8 <= fci.length; at += 8) {
    entries.push({ ssrc: fci.readUInt32BE(at), sequence: fci.readUInt8(at + 4) });
  }
  return { kind: 'fir', senderSsrc, mediaSsrc, entries };
}

function parseRemb(senderSsrc: number, fci: Buffer): RtcpMessage | undefined {
  if (fci.length < 8 || fci.readUInt32BE(0) !== REMB_IDENTIFIER) return undefined;
  const count = fci.readUInt8(4);
  if (8 + 4 * count > fci.length) return undefined;
  const packed = fci.readUIntBE(5, 3);
  const ssrcs: number[] = [];
  for (let i = 0; i < count; i++) ssrcs.push(fci.readUInt32BE(8 + 4 * i));
  return { kind: 'remb', senderSsrc, bitrateBps: (packed & 0x3ffff) * 2 ** (packed >> 18), ssrcs };
}

function parseFeedback(packetType: number, format: number, body: Buffer): RtcpMessage | undefined {
  if (body.length < 8) return undefined;
  const senderSsrc = body.readUInt32BE(0);
  const mediaSsrc = body.readUInt32BE(4);
  const fci = body.subarray(8);
  if (packetType === RTCP_TYPE.rtpFeedback) {
    if (format === FEEDBACK_FORMAT.nack) return parseNack(senderSsrc, mediaSsrc, fci);
    if (format === FEEDBACK_FORMAT.transportCc) return parseTransportCc(senderSsrc, mediaSsrc, fci);
    return undefined;
  }
  if (format === FEEDBACK_FORMAT.pli) return { kind: 'pli', senderSsrc, mediaSsrc };
  if (format === FEEDBACK_FORMAT.fir) return parseFir(senderSsrc, mediaSsrc, fci);
  if (format === FEEDBACK_FORMAT.applicationLayer) return parseRemb(senderSsrc, fci);
  return undefined;
}

function parseKnown(packetType: number, count: number, body: Buffer): RtcpMessage | undefined {
  switch (packetType) {
    case RTCP_TYPE.sr:
      return parseSenderReport(count, body);
    case RTCP_TYPE.rr:
      return parseReceiverReport(count, body);
    case RTCP_TYPE.sdes:
      return parseSdes(count, body);
    case RTCP_TYPE.bye:
      return parseBye(count, body);
    case RTCP_TYPE.rtpFeedback:
    case RTCP_TYPE.payloadFeedback:
      return parseFeedback(packetType, count, body);
    default:
      return undefined;
  }
}

export function parseMessage(packetType: number, count: number, body: Buffer): RtcpMessage {
  return parseKnown(packetType, count, body) ?? { kind: 'other', packetType, count, body };
}
