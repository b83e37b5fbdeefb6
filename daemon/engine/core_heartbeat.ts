import type { Clock } from '../clock.js';

export interface HeartbeatOptions {
  /** From an answer to the next question; 0: nothing is asked. */
  intervalMs: number;
  /** How long an answer may take. */
  limitMs: number;
}

/**
 * Finds a core process that hangs: it is asked for its version, which the vendor's protocol answers always. The limit is waited for in two halves, so that a machine that
 * was suspended, or a daemon that was held up, reads what has arrived meanwhile before it judges.
 */
export class CoreHeartbeat {
  readonly #options: HeartbeatOptions;
  readonly #clock: Clock;
  readonly #ask: () => Promise<unknown>;
  readonly #onHung: () => void;
  #cancelTimer: () => void = () => undefined;
  /** Answers of an earlier run are for nobody. */
  #run = 0;

  /** `ask` may reject: then there is no answer. */
  constructor(options: HeartbeatOptions, clock: Clock, ask: () => Promise<unknown>, onHung: () => void) {
    this.#options = options;
    this.#clock = clock;
    this.#ask = ask;
    this.#onHung = onHung;
  }

  start(): void {
    this.stop();
    if (this.#options.intervalMs > 0) this.#wait(this.#run);
  }

  stop(): void {
    this.#run += 1;
    this.#cancelTimer();
  }

  #wait(run: number): void {
    this.#cancelTimer = this.#clock.after(this.#options.intervalMs, () => this.#beat(run));
  }

  #beat(run: number): void {
    const half = this.#options.limitMs / 2;
    this.#cancelTimer = this.#clock.after(half, () => {
      this.#cancelTimer = this.#clock.after(half, () => {
        this.stop();
        this.#onHung();
      });
    });
    this.#ask().then(
      () => {
        if (run !== this.#run) return;
        this.#cancelTimer();
        this.#wait(run);
      },
      // A connection that ended is told in another way.
      () => undefined,
    );
  }
}
