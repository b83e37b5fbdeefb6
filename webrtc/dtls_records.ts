const HEADER_BYTES = 13;

/**
 * The records of a datagram that a peer can have sent once the handshake is over: those that are encrypted (RFC 6347 section 4.1: epoch above 0). The library would take
 * alerts, data and handshakes in the clear at any time, which anybody can make. Undefined when nothing is left.
 */
export function encryptedRecords(datagram: Buffer): Buffer | undefined {
  const records: Buffer[] = [];
  for (let at = 0; at + HEADER_BYTES <= datagram.length;) {
    const end = at + HEADER_BYTES + datagram.readUInt16BE(at + 11);
    if (end > datagram.length) break;
    if (datagram.readUInt16BE(at + 3) > 0) records.push(datagram.subarray(at, end));
    at = end;
  }
  return records.length === 0 ? undefined : records.length === 1 ? records[0] : Buffer.concat(records);
}
