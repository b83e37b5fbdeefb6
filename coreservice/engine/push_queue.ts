import { FullEdge } from './full_edge.js';

/**
 * What was pushed and has not left yet, counted in items. A push that does not fit is refused whole. Everything that was ever pushed is consumed once: when
 * it is taken, cleared or refused.
 */
export class PushQueue<T> {
  readonly #items: T[] = [];
  readonly #edge: FullEdge;
  #consumed = 0;

  constructor(
    public capacity: number,
    onFull: (isFull: boolean) => void,
    private readonly onConsumed: () => void,
  ) {
    this.#edge = new FullEdge(onFull);
  }

  get length(): number {
    return this.#items.length;
  }

  /** Items consumed since the beginning. */
  get consumed(): number {
    return this.#consumed;
  }

  push(item: T): boolean {
    if (this.#items.length >= this.capacity) {
      this.#consume(1);
      this.#edge.refused();
      return false;
    }
    this.#items.push(item);
    return true;
  }

  /** Something pushed that never got into the queue. */
  discard(): void {
    this.#consume(1);
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  shift(): T | undefined {
    const item = this.#items.shift();
    if (item === undefined) return undefined;
    this.#consume(1);
    this.#edge.level(this.#items.length, this.capacity);
    return item;
  }

  clear(): void {
    const count = this.#items.length;
    this.#items.length = 0;
    if (count > 0) this.#consume(count);
    this.#edge.level(0, this.capacity);
  }

  #consume(count: number): void {
    this.#consumed += count;
    this.onConsumed();
  }
}
