import type { Excuses } from './excuses.js';
import { SILENCE_LIMIT_MS } from './protocol.js';

export interface WatchedFlow {
  /** For people. */
  name: string;
  /** Whose trouble excuses it. */
  who: readonly string[];
  /** Whether media should come now. */
  isExpected: () => boolean;
  /** Counts up by one for each frame whose content was right and new. */
  progress: number;
}

const TICK_MS = 250;
/** A tick that comes later counts as no more than this: time in which this process itself stood still is not the daemon's. */
const LONGEST_TICK_MS = 500;

/** Tells of flows in which nothing right has come for too long. */
export class FlowWatch {
  readonly #flows = new Map<WatchedFlow, { seen: number; silentMs: number }>();
  readonly #timer: NodeJS.Timeout;
  #lastMs = performance.now();

  constructor(
    private readonly excuses: Excuses,
    private readonly onSilence: (flow: WatchedFlow) => void,
  ) {
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  get size(): number {
    return this.#flows.size;
  }

  add(flow: WatchedFlow): void {
    this.#flows.set(flow, { seen: flow.progress, silentMs: 0 });
  }

  delete(flow: WatchedFlow): void {
    this.#flows.delete(flow);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = performance.now();
    const passedMs = Math.min(LONGEST_TICK_MS, now - this.#lastMs);
    this.#lastMs = now;
    for (const [flow, state] of this.#flows) {
      const moved = flow.progress !== state.seen;
      state.seen = flow.progress;
      state.silentMs = moved || !flow.isExpected() || this.excuses.covers(flow.who) ? 0 : state.silentMs + passedMs;
      if (state.silentMs <= SILENCE_LIMIT_MS) continue;
      state.silentMs = 0;
      this.onSilence(flow);
    }
  }
}
