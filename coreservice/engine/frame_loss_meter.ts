/** The shortest step between two pictures that is believed: 1000 a second. */
const LEAST_TICKS = 90;

/** Counts the pictures that were sent and cannot be shown: lost on the way, or of no use without one that was. Times are RTP times, 90 kHz. */
export class FrameLossMeter {
  #last: number | undefined;
  /** Between two pictures in succession, smoothed. */
  #intervalTicks: number | undefined;
  #lost = 0;

  get lost(): number {
    return this.#lost;
  }

  /** A whole picture has come; afterLoss: others before it have not, how many is told by their distance. */
  arrived(timestamp: number, afterLoss: boolean): void {
    const step = this.#last === undefined ? 0 : timestamp - this.#last;
    this.#last = timestamp;
    if (step < LEAST_TICKS) return;
    const usual = this.#intervalTicks;
    if (!afterLoss) this.#intervalTicks = usual === undefined ? step : usual + (step - usual) / 8;
    else this.#lost += usual === undefined ? 1 : Math.max(1, Math.round(step / usual) - 1);
  }

  /** A whole picture has come that cannot be decoded. */
  unusable(): void {
    this.#lost++;
  }
}
