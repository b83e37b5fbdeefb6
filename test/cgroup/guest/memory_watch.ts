import { read, type Group } from './control_group.js';

const EVERY_MS = 5;

/** The most that a group used, as far as can be seen while it is there. */
export class MemoryWatch {
  readonly #timer: NodeJS.Timeout;
  #mostBytes = 0;
  #mostSwapBytes = 0;
  #mostSwapKb = 0;

  /** `swapUsedKb`: of the whole machine. */
  constructor(group: Group, swapUsedKb: () => number) {
    const startKb = swapUsedKb();
    this.#timer = setInterval(() => {
      this.#mostBytes = Math.max(this.#mostBytes, Number(read(group, 'memory.current') ?? 0));
      this.#mostSwapBytes = Math.max(this.#mostSwapBytes, Number(read(group, 'memory.swap.current') ?? 0));
      this.#mostSwapKb = Math.max(this.#mostSwapKb, swapUsedKb() - startKb);
    }, EVERY_MS);
  }

  stop(): { mostBytes: number; mostSwapBytes: number; mostSwapKb: number } {
    clearInterval(this.#timer);
    return { mostBytes: this.#mostBytes, mostSwapBytes: this.#mostSwapBytes, mostSwapKb: this.#mostSwapKb };
  }
}
