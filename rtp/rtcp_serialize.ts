/** One RTCP message into bytes. */
import { serializeTransportCc } from './transport_cc.js';
import { FEEDBACK_FORMAT, REMB_IDENTIFIER, RTCP_TYPE } from './rtcp_types.js';
import type { Bye, Remb, ReportBlock, RtcpMessage, SenderReport, SourceDescription } from './rtcp_types.js';

const MAX_COUNT = 31;

/** `body` is filled up to whole words with zeros. */
function frame(packetType: number, count: number, body: Buffer): Buffer {
  if (count > MAX_COUNT) throw new RangeError('an RTCP message holds at most 31 entries');
  const words = Math.ceil(body.length / 4);
  const out = Buffer.alloc(4 + 4 * words);
  out[0] = 0x80 | count;
  out[1] = packetType;
  out.writeUInt16BE(words, 2);
  out.set(body, 4);
  return out;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(Math.round(value), low), high);
}

function writeReports(out: Buffer, start: number, reports: readonly ReportBlock[]): void {
  reports.forEach((report, i) => {
    const at = start + 24 * i;
    out.writeUInt32BE(report.ssrc >>> 0, at);
    out.writeUInt8(clamp(report.fractionLost * 256, 0, 255), at + 4);
    out.writeIntBE(clamp(report.cumulativeLost, -0x800000, 0x7fffff), at + 5, 3);
    out.writeUInt32BE(report.highestSequence >>> 0, at + 8);
    out.writeUInt32BE(clamp(report.jitter, 0, 0xffffffff), at + 12);
    out.writeUInt32BE(report.lastSenderReport >>> 0, at + 16);
    out.writeUInt32BE(clamp(report.delaySinceLastSenderReport, 0, 0xffffffff), at + 20);
  });
}

function senderReport(message: SenderReport): Buffer {
  const body = Buffer.allocUnsafe(24 + 24 * message.reports.length);
  body.writeUInt32BE(message.ssrc >>> 0, 0);
  body.writeUInt32BE(message.ntp.seconds >>> 0, 4);
  body.writeUInt32BE(message.ntp.fraction >>> 0, 8);
  body.writeUInt32BE(message.rtpTimestamp >>> 0, 12);
  body.writeUInt32BE(message.packetCount >>> 0, 16);
  body.writeUInt32BE(message.octetCount >>> 0, 20);
  writeReports(body, 24, message.reports);
  return frame(RTCP_TYPE.sr, message.reports.length, body);
}

function sourceDescription(message: SourceDescription): Buffer {
  const pieces: Buffer[] = [];
  for (const chunk of message.chunks) {
    const head = Buffer.allocUnsafe(4);
    head.writeUInt32BE(chunk.ssrc >>> 0);
    pieces.push(head);
    let bytes = 0;
    for (const item of chunk.items) {
      const text = Buffer.from(item.text, 'utf8').subarray(0, 255);
      pieces.push(Buffer.of(item.type, text.length), text);
      bytes += 2 + text.length;
    }
    // One to four zeros end the list at a word boundary (RFC 3550 section 6.5).
    pieces.push(Buffer.alloc(4 - (bytes % 4)));
  }
  return frame(RTCP_TYPE.sdes, message.chunks.length, Buffer.concat(pieces));
}

function bye(message: Bye): Buffer {
  const head = Buffer.allocUnsafe(4 * message.ssrcs.length);
  message.ssrcs.forEach((ssrc, i) => head.writeUInt32BE(ssrc >>> 0, 4 * i));
  const pieces = [head];
  if (message.reason !== undefined) {
    const text = Buffer.from(message.reason, 'utf8').subarray(0, 255);
    pieces.push(Buffer.of(text.length), text);
  }
  return frame(RTCP_TYPE.bye, message.ssrcs.length, Buffer.concat(pieces));
}

