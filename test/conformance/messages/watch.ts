import type { AlirtcEvent, Engine, EventOf, EventType } from '../../../client/index.js';
import { eventually } from '../../support/eventually.js';

/** Keeps the events of an engine from the beginning of its life on. */
export class Watch implements AsyncDisposable {
  readonly events: AlirtcEvent[] = [];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(engine: Engine) {
    this.#running = (async () => {
      for await (const event of engine.events({ fromSequence: 1, signal: this.#stop.signal })) this.events.push(event);
    })();
    this.#running.catch(() => undefined);
  }

  of<T extends EventType>(type: T): EventOf<T>[] {
    return this.events.filter((event): event is EventOf<T> => event.type === type);
  }

  /** Resolves with all of that name when there are so many. */
  async count<T extends EventType>(type: T, count: number, timeoutMs = 15_000): Promise<EventOf<T>[]> {
    await eventually(() => {
      const seen = this.of(type).length;
      return seen >= count ? undefined : `${seen} of ${count} ${type}`;
    }, timeoutMs);
    return this.of(type);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
