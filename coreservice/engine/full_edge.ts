/** Tells once that a queue refused something, and once that it has drained to half. */
export class FullEdge {
  #full = false;

  constructor(private readonly onEdge: (isFull: boolean) => void) {}

  get full(): boolean {
    return this.#full;
  }

  refused(): void {
    if (this.#full) return;
    this.#full = true;
    this.onEdge(true);
  }

  level(size: number, capacity: number): void {
    if (!this.#full || size > capacity / 2) return;
    this.#full = false;
    this.onEdge(false);
  }
}
