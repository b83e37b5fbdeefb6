type Quality = 'high' | 'low';

/** Between two requests that reach the encoder. */
const INTERVAL_MS = 300;

/** At most one request per layer and interval; one that comes too early is passed on when the interval is over. */
export class KeyFrameLimiter {
  readonly #lastMs = new Map<Quality, number>();
  readonly #timers = new Map<Quality, NodeJS.Timeout>();

  constructor(
    private readonly pass: (quality: Quality) => void,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  request(quality: Quality): void {
    if (this.#timers.has(quality)) return;
    const waitMs = (this.#lastMs.get(quality) ?? -Infinity) + INTERVAL_MS - this.nowMs();
    if (waitMs <= 0) this.#fire(quality);
    else
      this.#timers.set(
        quality,
        setTimeout(() => this.#fire(quality), waitMs),
      );
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #fire(quality: Quality): void {
    clearTimeout(this.#timers.get(quality));
    this.#timers.delete(quality);
    this.#lastMs.set(quality, this.nowMs());
    this.pass(quality);
  }
}
