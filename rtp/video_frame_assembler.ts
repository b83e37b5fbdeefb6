/** The payloads of one frame after another into units, whatever the codec. */
import { H264Depacketizer, h264KeyFrameStart } from './h264_depacketizer.js';
import type { AssembledFrame, KeyFrameStart } from './h264_depacketizer.js';
import { Vp8Depacketizer, isVp8KeyFrameStart } from './vp8.js';

export type VideoPayloadCodec = 'h264' | 'vp8';

export interface FramePart {
  /** Unwrapped. */
  timestamp: number;
  payload: Buffer;
  arrivalMs: number;
}

export interface TimedFrame extends AssembledFrame {
  timestamp: number;
  /** Of the first part. */
  arrivalMs: number;
}

export class VideoFrameAssembler {
  private readonly depacketizer: H264Depacketizer | Vp8Depacketizer;
  private parts: Buffer[] = [];
  private timestamp = 0;
  private arrivalMs = 0;

  constructor(codec: VideoPayloadCodec) {
    this.depacketizer = codec === 'h264' ? new H264Depacketizer() : new Vp8Depacketizer();
  }

  addParameterSet(nal: Buffer): void {
    if (this.depacketizer instanceof H264Depacketizer) this.depacketizer.addParameterSet(nal);
  }

  /** Whether a payload begins a key frame; 'parameter_sets' means surely with its first packet. */
  keyFrameStart(payload: Buffer): KeyFrameStart {
    if (this.depacketizer instanceof H264Depacketizer) return h264KeyFrameStart(payload);
    return isVp8KeyFrameStart(payload) ? 'parameter_sets' : 'none';
  }

  /** True when the part is of a later frame than those added: the frame so far has ended without a marker. */
  endsBefore(part: FramePart): boolean {
    return this.parts.length > 0 && part.payload.length > 0 && part.timestamp !== this.timestamp;
  }

  /** Padding (no payload) belongs to no frame and is ignored. */
  add(part: FramePart): void {
    if (part.payload.length === 0) return;
    if (this.parts.length === 0) {
      this.timestamp = part.timestamp;
      this.arrivalMs = part.arrivalMs;
    }
    this.parts.push(part.payload);
  }

  /** The frame of the parts so far, and a new one begins; undefined when they do not make a frame. */
  finish(): TimedFrame | undefined {
    const frame = this.depacketizer.assemble(this.parts);
    this.parts = [];
    return frame && { ...frame, timestamp: this.timestamp, arrivalMs: this.arrivalMs };
  }

  /** Forgets the frame so far. */
  drop(): void {
    this.parts = [];
  }

  /** For a new stream: forgets parameter sets and sizes too. */
  reset(): void {
    this.drop();
    this.depacketizer.reset();
  }
}
