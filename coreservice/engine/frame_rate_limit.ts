/** How much earlier than its turn a picture may come, in parts of the interval: pushes are never quite regular. */
const EARLY = 0.4;

/** Lets through at most so many pictures a second, evenly spread. */
export class FrameRateLimit {
  #nextMs: number | undefined;

  allows(timeMs: number, frameRate: number): boolean {
    const intervalMs = 1000 / frameRate;
    const turnMs = this.#nextMs ?? timeMs;
    if (timeMs < turnMs - EARLY * intervalMs) return false;
    // A late one does not put off all that follow, but lateness is not saved up for a burst either.
    this.#nextMs = Math.max(turnMs, timeMs - EARLY * intervalMs) + intervalMs;
    return true;
  }

  reset(): void {
    this.#nextMs = undefined;
  }
}
