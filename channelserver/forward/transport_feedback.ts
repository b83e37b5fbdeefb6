import type { TransportCc } from '../../rtp/rtcp.js';
import { SequenceUnwrapper } from '../../rtp/sequence.js';

/** Packets that one feedback message reports at most; more come in the next one. */
const MAX_REPORTED = 500;
/** A jump by more is a restart of the sender, not a loss. */
const MAX_GAP = 2000;
const TICKS_PER_MS = 4;

/**
 * Arrival times by transport-wide sequence number, and the feedback made of them (draft-holmer-rmcat-transport-wide-cc-extensions-01). Without it
 * a sender's congestion control stays at its starting rate.
 */
export class TransportFeedback {
  readonly #unwrapper = new SequenceUnwrapper();
  readonly #arrivals = new Map<number, number>();
  /** The first number that was not reported yet. */
  #next: number | undefined;
  #highest = 0;
  #count = 0;

  get pending(): number {
    return this.#arrivals.size;
  }

  onPacket(sequence: number, arrivalMs: number): void {
    const unwrapped = this.#unwrapper.unwrap(sequence);
    if (this.#next === undefined || Math.abs(unwrapped - this.#next) > MAX_GAP + this.#arrivals.size) {
      this.#arrivals.clear();
      this.#next = unwrapped;
      this.#highest = unwrapped;
    }
    // Older than what was reported: the report said lost; saying otherwise now is allowed but of no use.
    if (unwrapped < this.#next) return;
    this.#highest = Math.max(this.#highest, unwrapped);
    this.#arrivals.set(unwrapped, arrivalMs);
  }

  /** What arrived since the last call; undefined when nothing did. */
  take(senderSsrc: number, mediaSsrc: number): TransportCc | undefined {
    if (this.#next === undefined || this.#arrivals.size === 0) return undefined;
    const base = this.#next;
    const end = Math.min(this.#highest, base + MAX_REPORTED - 1);
    const deltas250Us: (number | undefined)[] = [];
    let referenceTime64Ms: number | undefined;
    let lastTicks = 0;
    for (let sequence = base; sequence <= end; sequence++) {
      const arrivalMs = this.#arrivals.get(sequence);
      if (arrivalMs === undefined) {
        deltas250Us.push(undefined);
        continue;
      }
      const ticks = Math.round(arrivalMs * TICKS_PER_MS);
      if (referenceTime64Ms === undefined) {
        referenceTime64Ms = Math.floor(ticks / (64 * TICKS_PER_MS));
        lastTicks = referenceTime64Ms * 64 * TICKS_PER_MS;
      }
      deltas250Us.push(ticks - lastTicks);
      lastTicks = ticks;
      this.#arrivals.delete(sequence);
    }
    this.#next = end + 1;
    if (referenceTime64Ms === undefined) return undefined;
    return {
      kind: 'transport_cc',
      senderSsrc,
      mediaSsrc,
      feedbackCount: this.#count++ & 0xff,
      referenceTime64Ms: ((referenceTime64Ms << 8) >> 8) | 0,
      baseSequence: base & 0xffff,
      deltas250Us,
    };
  }
}
