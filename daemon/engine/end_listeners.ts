/** Who wants to hear of an end, until he takes it back: what waits by then() is kept as long as the promise is. */
export class EndListeners {
  readonly #listeners = new Set<() => void>();
  #isOver = false;

  constructor(done: Promise<unknown>) {
    void done.then(() => {
      this.#isOver = true;
      for (const listener of this.#listeners) listener();
      this.#listeners.clear();
    });
  }

  get size(): number {
    return this.#listeners.size;
  }

  /** Calls it once, at once when the end was before. The returned function takes it back. */
  add(listener: () => void): () => void {
    if (this.#isOver) listener();
    else this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
