import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const PERIOD_MS = 500;
/** So many processes that want to run, for each processor: everything takes that much longer. */
const MOST_RUNNABLE = 4;
/** The share of the newest look in the average: the last five seconds or so. */
const WEIGHT = 0.1;
/** What waited while the machine was overloaded may end behind it. */
const AFTERWARDS_MS = 15_000;

/** Tells when others keep the whole machine busy: what is late then says nothing of the daemon. */
export class Overload {
  /** For so long it was overloaded. */
  overloadedMs = 0;
  readonly #timer: NodeJS.Timeout;
  #runnable = 0;
  #excusedUntilMs = 0;

  constructor(onOverload: (forMs: number) => void) {
    let lastMs = performance.now();
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.#runnable += (runnable() / availableParallelism() - this.#runnable) * WEIGHT;
      if (now < this.#excusedUntilMs) this.overloadedMs += now - lastMs;
      lastMs = now;
      if (this.#runnable <= MOST_RUNNABLE) return;
      // Told again in time, not at every look.
      if (now < this.#excusedUntilMs - AFTERWARDS_MS / 2) return;
      this.#excusedUntilMs = now + AFTERWARDS_MS;
      onOverload(AFTERWARDS_MS);
    }, PERIOD_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Of the whole machine (proc(5), loadavg). */
function runnable(): number {
  return Number(/ (\d+)\/\d+ /.exec(readFileSync('/proc/loadavg', 'utf8'))?.[1] ?? 0);
}
