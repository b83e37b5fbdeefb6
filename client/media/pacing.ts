import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until a time of the file is a lead away. The clock starts with the first wait, and the lead is given at once. */
export class Pacer {
  #zeroMs: number | undefined;

  constructor(
    private readonly nowMs: () => number,
    private readonly signal: AbortSignal,
    private readonly leadMs: number,
  ) {}

  /** Resolves with how much later it is, in milliseconds. */
  async until(timeUs: number): Promise<number> {
    this.#zeroMs ??= this.nowMs();
    const waitMs = this.#zeroMs + timeUs / 1000 - this.leadMs - this.nowMs();
    if (waitMs <= 0) return -waitMs;
    await sleep(waitMs, undefined, { signal: this.signal });
    return 0;
  }

  /** Everything that is still to come is played so much later, less the lead. */
  delay(lateMs: number): void {
    if (this.#zeroMs !== undefined) this.#zeroMs += lateMs - this.leadMs;
  }
}

/** A bounded queue in front of a slow consumer that takes one item at a time. */
export class Outlet<Item> {
  readonly #pending: Promise<void>[] = [];
  #tail: Promise<void> = Promise.resolve();

  constructor(
    private readonly limit: number,
    private readonly consume: (item: Item) => Promise<void>,
  ) {}

  /** Resolves when there is room for the next one; rejects when the consumer has failed. */
  async put(item: Item): Promise<void> {
    this.#tail = this.#tail.then(() => this.consume(item));
    this.#tail.catch(() => undefined);
    this.#pending.push(this.#tail);
    if (this.#pending.length >= this.limit) await this.#pending.shift();
  }

  async drained(): Promise<void> {
    await this.#tail;
  }
}
