/** Packets by unwrapped sequence number, for windows shorter than the ring. */

export interface RingSlot {
  sequence: number;
}

export class PacketRing<T extends RingSlot> {
  private readonly slots: (T | undefined)[];
  private readonly mask: number;

  /** `capacity` is a power of two; numbers that are held at the same time lie less than it apart. */
  constructor(capacity: number) {
    this.slots = new Array<T | undefined>(capacity).fill(undefined);
    this.mask = capacity - 1;
  }

  at(sequence: number): T | undefined {
    const slot = this.slots[sequence & this.mask];
    return slot?.sequence === sequence ? slot : undefined;
  }

  set(slot: T): void {
    this.slots[slot.sequence & this.mask] = slot;
  }

  delete(sequence: number): void {
    this.slots[sequence & this.mask] = undefined;
  }

  clear(): void {
    this.slots.fill(undefined);
  }
}
