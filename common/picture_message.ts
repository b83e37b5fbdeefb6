/**
 * OnRemoteVideoSampleResponse (proto/alirtc/v1/media.proto), written by hand: the core service sends one for every picture and lane, and does not know the generated code.
 * Fields of the value zero are left out, as proto3 has it. A test decodes what comes out with the generated code.
 */
import type { PictureReference } from './picture_ring.js';

/** Numbers are whole and safe integers. */
export interface PictureMessage {
  /** FrameHeader. */
  sequence: number;
  captureTimeUs: number;
  droppedBefore: number;
  uid: string;
  /** The IPC's VideoTrackType. */
  track: number;
  frameMs: number;
  frameNum: number;
  width: number;
  height: number;
  qp: number;
  sliceType: number;
  /** Left out: `data` has the picture. */
  localFrame?: PictureReference | undefined;
  data?: Uint8Array | undefined;
}

export const LENGTH_BYTES = 4;
const VARINT = 0;
const BYTES = 2;
/** UTF-8 has at most three for a UTF-16 unit. */
const BYTES_PER_UNIT = 3;
/** All fields at their longest, without strings and data. */
const MAX_FIXED_BYTES = 256;
const TWO_TO_32 = 2 ** 32;
/** The IPC's VideoTrackType: CameraLarge, CameraSmall, CameraSuper, ScreenShare. */
const TRACK_TYPES: readonly number[] = [1, 2, 3, 4];

/** The contract's VideoTrackType; UNSPECIFIED for a number that it does not have. As daemon/conversions.ts. */
export function protoTrackType(track: number): number {
  return TRACK_TYPES[track] ?? 0;
}

/** Everything but the data is put together here: messages are made one at a time. */
let scratch = Buffer.allocUnsafeSlow(1024);
/** Where the next byte of it goes. */
let at = 0;

/** The message with its length in front: 4 bytes, big-endian. A buffer of its own. Throws RangeError for a number that is no safe integer. */
export function encodePictureMessage(message: PictureMessage): Buffer {
  const { uid, localFrame, data } = message;
  reserve(MAX_FIXED_BYTES + BYTES_PER_UNIT * (uid.length + (localFrame?.path.length ?? 0)));
  at = LENGTH_BYTES;
  putHeader(message);
  putString(2, uid);
  putNumber(3, protoTrackType(message.track));
  putNumber(4, message.frameMs);
  putNumber(5, message.frameNum);
  putNumber(6, message.width);
  putNumber(7, message.height);
  putNumber(8, message.qp);
  putNumber(9, message.sliceType);
  if (localFrame !== undefined) putLocalFrame(localFrame);
  const dataBytes = data?.byteLength ?? 0;
  if (dataBytes > 0) {
    putVarint((15 << 3) | BYTES);
    putVarint(dataBytes);
  }
  scratch.writeUInt32BE(at - LENGTH_BYTES + dataBytes);
  const whole = Buffer.allocUnsafe(at + dataBytes);
  scratch.copy(whole, 0, 0, at);
  if (data !== undefined) whole.set(data, at);
  return whole;
}

function reserve(bytes: number): void {
  if (scratch.length < bytes) scratch = Buffer.allocUnsafeSlow(2 * bytes);
}

/** Three numbers: shorter than 128 bytes, so that its length is one. */
function putHeader({ sequence, captureTimeUs, droppedBefore }: PictureMessage): void {
  scratch[at++] = (1 << 3) | BYTES;
  const begin = ++at;
  putNumber(1, sequence);
  putNumber(2, captureTimeUs);
  putNumber(3, droppedBefore);
  scratch[begin - 1] = at - begin;
}

function putLocalFrame({ path, offset, length, generation }: PictureReference): void {
  scratch[at++] = (10 << 3) | BYTES;
  const pathBytes = Buffer.byteLength(path);
  putVarint(
    (pathBytes === 0 ? 0 : 1 + varintBytes(pathBytes) + pathBytes) +
      numberBytes(offset) +
      numberBytes(length) +
      numberBytes(generation),
  );
  putString(1, path);
  putNumber(2, offset);
  putNumber(3, length);
  putNumber(4, generation);
}

function putString(field: number, text: string): void {
  if (text === '') return;
  scratch[at++] = (field << 3) | BYTES;
  putVarint(Buffer.byteLength(text));
  at += scratch.write(text, at);
}

function putNumber(field: number, value: number): void {
  if (value === 0) return;
  if (!Number.isSafeInteger(value)) throw new RangeError(`field ${field}: ${value} is no whole number`);
  scratch[at++] = (field << 3) | VARINT;
  if (value > 0) putVarint(value);
  else putNegative(value);
}

/** The lower seven bits first. Bit operations have 32 bits: above, by division. */
function putVarint(value: number): void {
  let rest = value;
  for (; rest >= 0x80000000; rest = Math.floor(rest / 128)) scratch[at++] = (rest % 128) | 128;
  for (; rest > 127; rest >>>= 7) scratch[at++] = (rest & 127) | 128;
  scratch[at++] = rest;
}

/** Two's complement of 64 bits: ten bytes, for int32 too. */
function putNegative(value: number): void {
  let low = value >>> 0;
  let high = Math.floor(value / TWO_TO_32) >>> 0;
  for (let i = 0; i < 9; i++) {
    scratch[at++] = (low & 127) | 128;
    low = ((low >>> 7) | (high << 25)) >>> 0;
    high >>>= 7;
  }
  scratch[at++] = low;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

/** With its tag; not negative. */
function numberBytes(value: number): number {
  return value === 0 ? 0 : 1 + varintBytes(value);
}
