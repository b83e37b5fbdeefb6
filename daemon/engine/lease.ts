import type { Clock } from '../clock.js';

/**
 * How long an engine lives without anybody who uses it. Present is who has a stream of it open or a call under way, and for the lease's time behind that, or behind a renewal,
 * everybody who was.
 */
export class Lease {
  readonly #clock: Clock;
  readonly #onExpired: () => void;
  readonly seconds: number;
  #running = false;
  #holders = 0;
  #cancelTimer: () => void = () => undefined;

  /** 0 seconds: the engine is detached, its lease never runs out. */
  constructor(seconds: number, clock: Clock, onExpired: () => void) {
    this.seconds = seconds;
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  get isDetached(): boolean {
    return this.seconds === 0;
  }

  /** Somebody has a stream of the engine open, or a call under way. */
  get isHeld(): boolean {
    return this.#holders > 0;
  }

  /** The engine is there: from now on its time counts. */
  start(): void {
    this.#running = !this.isDetached;
    this.#arm();
  }

  stop(): void {
    this.#running = false;
    this.#cancelTimer();
  }

  /** Its time begins anew. */
  renew(): void {
    this.#arm();
  }

  /** Somebody is there until the returned function is called, the first time. */
  hold(): () => void {
    this.#holders += 1;
    this.#cancelTimer();
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holders -= 1;
      this.#arm();
    };
  }

  #arm(): void {
    this.#cancelTimer();
    if (this.#running && this.#holders === 0)
      this.#cancelTimer = this.#clock.after(this.seconds * 1000, () => {
        this.stop();
        this.#onExpired();
      });
  }
}
