/** VP8 on RTP (RFC 7741) and the frame header that tells key frames and sizes (RFC 6386 section 9.1). */
import type { AssembledFrame } from './h264_depacketizer.js';

export interface Vp8Descriptor {
  /** How many bytes it takes in front of the frame data. */
  bytes: number;
  /** N: no other frame refers to this one. */
  nonReference: boolean;
  /** S: the packet begins a partition. */
  start: boolean;
  /** PID: the partition's number. */
  partition: number;
  pictureId?: number;
  /** 7 or 15. */
  pictureIdBits?: 7 | 15;
  tl0PictureIndex?: number;
  temporalId?: number;
  layerSync?: boolean;
  keyIndex?: number;
}

/** Undefined when the payload ends before its descriptor does. */
export function parseVp8Descriptor(payload: Buffer): Vp8Descriptor | undefined {
  const first = payload[0];
  if (first === undefined) return undefined;
  const descriptor: Vp8Descriptor = {
    bytes: 1,
    nonReference: (first & 0x20) !== 0,
    start: (first & 0x10) !== 0,
    partition: first & 0x07,
  };
  if ((first & 0x80) === 0) return descriptor;
  const flags = payload[1];
  if (flags === undefined) return undefined;
  let at = 2;
  if ((flags & 0x80) !== 0) {
    const head = payload[at++];
    if (head === undefined) return undefined;
    const isLong = (head & 0x80) !== 0;
    const low = isLong ? payload[at++] : 0;
    if (low === undefined) return undefined;
    descriptor.pictureId = isLong ? ((head & 0x7f) << 8) | low : head;
    descriptor.pictureIdBits = isLong ? 15 : 7;
  }
  if ((flags & 0x40) !== 0) {
    const index = payload[at++];
    if (index === undefined) return undefined;
    descriptor.tl0PictureIndex = index;
  }
  if ((flags & 0x30) !== 0) {
    const byte = payload[at++];
    if (byte === undefined) return undefined;
    if ((flags & 0x20) !== 0) {
      descriptor.temporalId = byte >> 6;
      descriptor.layerSync = (byte & 0x20) !== 0;
    }
    if ((flags & 0x10) !== 0) descriptor.keyIndex = byte & 0x1f;
  }
  descriptor.bytes = at;
  return descriptor;
}

/** Of a whole frame, or its first bytes. */
export function isVp8KeyFrame(frame: Buffer): boolean {
  const first = frame[0];
  return first !== undefined && (first & 0x01) === 0;
}

/** Width and height of a key frame; undefined for others. */
export function parseVp8KeyFrame(frame: Buffer): { width: number; height: number } | undefined {
  if (!isVp8KeyFrame(frame) || frame.length < 10) return undefined;
  if (frame[3] !== 0x9d || frame[4] !== 0x01 || frame[5] !== 0x2a) return undefined;
  const width = frame.readUInt16LE(6) & 0x3fff;
  const height = frame.readUInt16LE(8) & 0x3fff;
  return width === 0 || height === 0 ? undefined : { width, height };
}

/** True for the payload that begins a frame, which is the first packet of it for certain. */
export function isVp8FrameStart(payload: Buffer): boolean {
  const first = payload[0];
  return first !== undefined && (first & 0x17) === 0x10;
}

/** True for the first payload of a key frame. */
export function isVp8KeyFrameStart(payload: Buffer): boolean {
  if (!isVp8FrameStart(payload)) return false;
  const descriptor = parseVp8Descriptor(payload);
  return descriptor !== undefined && isVp8KeyFrame(payload.subarray(descriptor.bytes));
}

export interface Vp8PacketizeOptions {
  /** 15 bits; absent: a descriptor of one byte. */
  pictureId?: number;
  nonReference?: boolean;
}

/** The payloads of one frame; the caller sets the marker on the last. Throws RangeError when maxPayloadBytes is below 16. */
export function packetizeVp8(frame: Buffer, maxPayloadBytes: number, options: Vp8PacketizeOptions = {}): Buffer[] {
  if (maxPayloadBytes < 16) throw new RangeError('maxPayloadBytes is at least 16');
  const { pictureId } = options;
  const headBytes = pictureId === undefined ? 1 : 4;
  const count = Math.ceil(frame.length / (maxPayloadBytes - headBytes));
  const memory = Buffer.allocUnsafe(frame.length + headBytes * count);
  const payloads: Buffer[] = [];
  let read = 0;
  let at = 0;
  for (let i = 0; i < count; i++) {
    const bytes = Math.ceil((frame.length - read) / (count - i));
    // All packets say partition 0, as other senders do: boundaries of later partitions need not be told (RFC 7741 section 4.4).
    memory[at] =
      (pictureId === undefined ? 0 : 0x80) | (options.nonReference === true ? 0x20 : 0) | (i === 0 ? 0x10 : 0);
    if (pictureId !== undefined) {
      memory[at + 1] = 0x80;
      memory.writeUInt16BE(0x8000 | (pictureId & 0x7fff), at + 2);
    }
    frame.copy(memory, at + headBytes, read, read + bytes);
    payloads.push(memory.subarray(at, at + headBytes + bytes));
    read += bytes;
    at += headBytes + bytes;
  }
  return payloads;
}

/** Makes frames of the payloads of complete frames; remembers the size of the last key frame. */
export class Vp8Depacketizer {
  private width = 0;
  private height = 0;

  /** All payloads of one frame in order; empty ones are padding. Undefined when they do not make a frame. */
  assemble(payloads: readonly Buffer[]): AssembledFrame | undefined {
    const parts: Buffer[] = [];
    for (const payload of payloads) {
      if (payload.length === 0) continue;
      if (isVp8FrameStart(payload) !== (parts.length === 0)) return undefined;
      const descriptor = parseVp8Descriptor(payload);
      if (descriptor === undefined || descriptor.bytes >= payload.length) return undefined;
      parts.push(payload.subarray(descriptor.bytes));
    }
    const first = parts[0];
    if (first === undefined) return undefined;
    const data = parts.length === 1 ? Buffer.from(first) : Buffer.concat(parts);
    const size = parseVp8KeyFrame(data);
    if (size !== undefined) {
      this.width = size.width;
      this.height = size.height;
    } else if (isVp8KeyFrame(data)) {
      return undefined;
    }
    return { data, keyFrame: size !== undefined, width: this.width, height: this.height };
  }

  reset(): void {
    this.width = 0;
    this.height = 0;
  }
}
