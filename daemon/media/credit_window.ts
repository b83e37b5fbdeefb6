/**
 * What a push stream grants its producer: a window of units at first, then as many as were handed over, in batches of a quarter of the window, so that
 * answers are few and the producer never runs dry.
 */
export class CreditWindow {
  readonly #window: number;
  /** Handed over and not granted again yet; sound has fractions. */
  #owed = 0;
  #accepted = 0;

  constructor(window: number) {
    this.#window = Math.max(1, Math.floor(window));
  }

  get acceptedFrames(): number {
    return this.#accepted;
  }

  /** The answer to the opening. */
  get initial(): number {
    return this.#window;
  }

  /** A frame of that cost was handed over. */
  accept(cost: number): void {
    this.#accepted += 1;
    this.#owed += cost;
  }

  /** The credits to grant now; 0: not worth an answer yet. */
  take(): number {
    if (this.#owed < Math.max(1, this.#window / 4)) return 0;
    const credits = Math.floor(this.#owed);
    this.#owed -= credits;
    return credits;
  }
}
