import { messageOf } from '../../../common/errors.js';
import { RoomConnectError } from '../connect_error.js';

export interface RejoinerOptions {
  /** From the loss to giving up. */
  limitMs: number;
  /** Comes back or rejects; must settle within `timeoutMs`. `number` counts the attempts before. */
  attempt: (timeoutMs: number, number: number) => Promise<void>;
  giveUp: (detail: string) => void;
  nowMs?: () => number;
  /** 0 to 1: many clients of one server must not come back at the same moment. */
  random?: () => number;
}

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 3000;

/** Tries to come back, with growing pauses, until it works or the limit has passed. */
export class Rejoiner {
  readonly #options: Required<RejoinerOptions>;
  #timer: NodeJS.Timeout | undefined;
  #deadlineMs = 0;
  #attempts = 0;
  #isRunning = false;

  constructor(options: RejoinerOptions) {
    this.#options = { nowMs: () => performance.now(), random: Math.random, ...options };
  }

  /** `sinceMs`, on the clock of performance.now(): the limit counts from then, as coming back has not helped yet. */
  start(detail: string, sinceMs = this.#options.nowMs()): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#attempts = 0;
    this.#deadlineMs = sinceMs + this.#options.limitMs;
    this.#schedule(detail);
  }

  close(): void {
    this.#isRunning = false;
    clearTimeout(this.#timer);
  }

  #schedule(detail: string): void {
    const { nowMs, random } = this.#options;
    const leftMs = this.#deadlineMs - nowMs();
    if (leftMs <= 0) {
      this.#giveUp(detail);
      return;
    }
    const backOffMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#attempts);
    const delayMs = Math.min(leftMs, backOffMs * (0.5 + random() / 2));
    this.#attempts += 1;
    this.#timer = setTimeout(() => void this.#try(), delayMs);
  }

  async #try(): Promise<void> {
    const { attempt, nowMs } = this.#options;
    try {
      await attempt(Math.max(1, this.#deadlineMs - nowMs()), this.#attempts - 1);
      this.#isRunning = false;
    } catch (error) {
      if (!this.#isRunning) return;
      const detail = messageOf(error);
      // A token that is refused now is refused the next time too.
      if (error instanceof RoomConnectError && error.kind === 'unauthorized') this.#giveUp(detail);
      else this.#schedule(detail);
    }
  }

  #giveUp(detail: string): void {
    this.#isRunning = false;
    this.#options.giveUp(detail);
  }
}