function feedback(packetType: number, format: number, senderSsrc: number, mediaSsrc: number, fci: Buffer): Buffer {
  const body = Buffer.allocUnsafe(8 + fci.length);
  body.writeUInt32BE(senderSsrc >>> 0, 0);
  body.writeUInt32BE(mediaSsrc >>> 0, 4);
  body.set(fci, 8);
  return frame(packetType, format, body);
}

/** PID and bit mask pairs in the order of the numbers. */
function nackEntries(sequences: readonly number[]): Buffer {
  const entries: { first: number; mask: number }[] = [];
  for (const number of sequences) {
    const sequence = number & 0xffff;
    const last = entries.at(-1);
    const distance = last === undefined ? 0 : (sequence - last.first) & 0xffff;
    if (last !== undefined && distance === 0) continue;
    if (last !== undefined && distance <= 16) last.mask |= 1 << (distance - 1);
    else entries.push({ first: sequence, mask: 0 });
  }
  const fci = Buffer.allocUnsafe(4 * entries.length);
  entries.forEach((entry, i) => {
    fci.writeUInt16BE(entry.first, 4 * i);
    fci.writeUInt16BE(entry.mask, 4 * i + 2);
  });
  return fci;
}

function remb(message: Remb): Buffer {
  let mantissa = Math.max(Math.round(message.bitrateBps), 0);
  let exponent = 0;
  while (mantissa > 0x3ffff) {
    mantissa = Math.floor(mantissa / 2);
    exponent += 1;
  }
  if (exponent > 63 || message.ssrcs.length > 255) throw new RangeError('REMB out of range');
  const fci = Buffer.allocUnsafe(8 + 4 * message.ssrcs.length);
  fci.writeUInt32BE(REMB_IDENTIFIER, 0);
  fci.writeUInt8(message.ssrcs.length, 4);
  fci.writeUIntBE(exponent * 0x40000 + mantissa, 5, 3);
  message.ssrcs.forEach((ssrc, i) => fci.writeUInt32BE(ssrc >>> 0, 8 + 4 * i));
  return feedback(RTCP_TYPE.payloadFeedback, FEEDBACK_FORMAT.applicationLayer, message.senderSsrc, 0, fci);
}

function firEntries(entries: readonly { ssrc: number; sequence: number }[]): Buffer {
  const fci = Buffer.alloc(8 * entries.length);
  entries.forEach((entry, i) => {
    fci.writeUInt32BE(entry.ssrc >>> 0, 8 * i);
    fci.writeUInt8(entry.sequence & 0xff, 8 * i + 4);
  });
  return fci;
}

/** Throws RangeError when a message holds more than its format can. */
export function serializeMessage(message: RtcpMessage): Buffer {
  const { rtpFeedback, payloadFeedback } = RTCP_TYPE;
  switch (message.kind) {
    case 'sender_report':
      return senderReport(message);
    case 'receiver_report': {
      const body = Buffer.allocUnsafe(4 + 24 * message.reports.length);
      body.writeUInt32BE(message.ssrc >>> 0, 0);
      writeReports(body, 4, message.reports);
      return frame(RTCP_TYPE.rr, message.reports.length, body);
    }
    case 'sdes':
      return sourceDescription(message);
    case 'bye':
      return bye(message);
    case 'nack': {
      const fci = nackEntries(message.sequences);
      return feedback(rtpFeedback, FEEDBACK_FORMAT.nack, message.senderSsrc, message.mediaSsrc, fci);
    }
    case 'pli':
      return feedback(payloadFeedback, FEEDBACK_FORMAT.pli, message.senderSsrc, message.mediaSsrc, Buffer.alloc(0));
    case 'fir': {
      const fci = firEntries(message.entries);
      return feedback(payloadFeedback, FEEDBACK_FORMAT.fir, message.senderSsrc, message.mediaSsrc, fci);
    }
    case 'remb':
      return remb(message);
    case 'transport_cc': {
      const fci = serializeTransportCc(message);
      return feedback(rtpFeedback, FEEDBACK_FORMAT.transportCc, message.senderSsrc, message.mediaSsrc, fci);
    }
    case 'other':
      return frame(message.packetType, message.count, message.body);
  }
}
