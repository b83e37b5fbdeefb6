import { messageOf } from '../../common/errors.js';
import type { Logger } from '../../common/logger.js';
import type { DataChannel } from '../../webrtc/media_transport.js';

/** The two data channels by which a client is sent messages of others. */
export class DataOutlet {
  reliable: DataChannel | undefined;
  lossy: DataChannel | undefined;
  readonly #queueBytes: number;
  readonly #logger: Logger;

  constructor(queueBytes: number, logger: Logger) {
    this.#queueBytes = queueBytes;
    this.#logger = logger;
  }

  /** False when the receiver is so slow that its queue is full; a lossy message is dropped then. */
  send(message: Buffer, reliable: boolean): boolean {
    const channel = reliable ? this.reliable : this.lossy;
    // Before the connection is there a message has nowhere to wait, as in LiveKit.
    if (channel === undefined) return true;
    if (channel.bufferedBytes + message.length > this.#queueBytes) return false;
    try {
      channel.send(message);
    } catch (error) {
      this.#logger.info({ reason: messageOf(error), bytes: message.length }, 'a data message was not sent');
    }
    return true;
  }
}
