import type { Clock } from '../clock.js';
import type { CoreLane } from './core_lanes.js';
import type { Selection } from './demand.js';
import { FramePump } from './frame_pump.js';
import type { FrameSink } from './frame_pump.js';
import { KeyFrameQueue } from './frame_queue.js';
import type { FrameQueue } from './frame_queue.js';
import type { MediaFrame } from './media_frame.js';

/** How long what is queued may take to be written when the engine has ended. */
const FLUSH_MS = 2_000;

/** One open stream of frames: what it wants, its queue, its writer. */
export class MediaStream {
  readonly selection: Selection;
  readonly #queue: FrameQueue;
  readonly #pump: FramePump;
  readonly #clock: Clock;
  /** The core's number of the last frame of each user's track. */
  readonly #lastOfSource = new Map<string, number>();
  #lost = 0;
  /** Its pictures go around the daemon. */
  lane: CoreLane | undefined;

  constructor(selection: Selection, queue: FrameQueue, sink: FrameSink, clock: Clock) {
    this.selection = selection;
    this.#queue = queue;
    this.#pump = new FramePump(queue, sink);
    this.#clock = clock;
  }

  get delivered(): number {
    return this.#pump.delivered + (this.lane?.delivered ?? 0);
  }

  /** Frames that the core made and that never reached the daemon. Part of `dropped` once the next frame is delivered. */
  get lost(): number {
    return this.#lost;
  }

  get queued(): number {
    return this.#queue.length;
  }

  get dropped(): number {
    return this.#pump.dropped + (this.lane?.dropped ?? 0);
  }

  wants(frame: MediaFrame): boolean {
    const { kind, uids, tracks, shape } = this.selection;
    if (frame.kind !== kind || this.lane !== undefined) return false;
    if (uids.size > 0 && !uids.has(frame.uid)) return false;
    if (tracks.size > 0 && !tracks.has(frame.track)) return false;
    if (kind !== 'audio' && kind !== 'mixed') return true;
    // A core that does not count does not know of demands either: it has one shape for all.
    return (
      frame.coreSequence === undefined || (frame.sampleRate === shape.sampleRate && frame.channels === shape.channels)
    );
  }

  offer(frame: MediaFrame): void {
    const lostBefore = this.#lostBefore(frame);
    this.#lost += lostBefore;
    this.#queue.offer(frame, lostBefore);
    this.#pump.kick();
  }

  forget(uid: string): void {
    for (const source of this.#lastOfSource.keys()) if (source.endsWith(` ${uid}`)) this.#lastOfSource.delete(source);
    if (this.#queue instanceof KeyFrameQueue) this.#queue.forget(uid);
  }

  /** Every track begins anew, with another core process: its count too. */
  coreReplaced(): void {
    this.#lastOfSource.clear();
    this.#queue.cut();
  }

  /** The engine has ended: what is queued goes out, for a short time. */
  finish(error?: Error): void {
    this.#pump.finish(error);
    this.#clock.after(FLUSH_MS, () => this.#pump.abort(error));
  }

  /** The client is gone. */
  close(): void {
    this.#pump.close();
    this.#lastOfSource.clear();
  }

  #lostBefore(frame: MediaFrame): number {
    if (frame.coreSequence === undefined) return 0;
    const source = `${frame.track} ${frame.uid}`;
    const last = this.#lastOfSource.get(source);
    this.#lastOfSource.set(source, frame.coreSequence);
    // A number that does not go up is a core that began to count anew.
    return last === undefined || frame.coreSequence <= last ? 0 : frame.coreSequence - last - 1;
  }
}
