import { createHmac, timingSafeEqual } from 'node:crypto';

const HEADER_BYTES = 20;
const USERNAME = 0x0006;
const MESSAGE_INTEGRITY = 0x0008;
const INTEGRITY_BYTES = 20;

/**
 * Whether a binding request was made by who knows the password that belongs to its USERNAME, "ours:theirs" (RFC 8445 section 7.3, RFC 8489 section 14.5).
 * @param passwordOf of one of our username fragments
 */
export function isAuthenticRequest(message: Buffer, passwordOf: (fragment: string) => string | undefined): boolean {
  let password: string | undefined;
  for (let at = HEADER_BYTES; at + 4 <= message.length;) {
    const type = message.readUInt16BE(at);
    const length = message.readUInt16BE(at + 2);
    const value = message.subarray(at + 4, at + 4 + length);
    if (value.length !== length) return false;
    if (type === USERNAME) password = passwordOf(value.toString('utf8').split(':')[0] ?? '');
    if (type === MESSAGE_INTEGRITY)
      return (
        password !== undefined && length === INTEGRITY_BYTES && timingSafeEqual(integrity(message, at, password), value)
      );
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return false;
}

/** Over everything in front of the attribute, the length in the header as if the attribute were the last one. */
function integrity(message: Buffer, end: number, password: string): Buffer {
  const signed = Buffer.from(message.subarray(0, end));
  signed.writeUInt16BE(end + 4 + INTEGRITY_BYTES - HEADER_BYTES, 2);
  return createHmac('sha1', password).update(signed).digest();
}
