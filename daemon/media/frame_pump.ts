import { frameBytes } from './frame_message.js';
import type { FrameMessage } from './frame_message.js';
import type { FrameQueue } from './frame_queue.js';

/** Where a pump writes: the writing half of a gRPC stream. */
export interface FrameSink {
  /** `done` is called once when the message has left the writer, also with an error. */
  write(message: FrameMessage, done: () => void): void;
  /** Nothing is written afterwards. Without an error the status is OK. */
  end(error?: Error): void;
  /** The client is to fetch its pictures from the core. Without it the stream cannot have a lane there. */
  offerDirect?(lane: { path: string; secret: Buffer }): void;
}

/** Large frames: one is being sent, one is ready behind it. */
const MAX_MESSAGES_IN_FLIGHT = 2;
/** Small frames: as many as fill this. */
const MIN_BYTES_IN_FLIGHT = 32 * 1024;

/**
 * The only writer of a media stream. It hands over a frame when what it handed over before has left the writer: stricter than waiting for `drain`, which a
 * gRPC stream emits per sixteen messages whatever their size, so a reader that stops costs two pictures and its queue, and what it gets later is
 * counted right.
 */
export class FramePump {
  readonly #queue: FrameQueue;
  readonly #sink: FrameSink;
  #sequence = 0;
  #messagesInFlight = 0;
  #bytesInFlight = 0;
  #closed = false;
  #finishing: { error?: Error } | undefined;
  /** Frames written, and frames that were told as dropped. */
  delivered = 0;
  dropped = 0;

  constructor(queue: FrameQueue, sink: FrameSink) {
    this.#queue = queue;
    this.#sink = sink;
  }

  /** Call it after the queue got a frame. */
  kick(): void {
    while (!this.#closed && this.#mayWrite()) {
      const item = this.#queue.shift();
      if (item === undefined) break;
      this.#sequence += item.droppedBefore + 1;
      this.dropped += item.droppedBefore;
      this.delivered += 1;
      const bytes = frameBytes(item.frame);
      this.#messagesInFlight += 1;
      this.#bytesInFlight += bytes;
      const message = {
        sequence: this.#sequence,
        droppedBefore: item.droppedBefore,
        discontinuity: item.discontinuity,
        frame: item.frame,
      };
      this.#sink.write(message, () => this.#written(bytes));
    }
    if (this.#finishing !== undefined && this.#queue.length === 0) this.#end(this.#finishing.error);
  }

  /** Writes what is queued, then ends. */
  finish(error?: Error): void {
    this.#finishing ??= error === undefined ? {} : { error };
    this.kick();
  }

  /** Ends without what is queued. */
  abort(error?: Error): void {
    this.#queue.clear();
    this.#end(this.#finishing?.error ?? error);
  }

  /** The other side is gone. */
  close(): void {
    this.#closed = true;
    this.#queue.clear();
  }

  #mayWrite(): boolean {
    return this.#messagesInFlight < MAX_MESSAGES_IN_FLIGHT || this.#bytesInFlight < MIN_BYTES_IN_FLIGHT;
  }

  #written(bytes: number): void {
    this.#messagesInFlight -= 1;
    this.#bytesInFlight -= bytes;
    this.kick();
  }

  #end(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sink.end(error);
  }
}
