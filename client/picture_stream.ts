import { PictureRingReader, PictureRingUnreachable } from '../common/picture_ring.js';
import { FrameLaneUnreachable } from './frame_lane.js';
import type { Picture, PictureMessage } from './frames.js';
import type { MessageStream } from './message_stream.js';
import { AlirtcStatusError } from './status_error.js';

/** A program holds one or two pictures at a time. */
const MOST_FREE = 4;

/** By which ways pictures may come. */
export interface PictureWays {
  localFrames: boolean;
  directLane: boolean;
}

/**
 * Decoded pictures. On the daemon's machine they come through shared memory, when the daemon offers it: then a message only says where the picture lies, and it is read
 * when next() asks for it. A picture that was overwritten before that counts as dropped. Where the shared memory cannot be opened (another user, another
 * container) the stream is opened again without it; and without a direct lane where nobody can be connected to.
 */
export class PictureStream implements AsyncIterableIterator<Picture, undefined> {
  readonly #open: (ways: PictureWays) => MessageStream<PictureMessage>;
  readonly #ring = new PictureRingReader();
  readonly #memory = new PictureMemory();
  #ways: PictureWays;
  #stream: MessageStream<PictureMessage>;
  #over = false;
  /** Of the picture that was delivered last. */
  #sequence = 0;
  /** Of the picture before this opening of the stream. */
  #base = 0;
  /** Since the picture that was delivered last. */
  #dropped = 0;
  #discontinuity = false;

  constructor(open: (ways: PictureWays) => MessageStream<PictureMessage>, ways: PictureWays) {
    this.#open = open;
    this.#ways = ways;
    this.#stream = open(ways);
  }

  /** Pictures that have arrived and were not read yet. */
  get buffered(): number {
    return this.#stream.buffered;
  }

  async next(): Promise<IteratorResult<Picture, undefined>> {
    for (;;) {
      const stream = this.#stream;
      try {
        const { value } = await stream.next();
        if (value !== undefined) {
          const picture = this.#read(value);
          if (picture !== undefined) return { value: picture, done: false };
          // Opened again meanwhile, the stream goes on.
        } else if (stream === this.#stream) {
          this.#end();
          return { value: undefined, done: true };
        }
      } catch (error) {
        this.#goOnAfter(error);
      }
    }
  }

  return(): Promise<IteratorResult<Picture, undefined>> {
    this.cancel();
    return Promise.resolve({ value: undefined, done: true });
  }

  /** Ends the stream now; what was not read yet is dropped. */
  readonly cancel = (): void => {
    this.#end();
    this.#stream.cancel();
  };

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.cancel();
    return Promise.resolve();
  }

  /** Field by field: a copy of "the rest" costs as much as to decode the message. */
  #read(message: PictureMessage): Picture | undefined {
    const { localFrame } = message;
    // The old core's memory is gone: nothing is to be kept of it.
    if (message.discontinuity) this.#ring.close();
    const data = localFrame === undefined ? message.data : this.#readLocal(localFrame);
    if (this.#over) return undefined;
    this.#dropped += message.droppedBefore;
    this.#discontinuity ||= message.discontinuity;
    if (data === undefined) {
      this.#dropped += 1;
      return undefined;
    }
    const droppedBefore = this.#dropped;
    const discontinuity = this.#discontinuity;
    this.#dropped = 0;
    this.#discontinuity = false;
    this.#sequence = this.#base + message.sequence;
    return {
      sequence: this.#sequence,
      captureTimeUs: message.captureTimeUs,
      droppedBefore,
      discontinuity,
      data,
      uid: message.uid,
      track: message.track,
      frameMs: message.frameMs,
      frameNum: message.frameNum,
      width: message.width,
      height: message.height,
      qp: message.qp,
      sliceType: message.sliceType,
      release: this.#memory.giveBack(localFrame === undefined ? undefined : data),
    };
  }

  #readLocal(reference: NonNullable<PictureMessage['localFrame']>): Buffer | undefined {
    try {
      return this.#ring.read(reference, this.#memory.take(reference.length));
    } catch (error) {
      if (!(error instanceof PictureRingUnreachable)) throw error;
      this.#stream.cancel();
      if (!this.#over) this.#openAgain({ localFrames: false, directLane: false });
      return undefined;
    }
  }

  /** Throws the error unless there is another way for the pictures. */
  #goOnAfter(error: unknown): void {
    const isLane = error instanceof AlirtcStatusError && error.cause instanceof FrameLaneUnreachable;
    if (!isLane || !this.#ways.directLane || this.#over) {
      this.cancel();
      throw error;
    }
    this.#openAgain({ ...this.#ways, directLane: false });
  }

  /** The pictures of what is opened again are numbered on. */
  #openAgain(ways: PictureWays): void {
    this.#ring.close();
    this.#ways = ways;
    this.#base = this.#sequence;
    this.#discontinuity ||= this.#base > 0;
    this.#stream = this.#open(ways);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#ring.close();
  }
}

const nothing = (): void => undefined;

/** Memory of pictures that were given back, for the next ones of the same size: fresh memory for every picture costs more than to copy it. */
class PictureMemory {
  readonly #free: Buffer[] = [];

  take(length: number): Buffer {
    for (let buffer = this.#free.pop(); buffer !== undefined; buffer = this.#free.pop())
      if (buffer.length === length) return buffer;
    return Buffer.allocUnsafeSlow(length);
  }

  /** What a picture's release() does, once. */
  giveBack(buffer: Buffer | undefined): () => void {
    let mine = buffer;
    if (mine === undefined) return nothing;
    return () => {
      if (mine !== undefined && this.#free.length < MOST_FREE) this.#free.push(mine);
      mine = undefined;
    };
  }
}
