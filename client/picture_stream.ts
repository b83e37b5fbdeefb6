import { PictureRingReader, PictureRingUnreachable } from '../common/picture_ring.js';
import type { Picture, PictureMessage } from './frames.js';
import type { MessageStream } from './message_stream.js';

/** A program holds one or two pictures at a time. */
const MOST_FREE = 4;

/**
 * Decoded pictures. On the daemon's machine they come through shared memory, when the daemon offers it: then a message only says where the picture lies, and it is read
 * when next() asks for it. A picture that was overwritten before that counts as dropped. Where the shared memory cannot be opened (another user, another
 * container) the stream is opened again without it.
 */
export class PictureStream implements AsyncIterableIterator<Picture, undefined> {
  readonly #open: (localFrames: boolean) => MessageStream<PictureMessage>;
  readonly #ring = new PictureRingReader();
  readonly #memory = new PictureMemory();
  #stream: MessageStream<PictureMessage>;
  #over = false;
  /** Since the picture that was delivered last. */
  #dropped = 0;
  #discontinuity = false;

  constructor(open: (localFrames: boolean) => MessageStream<PictureMessage>, localFrames: boolean) {
    this.#open = open;
    this.#stream = open(localFrames);
  }

  /** Pictures that have arrived and were not read yet. */
  get buffered(): number {
    return this.#stream.buffered;
  }

  async next(): Promise<IteratorResult<Picture, undefined>> {
    for (;;) {
      const { value, done } = await this.#stream.next().catch((error: unknown) => this.#fail(error));
      if (done === true || value === undefined) {
        this.#end();
        return { value: undefined, done: true };
      }
      const picture = this.#read(value);
      if (picture !== undefined) return { value: picture, done: false };
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

  #read({ localFrame, ...message }: PictureMessage): Picture | undefined {
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
    return {
      ...message,
      droppedBefore,
      discontinuity,
      data,
      release: this.#memory.giveBack(localFrame === undefined ? undefined : data),
    };
  }

  #readLocal(reference: NonNullable<PictureMessage['localFrame']>): Buffer | undefined {
    try {
      return this.#ring.read(reference, this.#memory.take(reference.length));
    } catch (error) {
      if (!(error instanceof PictureRingUnreachable)) throw error;
      this.#stream.cancel();
      if (!this.#over) this.#stream = this.#open(false);
      return undefined;
    }
  }

  #fail(error: unknown): never {
    this.#end();
    throw error;
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
