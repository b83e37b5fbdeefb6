import type { TransportCc } from '../../../rtp/rtcp.js';
import { SequenceUnwrapper } from '../../../rtp/sequence.js';

/** More than a feedback interval at 50 Mbit/s. Older ones are dropped: feedback that late says nothing. */
const MAX_PACKETS = 1000;
const TICK_MS = 0.25;
const REFERENCE_MS = 64;

/** When each packet came, for the sender's bandwidth estimate (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3). */
export class TransportCcRecorder {
  readonly #arrivals = new Map<number, number>();
  readonly #sequences = new SequenceUnwrapper();
  #next: number | undefined;
  #feedbackCount = 0;

  constructor(private readonly senderSsrc: number) {}

  get waiting(): number {
    return this.#arrivals.size;
  }

  onPacket(transportSequence: number, arrivalMs: number): void {
    const sequence = this.#sequences.unwrap(transportSequence);
    // Reported already as lost: a sender takes the first word.
    if (this.#next !== undefined && sequence < this.#next) return;
    if (!this.#arrivals.has(sequence)) this.#arrivals.set(sequence, arrivalMs);
    if (this.#arrivals.size > MAX_PACKETS) this.#arrivals.delete(this.#arrivals.keys().next().value ?? sequence);
  }

  /** Feedback over all that came since the last; undefined when nothing did. */
  take(mediaSsrc: number): TransportCc | undefined {
    if (this.#arrivals.size === 0) return undefined;
    const sequences = [...this.#arrivals.keys()].sort((a, b) => a - b);
    const first = sequences[0] ?? 0;
    const last = sequences.at(-1) ?? first;
    // A hole longer than any burst of losses is a restart of the numbers.
    const base = this.#next !== undefined && first - this.#next < MAX_PACKETS ? this.#next : first;
    const end = Math.min(last, base + 2 * MAX_PACKETS);
    const firstArrivalMs = this.#arrivals.get(first) ?? 0;
    const reference = Math.floor(firstArrivalMs / REFERENCE_MS);
    const deltas: (number | undefined)[] = [];
    let ticks = Math.round((reference * REFERENCE_MS) / TICK_MS);
    for (let sequence = base; sequence <= end; sequence++) {
      const arrivalMs = this.#arrivals.get(sequence);
      if (arrivalMs === undefined) {
        deltas.push(undefined);
        continue;
      }
      const at = Math.round(arrivalMs / TICK_MS);
      deltas.push(at - ticks);
      ticks = at;
    }
    this.#arrivals.clear();
    this.#next = end + 1;
    const feedbackCount = this.#feedbackCount;
    this.#feedbackCount = (feedbackCount + 1) & 0xff;
    return {
      kind: 'transport_cc',
      senderSsrc: this.senderSsrc,
      mediaSsrc,
      feedbackCount,
      // 24 bits signed; performance.now() counts from the start of the process, so it lasts for 12 days and then wraps.
      referenceTime64Ms: (reference << 8) >> 8,
      baseSequence: base & 0xffff,
      deltas250Us: deltas,
    };
  }
}
