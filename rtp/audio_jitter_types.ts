/** What goes into the buffer of audio_jitter_buffer.ts, and what comes out. */
export interface AudioJitterPacket {
  /** Unwrapped. */
  sequence: number;
  /** Unwrapped, 48 kHz. */
  timestamp: number;
  payload: Buffer;
  /** Same clock as nowMs. */
  arrivalMs: number;
}

/**
 * lost: a packet is missing; `next`, when there, is the packet behind it, in which Opus may carry its copy (RFC 6716 section 2.1.7).
 * silence: the sender paused (DTX). underrun: the next packet is late; what is concealed now makes the delay longer.
 */
export type GapCause = 'lost' | 'silence' | 'underrun';

export type AudioPull<T> =
  | {
      kind: 'packet';
      packet: T;
      /**
       * How much longer (above 0) or shorter (below 0) the decoded sound should be made, in samples at 48 kHz, to bring the delay to its target: at
       * most 240 in 100 ms. A caller that ignores it has some underruns more, or a delay of up to 100 ms more.
       */
      stretchSamples: number;
      /** Packets before this one that were thrown away since the delay had grown too long. */
      dropped: number;
    }
  /** Conceal this much (at 48 kHz, a multiple of 120), then pull again. */
  | { kind: 'gap'; samples: number; cause: GapCause; next?: T }
  /** Nothing to play: silence for as long as the caller likes, best 10 ms; no time passes in the stream. */
  | { kind: 'wait' };

export interface AudioJitterBufferOptions {
  minDelayMs?: number;
  maxDelayMs?: number;
  startDelayMs?: number;
  /** Samples at 48 kHz of a payload; 0: unknown. */
  packetSamples?: (payload: Buffer) => number;
}

export interface AudioJitterStats {
  targetDelayMs: number;
  /** Smoothed delay at which packets are played. */
  delayMs: number;
  buffered: number;
  played: number;
  lost: number;
  late: number;
  /** Thrown away to make the delay shorter. */
  dropped: number;
  underruns: number;
  concealedSamples: number;
}
