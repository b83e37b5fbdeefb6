/** What goes into the video jitter buffer's making, and what comes out of it. */
import type { VideoPayloadCodec } from './video_frame_assembler.js';

export interface VideoJitterBufferOptions {
  codec: VideoPayloadCodec;
  /** How long a lost packet is waited for before everything up to the next key frame is skipped. */
  maxWaitMs?: number;
  /** How many packets may be held behind a lost one; at most 2048. */
  maxPackets?: number;
}

export interface VideoUnit {
  codec: VideoPayloadCodec;
  /** H264: Annex B, parameter sets in front of every key frame. VP8: one frame. */
  data: Buffer;
  keyFrame: boolean;
  /** Of the picture, or of the last key frame; 0 before. */
  width: number;
  height: number;
  /** RTP time, unwrapped, 90 kHz; its low 32 bits are those of the packets. */
  timestamp: number;
  /** When its first packet (in sequence) came. */
  arrivalMs: number;
  /** Units between the one before and this one are missing. */
  afterLoss: boolean;
}

export interface VideoPoll {
  units: VideoUnit[];
  /** 16-bit sequence numbers to ask for now. */
  nacks: number[];
  /** Nothing comes out before a key frame, and none is on its way. Stays true: the caller limits the rate of its requests. */
  keyFrameNeeded: boolean;
  /** When poll() must be called at the latest if no packet comes; undefined: not before the next packet. */
  nextPollAtMs: number | undefined;
}
