import { EVERYBODY, type Excuse } from './protocol.js';

interface Window {
  who: string;
  fromMs: number;
  untilMs: number;
}

/** Longer than any call waits. */
const KEPT_MS = 120_000;

/** Who was disturbed when. */
export class Excuses {
  #windows: Window[] = [];

  constructor(private readonly now: () => number = () => performance.now()) {}

  add({ who, forMs }: Excuse): void {
    const fromMs = this.now();
    this.#windows = this.#windows.filter(({ untilMs }) => untilMs > fromMs - KEPT_MS);
    this.#windows.push({ who, fromMs, untilMs: fromMs + forMs });
  }

  /** Whether one of them was disturbed at some time since then. */
  covers(names: readonly string[], sinceMs = this.now()): boolean {
    return this.#windows.some(({ who, untilMs }) => untilMs >= sinceMs && (who === EVERYBODY || names.includes(who)));
  }
}
