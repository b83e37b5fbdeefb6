/**
 * Texts cut to a number of bytes, for places that cannot take more. Cutting a JavaScript string by its length may leave half of a surrogate pair, which neither
 * UTF-8 nor encodeURI() can express; what comes from here is always well-formed.
 */

/** U+FFFD in the place of each half of a surrogate pair that stands alone. */
export function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}

/** The beginning of a text: at most so many bytes of UTF-8, whole characters. */
export function headOfText(text: string, mostBytes: number): string {
  return headBy(wellFormed(text), mostBytes, (character) => Buffer.byteLength(character));
}

/** The beginning of a text that takes at most so many bytes as a percent-encoded header (grpc-message). */
export function headAsHeader(text: string, mostBytes: number): string {
  return headBy(wellFormed(text), mostBytes, (character) => encodeURI(character).length);
}

/** The end of a text: at most so many bytes of UTF-8, whole characters. */
export function tailOfText(text: string, mostBytes: number): string {
  const bytes = Buffer.from(text, 'utf8');
  let start = Math.max(0, bytes.length - mostBytes);
  // Bytes that continue a character are 10xxxxxx (RFC 3629, section 3).
  while (start > 0 && start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return bytes.toString('utf8', start);
}

function headBy(text: string, mostBytes: number, sizeOf: (character: string) => number): string {
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    bytes += sizeOf(character);
    if (bytes > mostBytes) return text.slice(0, end);
    end += character.length;
  }
  return text;
}
