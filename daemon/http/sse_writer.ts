import type { ServerResponse } from 'node:http';
import type { FeedMessages } from '../../common/console_api.js';
import type { Clock } from '../clock.js';

/** A line for connections that nothing happens on, so that both ends notice when the other is gone. */
const COMMENT_INTERVAL_MS = 15_000;
/** A reader that takes nothing for that long is ended. */
const STALL_MS = 10_000;
/** How long the reason of the end may take to be read. */
const FAREWELL_MS = 5_000;
/** What a browser waits before it connects again. */
const RETRY_MS = 1_500;

/** The writing end of Server-Sent Events (HTML, section 9.2). One message is written after the other has left the writer. */
export class SseWriter {
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  #stopComments: () => void = () => undefined;
  #ended = false;

  constructor(response: ServerResponse, clock: Clock) {
    this.#response = response;
    this.#clock = clock;
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
    response.write(`retry: ${RETRY_MS}\n\n`);
    response.once('close', () => this.#stopComments());
    this.#commentLater();
  }

  /** Resolves when the message has left the writer; false: the reader is gone, or takes nothing any more and was ended. */
  write(event: string, json: string, id?: string): Promise<boolean> {
    return this.#write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${json}\n\n`);
  }

  /** The last message: why. */
  end(bye: FeedMessages['bye']): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopComments();
    this.#response.end(`event: bye\ndata: ${JSON.stringify(bye)}\n\n`);
    const stop = this.#clock.after(FAREWELL_MS, () => this.#response.destroy());
    this.#response.once('close', stop);
  }

  async #write(text: string): Promise<boolean> {
    if (this.#ended || this.#response.destroyed) return false;
    const isTaken = await new Promise<boolean>((resolve) => {
      const stop = this.#clock.after(STALL_MS, () => finish(false));
      const onClose = (): void => finish(false);
      const finish = (taken: boolean): void => {
        stop();
        this.#response.off('close', onClose);
        resolve(taken);
      };
      this.#response.once('close', onClose);
      this.#response.write(text, () => finish(true));
    });
    if (!isTaken)
      this.end({ reason: 'TOO_SLOW', message: `nothing was read for ${STALL_MS / 1000} s: open the stream again` });
    return isTaken;
  }

  #commentLater(): void {
    this.#stopComments = this.#clock.after(COMMENT_INTERVAL_MS, () => {
      if (this.#ended || this.#response.destroyed) return;
      if (this.#response.writableLength === 0) this.#response.write(': still here\n\n');
      this.#commentLater();
    });
  }
}
