import { findSei } from '../../rtp/sei.js';
import type { EncodedUnit } from '../rtc/types.js';

/** Our UUIDs begin with these 12 bytes ("alirtcd sei\0") and end with the number of the message. */
export const OWN_SEI_PREFIX = Buffer.from('alirtcd sei\0', 'latin1');
/** x264 writes its name and settings as such a message. */
const X264_UUID = Buffer.from('dc45e9bde6d948b7962cd820d923eeef', 'hex');
/** A message that did not come again for so long may be sent anew with the same content by a sender that does not number. */
const FORGET_MS = 5000;
const MAX_REMEMBERED = 64;

/** The messages in one user's camera stream, each once: exact repeats of one message are removed. */
export class SeiReceiver {
  readonly #lastSeenMs = new Map<string, number>();

  constructor(
    private readonly nowMs: () => number,
    private readonly onMessage: (data: Buffer) => void,
  ) {}

  handle(unit: EncodedUnit): void {
    if (unit.codec !== 'h264') return;
    for (const { uuid, data } of findSei(unit.data)) {
      if (uuid.equals(X264_UUID)) continue;
      const key = Buffer.concat([uuid, data]).toString('latin1');
      const nowMs = this.nowMs();
      const lastMs = this.#lastSeenMs.get(key);
      this.#lastSeenMs.delete(key);
      this.#lastSeenMs.set(key, nowMs);
      const [oldest] = this.#lastSeenMs.keys();
      if (this.#lastSeenMs.size > MAX_REMEMBERED && oldest !== undefined) this.#lastSeenMs.delete(oldest);
      if (lastMs === undefined || nowMs - lastMs > FORGET_MS) this.onMessage(Buffer.from(data));
    }
  }
}
