/** The index nearest to `highest` whose low `bits` are `low` (RFC 3711 section 3.3.1). Never negative. */
function nearest(highest: number, low: number, bits: number): number {
  const span = 2 ** bits;
  const base = highest - (highest % span) + low;
  const distance = base - highest;
  if (distance > span / 2 && base >= span) return base - span;
  if (distance < -span / 2) return base + span;
  return base;
}

/** Packet indexes of one SSRC that we send: retransmissions of old numbers keep their old index. */
export class SendIndex {
  #highest: number | undefined;

  next(sequence: number): number {
    const index = this.#highest === undefined ? sequence : nearest(this.#highest, sequence, 16);
    if (this.#highest === undefined || index > this.#highest) this.#highest = index;
    return index;
  }
}

const WINDOW = 2048;

/** Packet indexes of one SSRC that we receive, and which of the last 2048 have come (RFC 3711 section 3.3.2). */
export class ReplayWindow {
  #highest: number | undefined;
  readonly #seen = new Float64Array(WINDOW).fill(-1);

  /** @param bits width of the number on the wire: 16 for SRTP, 31 for SRTCP */
  constructor(private readonly bits: number) {}

  guess(low: number): number {
    return this.#highest === undefined ? low : nearest(this.#highest, low, this.bits);
  }

  isRepeated(index: number): boolean {
    if (this.#highest === undefined) return false;
    return index <= this.#highest - WINDOW || this.#seen[index % WINDOW] === index;
  }

  /** To be called for authenticated packets only. */
  note(index: number): void {
    this.#seen[index % WINDOW] = index;
    if (this.#highest === undefined || index > this.#highest) this.#highest = index;
  }
}

/** What is known of each SSRC. A peer that sends ever new ones cannot make it grow. */
export class SourceTable<T> {
  readonly #entries = new Map<number, { value: T; usedAt: number }>();
  #uses = 0;

  constructor(private readonly max: number) {}

  get(ssrc: number): T | undefined {
    const entry = this.#entries.get(ssrc);
    if (entry === undefined) return undefined;
    entry.usedAt = ++this.#uses;
    return entry.value;
  }

  set(ssrc: number, value: T): void {
    if (this.#entries.size >= this.max && !this.#entries.has(ssrc)) this.#forgetOldest();
    this.#entries.set(ssrc, { value, usedAt: ++this.#uses });
  }

  #forgetOldest(): void {
    let oldest: { ssrc: number; usedAt: number } | undefined;
    for (const [ssrc, { usedAt }] of this.#entries)
      if (oldest === undefined || usedAt < oldest.usedAt) oldest = { ssrc, usedAt };
    if (oldest !== undefined) this.#entries.delete(oldest.ssrc);
  }
}
