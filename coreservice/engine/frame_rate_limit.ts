/** How much earlier than its turn a picture may come, in parts of the interval: pushes are never quite regular. */
const EARLY = 0.4;

/** Lets through at most so many pictures a second, evenly spread. */
export class FrameRateLimit {
  #nextMs = -Infinity;

  allows(timeMs: number, frameRate: number): boolean {
    const intervalMs = 1000 / frameRate;
    if (timeMs < this.#nextMs - EARLY * intervalMs) return false;
    this.#nextMs = Math.max(this.#nextMs + intervalMs, timeMs - EARLY * intervalMs + intervalMs);
    return true;
  }

  reset(): void {
    this.#nextMs = -Infinity;
  }
}
