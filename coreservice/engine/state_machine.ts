import { PublishState, SubscribeState } from '../ipc/enums.js';
import type { EngineClock } from './clock.js';

/** Which states may follow a state. */
export type Edges<S extends number> = Readonly<Record<S, readonly S[]>>;

/** Publishing a track. NoPublish after a stop or a failure; Idle again only by leaving. */
export const PUBLISH_EDGES: Edges<PublishState> = {
  [PublishState.Idle]: [PublishState.Publishing],
  [PublishState.Publishing]: [PublishState.Published, PublishState.NoPublish, PublishState.Idle],
  [PublishState.Published]: [PublishState.NoPublish, PublishState.Idle],
  [PublishState.NoPublish]: [PublishState.Publishing, PublishState.Idle],
};

/** Subscribing to a remote track. NoSubscribe after a stop, a failure, or when the track went away; Idle again when its user or we leave. */
export const SUBSCRIBE_EDGES: Edges<SubscribeState> = {
  [SubscribeState.Idle]: [SubscribeState.Subscribing],
  [SubscribeState.Subscribing]: [SubscribeState.Subscribed, SubscribeState.NoSubscribe, SubscribeState.Idle],
  [SubscribeState.Subscribed]: [SubscribeState.NoSubscribe, SubscribeState.Idle],
  [SubscribeState.NoSubscribe]: [SubscribeState.Subscribing, SubscribeState.Idle],
};

/** One callback for each change of state, with the milliseconds that the old state lasted. */
export class StateMachine<S extends number> {
  #state: S;
  #sinceMs: number;

  constructor(
    private readonly clock: EngineClock,
    initial: S,
    private readonly edges: Edges<S> | undefined,
    private readonly onEdge: (old: S, next: S, elapsedMs: number) => void,
  ) {
    this.#state = initial;
    this.#sinceMs = clock.nowMs();
  }

  get state(): S {
    return this.#state;
  }

  /** False, and no callback, when there is no such edge. */
  to(next: S): boolean {
    const old = this.#state;
    if (old === next) return false;
    if (this.edges !== undefined && !this.edges[old].includes(next)) return false;
    const nowMs = this.clock.nowMs();
    const elapsedMs = Math.max(0, Math.round(nowMs - this.#sinceMs));
    this.#state = next;
    this.#sinceMs = nowMs;
    this.onEdge(old, next, elapsedMs);
    return true;
  }
}
