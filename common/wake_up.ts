/** What readers sleep on until there is something to read. A wake while nobody sleeps is not kept: look first, then sleep. */
export class WakeUp {
  readonly #sleepers = new Set<() => void>();

  /** Wakes everybody. */
  wake(): void {
    for (const wake of [...this.#sleepers]) wake();
  }

  /** Resolves at the next wake, and when the signal aborts. */
  sleep(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#sleepers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#sleepers.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}
