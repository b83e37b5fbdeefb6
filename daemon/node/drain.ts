import type { Clock } from '../clock.js';
import type { EngineRegistry } from '../engine/engine_registry.js';
import { refusal } from '../refusals.js';

export interface DrainOptions {
  registry: Pick<EngineRegistry, 'list' | 'size'>;
  /** Health goes to NOT_SERVING. */
  onBegin: () => void;
  clock: Clock;
}

/** A client that is refused tries elsewhere; whoever asks this node again does so when it is gone, or a new one has its place. */
const LEAST_RETRY_MS = 1_000;

/** The orderly end of a node: no new engines, those that are there may finish until the deadline. */
export class Drain {
  readonly #options: DrainOptions;
  #deadlineMs: number | undefined;
  #cancel: () => void = () => undefined;
  #finish!: () => void;
  /** Resolves when the last engine has ended, at the deadline at the latest; never before begin(). */
  readonly over: Promise<void> = new Promise((resolve) => (this.#finish = resolve));

  constructor(options: DrainOptions) {
    this.#options = options;
  }

  get isDraining(): boolean {
    return this.#deadlineMs !== undefined;
  }

  /** Unix time in milliseconds. */
  get deadlineMs(): number | undefined {
    return this.#deadlineMs;
  }

  /** Begins, or brings the deadline of one that began forward; it is never put off. Gives the deadline that counts, Unix time in milliseconds. */
  begin(durationMs: number, reason: string): number {
    const { registry, onBegin, clock } = this.#options;
    const wantedMs = clock.nowMs() + durationMs;
    const wasDraining = this.isDraining;
    if (this.#deadlineMs !== undefined && this.#deadlineMs <= wantedMs) return this.#deadlineMs;
    this.#deadlineMs = wantedMs;
    if (!wasDraining) onBegin();
    this.#cancel();
    this.#cancel = clock.after(durationMs, () => this.#finish());
    for (const session of registry.list()) {
      session.emit({ $case: 'goingAway', value: { deadlineUs: Math.floor(wantedMs * 1000), reason } });
      if (!wasDraining) void session.done.then(() => this.#finishWhenEmpty());
    }
    this.#finishWhenEmpty();
    return wantedMs;
  }

  /** Throws UNAVAILABLE, with when to ask again, while draining. */
  checkMayCreate(): void {
    if (this.#deadlineMs === undefined) return;
    const leftMs = Math.max(LEAST_RETRY_MS, Math.ceil(this.#deadlineMs - this.#options.clock.nowMs()));
    throw refusal('unavailable', 'DRAINING', 'this node drains: it takes no new engines', {
      remedy: 'ask another node; this one ends at its deadline',
      metadata: { deadline_us: String(Math.floor(this.#deadlineMs * 1000)), retry_after_ms: String(leftMs) },
    });
  }

  /** An ended engine leaves the registry in the same moment as its end is told. */
  #finishWhenEmpty(): void {
    queueMicrotask(() => {
      if (this.#options.registry.size > 0) return;
      this.#cancel();
      this.#finish();
    });
  }
}
