/** How much earlier than its turn a picture may come, in parts of the interval: pushes are never quite regular. */
const EARLY = 0.4;

/** Pictures that were held up somewhere come in a burst; so many of them were due meanwhile and go through. */
const BURST = 5;

/** Lets through at most so many pictures a second, evenly spread. */
export class FrameRateLimit {
  #nextMs: number | undefined;

  allows(timeMs: number, frameRate: number): boolean {
    const intervalMs = 1000 / frameRate;
    const turnMs = this.#nextMs ?? timeMs;
    if (timeMs < turnMs - EARLY * intervalMs) return false;
    // A late one does not put off those that follow, up to a burst.
    this.#nextMs = Math.max(turnMs, timeMs - BURST * intervalMs) + intervalMs;
    return true;
  }

  reset(): void {
    this.#nextMs = undefined;
  }
}
