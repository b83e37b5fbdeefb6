/** RTP packets: RFC 3550 section 5.1, header extensions of RFC 8285. */

export interface RtpPacket {
  marker: boolean;
  payloadType: number;
  /** 16 bits. */
  sequence: number;
  /** 32 bits. */
  timestamp: number;
  /** 32 bits. */
  ssrc: number;
  csrcs: readonly number[];
  /** By the id of the RFC 8285 element. */
  extensions: ReadonlyMap<number, Buffer>;
  /** Without padding; a view into the buffer that was parsed. Empty in padding-only packets. */
  payload: Buffer;
  /** Bytes of padding at the end, 0 to 255, the count byte included. */
  paddingBytes: number;
}

/** What serializeRtp needs; everything else defaults to absent. */
export interface RtpFields {
  marker: boolean;
  payloadType: number;
  sequence: number;
  timestamp: number;
  ssrc: number;
  csrcs?: readonly number[];
  extensions?: ReadonlyMap<number, Buffer>;
  payload: Buffer;
  paddingBytes?: number;
}

const FIXED_HEADER_BYTES = 12;
const ONE_BYTE_PROFILE = 0xbede;
const TWO_BYTE_PROFILE = 0x1000;
const NO_EXTENSIONS: ReadonlyMap<number, Buffer> = new Map();
const NO_CSRCS: readonly number[] = [];

/** RFC 5761 section 4: tells RTCP from RTP on one port. */
export function isRtcp(buffer: Buffer): boolean {
  const type = buffer[1];
  return type !== undefined && type >= 192 && type <= 223;
}

/** One-byte form, RFC 8285 section 4.2. An element that reaches past the end ends the list. */
function parseOneByteElements(block: Buffer): Map<number, Buffer> {
  const elements = new Map<number, Buffer>();
  let at = 0;
  while (at < block.length) {
    const head = block.readUInt8(at);
    const id = head >> 4;
    if (id === 15) break;
    if (head === 0) {
      at += 1;
      continue;
    }
    const length = (head & 0x0f) + 1;
    if (at + 1 + length > block.length) break;
    // Id 0 with a length is reserved: ignored, but its bytes are passed over.
    if (id !== 0) elements.set(id, block.subarray(at + 1, at + 1 + length));
    at += 1 + length;
  }
  return elements;
}

