import type { PushedAudio } from './pushed_audio.js';

/** Pieces whose times differ by less than this from where the last one ended are one unbroken stream. */
const JOINT_MS = 5;
/** Between the first push and its time to go: both streams of a bot have begun by then. */
const START_DELAY_MS = 60;
/** So late is not late any more: a new beginning after a pause. */
const PAUSE_MS = 100;

/**
 * Pushed timestamps (ms) against the engine's clock, one line for audio and video. The first piece makes the line. A piece that comes when its time is over (a
 * bot that was silent for a while and goes on with its own count) moves the line, so that it goes out now and what follows keeps its distance.
 */
export class PtsTimeline {
  /** The clock's milliseconds at timestamp 0. */
  #baseMs: number | undefined;

  /** When a timestamp is due, on the clock. */
  dueMs(ptsMs: number, nowMs: number): number {
    this.#baseMs ??= nowMs + START_DELAY_MS - ptsMs;
    return this.#baseMs + ptsMs;
  }

  /** The piece with this timestamp goes out at dueMs. */
  moveTo(ptsMs: number, dueMs: number): void {
    this.#baseMs = dueMs - ptsMs;
  }

  reset(): void {
    this.#baseMs = undefined;
  }
}

/** Converts what is due within the next packet, with silence where the timestamps leave a gap. */
export function placeAudio(queue: PushedAudio, timeline: PtsTimeline, nowMs: number, packetMs: number): void {
  while (queue.readyMs < packetMs) {
    const ptsMs = queue.nextPtsMs;
    if (ptsMs === undefined) return;
    // What is converted already goes out first.
    const startMs = nowMs + queue.readyMs;
    const waitMs = timeline.dueMs(ptsMs, nowMs) - startMs;
    if (waitMs >= packetMs) return;
    if (waitMs > JOINT_MS) queue.insertSilence(waitMs);
    else if (waitMs < -PAUSE_MS) {
      timeline.moveTo(ptsMs, startMs + START_DELAY_MS);
      continue;
    } else if (waitMs < -JOINT_MS) timeline.moveTo(ptsMs, startMs);
    queue.convertNext();
  }
}
