import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { FrameLane } from '../../gen/alirtc/v1/media.js';
import { FrameHeader } from '../../gen/alirtc/v1/types.js';
import type { MediaFrame } from './media_frame.js';

/** What a media stream writes: a shared frame with this stream's own numbers. */
export interface FrameMessage {
  sequence: number;
  droppedBefore: number;
  /** The frame before came from another core process. */
  discontinuity: boolean;
  frame: MediaFrame;
}

/** Instead of a frame: the lane is offered, or begins. */
export interface LaneMessage {
  lane: FrameLane;
}

const HEADER_TAG = (1 << 3) | 2;
/** Field 14 of every frame message. */
const LANE_TAG = (14 << 3) | 2;
/** The data is field 15 of every frame message, the last one. */
const DATA_TAG = (15 << 3) | 2;

/**
 * A serialized message that is put together only where it is needed. grpc-js asks what a serializer returns for two things alone: `byteLength`, then
 * `copy(target, offset)` into the buffer in which it puts its own five bytes in front. A picture is therefore copied once on its way out (from the IPC's buffer
 * into the HTTP/2 frame's), not twice, and streams with the same content share everything but some twenty bytes. The integration tests
 * compare what arrives byte by byte, so a grpc-js that asks for more is noticed.
 */
export class SerializedFrame {
  readonly byteLength: number;
  readonly parts: readonly Uint8Array[];

  constructor(parts: readonly Uint8Array[]) {
    this.parts = parts;
    this.byteLength = parts.reduce((sum, part) => sum + part.byteLength, 0);
  }

  get length(): number {
    return this.byteLength;
  }

  copy(target: Uint8Array, targetStart = 0): number {
    let at = targetStart;
    for (const part of this.parts) {
      target.set(part, at);
      at += part.byteLength;
    }
    return at - targetStart;
  }
}

/** The `responseSerialize` of the frame streams. */
export function serializeMessage(message: FrameMessage | LaneMessage): Buffer {
  if ('frame' in message) return serializeFrame(message) as unknown as Buffer;
  const lane = FrameLane.encode(message.lane, new BinaryWriter().uint32(LANE_TAG).fork()).join();
  return Buffer.from(lane.finish());
}

/** A frame's message in its parts; the last one is the frame's own data, when there is any. */
export function serializeFrame(message: FrameMessage): SerializedFrame {
  const { frame } = message;
  const head = new BinaryWriter().uint32(HEADER_TAG).fork();
  FrameHeader.encode(
    {
      sequence: message.sequence,
      captureTimeUs: frame.captureTimeUs,
      droppedBefore: message.droppedBefore,
      discontinuity: message.discontinuity,
    },
    head,
  );
  const parts: Uint8Array[] = [head.join().finish(), frame.body];
  if (frame.payload.byteLength > 0)
    parts.push(new BinaryWriter().uint32(DATA_TAG).uint32(frame.payload.byteLength).finish(), frame.payload);
  return new SerializedFrame(parts);
}

/** What a frame occupies while it waits, in bytes. */
export function frameBytes(frame: MediaFrame): number {
  return frame.payload.byteLength + frame.body.byteLength;
}