/** Two-byte form, RFC 8285 section 4.3. */
function parseTwoByteElements(block: Buffer): Map<number, Buffer> {
  const elements = new Map<number, Buffer>();
  let at = 0;
  while (at < block.length) {
    const id = block.readUInt8(at);
    if (id === 0) {
      at += 1;
      continue;
    }
    if (at + 2 > block.length) break;
    const length = block.readUInt8(at + 1);
    if (at + 2 + length > block.length) break;
    elements.set(id, block.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return elements;
}

function parseExtensionBlock(profile: number, block: Buffer): ReadonlyMap<number, Buffer> {
  if (profile === ONE_BYTE_PROFILE) return parseOneByteElements(block);
  if ((profile & 0xfff0) === TWO_BYTE_PROFILE) return parseTwoByteElements(block);
  return NO_EXTENSIONS;
}

function parseCsrcs(buffer: Buffer, count: number): readonly number[] {
  if (count === 0) return NO_CSRCS;
  const csrcs: number[] = [];
  for (let i = 0; i < count; i++) csrcs.push(buffer.readUInt32BE(FIXED_HEADER_BYTES + 4 * i));
  return csrcs;
}

/** Undefined when the bytes are no RTP packet. Payload and extensions are views into `buffer`. Never throws. */
export function parseRtp(buffer: Buffer): RtpPacket | undefined {
  if (buffer.length < FIXED_HEADER_BYTES) return undefined;
  const first = buffer.readUInt8(0);
  if (first >> 6 !== 2) return undefined;
  const csrcCount = first & 0x0f;
  let at = FIXED_HEADER_BYTES + 4 * csrcCount;
  if (at > buffer.length) return undefined;

  let extensions = NO_EXTENSIONS;
  if ((first & 0x10) !== 0) {
    if (at + 4 > buffer.length) return undefined;
    const end = at + 4 + 4 * buffer.readUInt16BE(at + 2);
    if (end > buffer.length) return undefined;
    extensions = parseExtensionBlock(buffer.readUInt16BE(at), buffer.subarray(at + 4, end));
    at = end;
  }

  let paddingBytes = 0;
  if ((first & 0x20) !== 0) {
    if (at >= buffer.length) return undefined;
    paddingBytes = buffer.readUInt8(buffer.length - 1);
    if (paddingBytes === 0 || at + paddingBytes > buffer.length) return undefined;
  }

  const second = buffer.readUInt8(1);
  return {
    marker: (second & 0x80) !== 0,
    payloadType: second & 0x7f,
    sequence: buffer.readUInt16BE(2),
    timestamp: buffer.readUInt32BE(4),
    ssrc: buffer.readUInt32BE(8),
    csrcs: parseCsrcs(buffer, csrcCount),
    extensions,
    payload: buffer.subarray(at, buffer.length - paddingBytes),
    paddingBytes,
  };
}

interface ExtensionLayout {
  twoByte: boolean;
  /** Elements without the fill at the end. */
  bytes: number;
}

function layOutExtensions(extensions: ReadonlyMap<number, Buffer>): ExtensionLayout {
  let twoByte = false;
  let data = 0;
  for (const [id, value] of extensions) {
    if (id < 1 || id > 255 || value.length > 255) throw new RangeError(`header extension ${id} does not fit RFC 8285`);
    if (id > 14 || value.length === 0 || value.length > 16) twoByte = true;
    data += value.length;
  }
  return { twoByte, bytes: data + extensions.size * (twoByte ? 2 : 1) };
}

/** Returns where the payload begins. */
function writeExtensions(out: Buffer, start: number, extensions: ReadonlyMap<number, Buffer>, layout: ExtensionLayout) {
  const words = Math.ceil(layout.bytes / 4);
  out.writeUInt16BE(layout.twoByte ? TWO_BYTE_PROFILE : ONE_BYTE_PROFILE, start);
  out.writeUInt16BE(words, start + 2);
  let at = start + 4;
  for (const [id, value] of extensions) {
    if (layout.twoByte) {
      out[at++] = id;
      out[at++] = value.length;
    } else {
      out[at++] = (id << 4) | (value.length - 1);
    }
    out.set(value, at);
    at += value.length;
  }
  const end = start + 4 + 4 * words;
  out.fill(0, at, end);
  return end;
}

/** The bytes of a packet. Throws RangeError for extensions or padding that the format cannot hold. */
export function serializeRtp(fields: RtpFields): Buffer {
  const csrcs = fields.csrcs ?? NO_CSRCS;
  const extensions = fields.extensions ?? NO_EXTENSIONS;
  const paddingBytes = fields.paddingBytes ?? 0;
  if (csrcs.length > 15) throw new RangeError('more than 15 CSRCs');
  if (paddingBytes < 0 || paddingBytes > 255) throw new RangeError('padding is 0 to 255 bytes');
  const layout = extensions.size > 0 ? layOutExtensions(extensions) : undefined;
  const headerBytes =
    FIXED_HEADER_BYTES + 4 * csrcs.length + (layout === undefined ? 0 : 4 + 4 * Math.ceil(layout.bytes / 4));
  const out = Buffer.allocUnsafe(headerBytes + fields.payload.length + paddingBytes);
  out[0] = 0x80 | (paddingBytes > 0 ? 0x20 : 0) | (layout === undefined ? 0 : 0x10) | csrcs.length;
  out[1] = (fields.marker ? 0x80 : 0) | (fields.payloadType & 0x7f);
  out.writeUInt16BE(fields.sequence & 0xffff, 2);
  out.writeUInt32BE(fields.timestamp >>> 0, 4);
  out.writeUInt32BE(fields.ssrc >>> 0, 8);
  let at = FIXED_HEADER_BYTES;
  for (const csrc of csrcs) at = out.writeUInt32BE(csrc >>> 0, at);
  if (layout !== undefined) at = writeExtensions(out, at, extensions, layout);
  out.set(fields.payload, at);
  if (paddingBytes > 0) {
    out.fill(0, at + fields.payload.length, out.length - 1);
    out[out.length - 1] = paddingBytes;
  }
  return out;
}
