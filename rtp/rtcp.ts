/** RTCP compound packets: RFC 3550 section 6, RFC 4585, RFC 5104, REMB, transport-wide congestion control. */
import { parseMessage } from './rtcp_parse.js';
import { serializeMessage } from './rtcp_serialize.js';
import type { RtcpMessage } from './rtcp_types.js';

export type * from './rtcp_types.js';

/**
 * The messages of a datagram, in order. What is malformed ends the list: the messages before it are returned. A message of an unknown kind, or whose
 * body does not fit its kind, is `other`. Never throws.
 */
export function parseRtcp(buffer: Buffer): RtcpMessage[] {
  const messages: RtcpMessage[] = [];
  let at = 0;
  while (at + 4 <= buffer.length) {
    const first = buffer.readUInt8(at);
    const end = at + 4 + 4 * buffer.readUInt16BE(at + 2);
    if (first >> 6 !== 2 || end > buffer.length) break;
    let bodyEnd = end;
    if ((first & 0x20) !== 0) {
      const padding = buffer.readUInt8(end - 1);
      // A multiple of four (RFC 3550 section 6.4.1).
      if (padding === 0 || padding % 4 !== 0 || at + 4 + padding > end) break;
      bodyEnd = end - padding;
    }
    messages.push(parseMessage(buffer.readUInt8(at + 1), first & 0x1f, buffer.subarray(at + 4, bodyEnd)));
    at = end;
  }
  return messages;
}

/** The datagram of the messages. The caller puts an SR or RR first when it sends a full compound (RFC 3550 section 6.1; RFC 5506 lets it not). */
export function serializeRtcp(messages: readonly RtcpMessage[]): Buffer {
  return Buffer.concat(messages.map(serializeMessage));
}
