/** What was sent, by sequence number. */

export interface RetransmissionBufferOptions {
  /** Rounded up to a power of two. */
  maxPackets?: number;
  maxAgeMs?: number;
  /** A packet is given at most once in this time: set it to the round trip, so that repeated asks are answered once. */
  minRepeatMs?: number;
}

interface Slot<T> {
  sequence: number;
  sentAtMs: number;
  repeatedAtMs: number;
  item: T;
}

/** A ring: each new packet takes the place of the one `maxPackets` before it. */
export class RetransmissionBuffer<T> {
  minRepeatMs: number;
  private readonly slots: (Slot<T> | undefined)[];
  private readonly mask: number;
  private readonly maxAgeMs: number;

  constructor(options: RetransmissionBufferOptions = {}) {
    const capacity = 2 ** Math.ceil(Math.log2(Math.min(Math.max(options.maxPackets ?? 1024, 1), 32_768)));
    this.slots = new Array<Slot<T> | undefined>(capacity).fill(undefined);
    this.mask = capacity - 1;
    this.maxAgeMs = options.maxAgeMs ?? 3000;
    this.minRepeatMs = options.minRepeatMs ?? 0;
  }

  /** `sequence` has 16 bits or is unwrapped; only its low 16 bits count. */
  add(sequence: number, item: T, nowMs: number): void {
    const wire = sequence & 0xffff;
    this.slots[wire & this.mask] = { sequence: wire, sentAtMs: nowMs, repeatedAtMs: -Infinity, item };
  }

  /** The packet to send again; undefined when it is gone, too old, or was given less than minRepeatMs ago. */
  take(sequence: number, nowMs: number): T | undefined {
    const wire = sequence & 0xffff;
    const slot = this.slots[wire & this.mask];
    if (slot?.sequence !== wire) return undefined;
    if (nowMs - slot.sentAtMs > this.maxAgeMs) {
      this.slots[wire & this.mask] = undefined;
      return undefined;
    }
    if (nowMs - slot.repeatedAtMs < this.minRepeatMs) return undefined;
    slot.repeatedAtMs = nowMs;
    return slot.item;
  }

  clear(): void {
    this.slots.fill(undefined);
  }
}
