import type { MediaFrame } from './media_frame.js';

export interface QueuedFrame {
  frame: MediaFrame;
  /** Frames lost between the one before in this queue and this one. */
  droppedBefore: number;
  /** The one before came from another core process. */
  discontinuity: boolean;
}

/**
 * The bounded queue of one media stream. It never refuses a frame: it drops by its policy and counts. What was dropped is told with the next frame that
 * is delivered.
 */
export abstract class FrameQueue {
  protected readonly items: QueuedFrame[] = [];
  /** Dropped after the newest queued frame. */
  protected pendingDrops = 0;
  /** The core process was replaced after the newest queued frame. */
  #pendingCut = false;
  /** A frame came before: there is something to be cut off from. */
  #begun = false;
  readonly capacity: number;

  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1) throw new RangeError(`a frame queue of ${capacity}`);
    this.capacity = capacity;
  }

  get length(): number {
    return this.items.length;
  }

  /** `lostBefore` frames of this selection never reached the daemon before this one. */
  abstract offer(frame: MediaFrame, lostBefore: number): void;

  shift(): QueuedFrame | undefined {
    return this.items.shift();
  }

  clear(): void {
    this.items.length = 0;
    this.pendingDrops = 0;
  }

  /** What comes next is another core process's. */
  cut(): void {
    this.#pendingCut = this.#begun;
  }

  protected push(frame: MediaFrame): void {
    this.items.push({ frame, droppedBefore: this.pendingDrops, discontinuity: this.#pendingCut });
    this.pendingDrops = 0;
    this.#pendingCut = false;
    this.#begun = true;
  }

  protected dropAt(index: number): void {
    const [dropped] = this.items.splice(index, 1);
    if (dropped === undefined) return;
    const next = this.items[index];
    if (next === undefined) {
      this.pendingDrops += dropped.droppedBefore + 1;
      this.#pendingCut ||= dropped.discontinuity;
    } else {
      next.droppedBefore += dropped.droppedBefore + 1;
      next.discontinuity ||= dropped.discontinuity;
    }
  }
}

/** Pictures and sound: the newest are worth most. */
export class DropOldestQueue extends FrameQueue {
  offer(frame: MediaFrame, lostBefore: number): void {
    this.pendingDrops += lostBefore;
    this.push(frame);
    while (this.items.length > this.capacity) this.dropAt(0);
  }
}

type TrackState =
  | 'beginning' // its first key frame has not come; what comes before it does not count as dropped
  | 'flowing' // every frame can be decoded
  | 'broken'; // something was lost; waits for the next key frame

/**
 * Encoded pictures: what is delivered can always be decoded. After a loss, of our own or before us, nothing of that user's track is taken until its
 * next key frame; each track begins with one.
 */
export class KeyFrameQueue extends FrameQueue {
  readonly #tracks = new Map<string, TrackState>();
  readonly #needKeyFrame: (uid: string, track: number) => void;

  constructor(capacity: number, needKeyFrame: (uid: string, track: number) => void) {
    super(capacity);
    this.#needKeyFrame = needKeyFrame;
  }

  offer(frame: MediaFrame, lostBefore: number): void {
    const source = sourceOf(frame);
    const state = this.#tracks.get(source) ?? 'beginning';
    if (state !== 'beginning') this.pendingDrops += lostBefore;
    if (frame.keyFrame) this.#makeRoom(source);
    const decodable = frame.keyFrame || (state === 'flowing' && lostBefore === 0);
    if (decodable && this.items.length < this.capacity) {
      this.#tracks.set(source, 'flowing');
      this.push(frame);
      return;
    }
    if (state !== 'beginning') this.pendingDrops += 1;
    this.#tracks.set(source, state === 'beginning' ? 'beginning' : 'broken');
    this.#needKeyFrame(frame.uid, frame.track);
  }

  override cut(): void {
    super.cut();
    // Each begins with a key frame; what comes before that did not follow on anything.
    this.#tracks.clear();
  }

  /** The user is gone: its tracks begin anew when it comes back. */
  forget(uid: string): void {
    for (const source of this.#tracks.keys()) if (source.endsWith(` ${uid}`)) this.#tracks.delete(source);
  }

  /** A key frame in a full queue takes the place of what is queued of the same track: decoding goes on from it. */
  #makeRoom(source: string): void {
    if (this.items.length < this.capacity) return;
    for (let index = this.items.length - 1; index >= 0; index -= 1) {
      const item = this.items[index];
      if (item !== undefined && sourceOf(item.frame) === source) this.dropAt(index);
    }
  }
}

function sourceOf(frame: MediaFrame): string {
  return `${frame.track} ${frame.uid}`;
}
