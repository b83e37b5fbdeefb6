import type { Clock } from '../clock.js';
import type { Config } from '../config/schema.js';
import { refusal } from '../refusals.js';

type Limit =
  | 'max-engines-per-client'
  | 'max-streams-per-client'
  | 'max-streams-per-engine'
  | 'max-event-streams-per-engine'
  | 'max-calls-per-second';
export type LimitSettings = Pick<Config, Limit>;

/** Forgets counts of who has nothing open and has not called for a while, once there are more. */
const SWEEP_AT = 1024;

interface Allowance {
  /** Calls that may begin now. */
  calls: number;
  atMs: number;
}

/** What one client may have at once, and how fast it may call. Each refusal is RESOURCE_EXHAUSTED and names the limit, its value and the setting. */
export class ClientLimits {
  readonly #settings: () => LimitSettings;
  readonly #clock: Clock;
  readonly #open = new Map<string, number>();
  readonly #allowances = new Map<string, Allowance>();

  constructor(settings: () => LimitSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  /** One call begins. A token bucket that holds what a second allows. */
  countCall(client: string): void {
    const rate = this.#settings()['max-calls-per-second'];
    const nowMs = this.#clock.nowMs();
    const { calls, atMs } = this.#allowances.get(client) ?? { calls: rate, atMs: nowMs };
    const allowed = Math.min(rate, calls + ((nowMs - atMs) / 1000) * rate);
    if (allowed < 1) throw tooMany('TOO_MANY_CALLS', 'max-calls-per-second', rate, 'client', client, 'call less often');
    this.#allowances.set(client, { calls: allowed - 1, atMs: nowMs });
    if (this.#allowances.size > SWEEP_AT) this.#sweep(nowMs);
  }

  /** A stream of that client begins; the returned function ends it. */
  openStream(client: string): () => void {
    const most = this.#settings()['max-streams-per-client'];
    return this.#take(`streams ${client}`, most, () =>
      tooMany('TOO_MANY_STREAMS', 'max-streams-per-client', most, 'client', client, 'close a stream'),
    );
  }

  /** A reader of an engine's events or frames begins; the returned function ends it. */
  openReader(engineId: string, kind: 'events' | 'frames'): () => void {
    const setting = kind === 'events' ? 'max-event-streams-per-engine' : 'max-streams-per-engine';
    const most = this.#settings()[setting];
    return this.#take(`${kind} ${engineId}`, most, () =>
      tooMany('TOO_MANY_STREAMS', setting, most, 'engine_id', engineId, 'close a stream of the engine'),
    );
  }

  /** How many read the events of an engine now. */
  eventReaders(engineId: string): number {
    return this.#open.get(`events ${engineId}`) ?? 0;
  }

  /** `owned` engines belong to the client already. The returned function ends the making of one. */
  beginEngine(client: string, owned: number): () => void {
    const most = this.#settings()['max-engines-per-client'];
    if (most === 0) return () => undefined;
    return this.#take(`engines ${client}`, most - owned, () =>
      tooMany('TOO_MANY_ENGINES', 'max-engines-per-client', most, 'client', client, 'release an engine'),
    );
  }

  #take(key: string, most: number, refuse: () => Error): () => void {
    const open = this.#open.get(key) ?? 0;
    if (open >= most) throw refuse();
    this.#open.set(key, open + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const left = (this.#open.get(key) ?? 1) - 1;
      if (left > 0) this.#open.set(key, left);
      else this.#open.delete(key);
    };
  }

  /** After a second an allowance is full again: the same as none. */
  #sweep(nowMs: number): void {
    for (const [client, { atMs }] of this.#allowances) if (nowMs - atMs > 1000) this.#allowances.delete(client);
  }
}

function tooMany(reason: string, limit: Limit, most: number, field: string, value: string, act: string): Error {
  return refusal('resource_exhausted', reason, `${limit} is ${most}`, {
    field,
    value: value.slice(0, 80),
    remedy: `${act}, or have the operator raise ${limit} (--${limit})`,
    metadata: { limit: String(most), setting: limit },
  });
}
