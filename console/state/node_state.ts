import type { EngineView, EventView, FeedMessages, NodeSample, NodeView } from '../../common/console_api.js';

/** All that the page knows of the node. A new object for every change. */
export interface NodeState {
  connection: 'connecting' | 'live' | 'lost';
  /** Why the connection was lost, when the daemon said it. */
  reason: string;
  node: NodeView | undefined;
  sample: NodeSample | undefined;
  /** By id, in the order of their creation. */
  engines: ReadonlyMap<string, EngineView>;
  /** Oldest first. */
  events: readonly EventView[];
}

export const MAX_EVENTS = 300;

export const NOTHING: NodeState = {
  connection: 'connecting',
  reason: '',
  node: undefined,
  sample: undefined,
  engines: new Map(),
  events: [],
};

/** The state after a message of the feed. */
export function applyMessage<E extends keyof FeedMessages>(
  state: NodeState,
  event: E,
  message: FeedMessages[E],
): NodeState {
  const apply = APPLY[event] as (state: NodeState, message: FeedMessages[E]) => NodeState;
  return apply(state, message);
}

type Appliers = { [E in keyof FeedMessages]: (state: NodeState, message: FeedMessages[E]) => NodeState };

const APPLY: Appliers = {
  snapshot: (_state, { node, sample, engines, events }) => ({
    connection: 'live',
    reason: '',
    node,
    sample,
    engines: new Map(engines.map((engine) => [engine.engineId, engine])),
    events: events.slice(-MAX_EVENTS),
  }),
  engine: (state, engine) => ({ ...state, engines: new Map(state.engines).set(engine.engineId, engine) }),
  gone: (state, { engineId }) => {
    const engines = new Map(state.engines);
    engines.delete(engineId);
    return { ...state, engines };
  },
  event: (state, event) => ({ ...state, events: [...state.events.slice(1 - MAX_EVENTS), event] }),
  sample: (state, sample) => ({ ...state, sample }),
  bye: (state, { message }) => ({ ...state, connection: 'lost', reason: message }),
};

/** A channel of this node's engines. */
export interface ChannelSummary {
  channel: string;
  engines: EngineView[];
  /** Everybody that they see, and they themselves. */
  people: string[];
}

export function channelsOf(engines: Iterable<EngineView>): ChannelSummary[] {
  const channels = new Map<string, ChannelSummary>();
  for (const engine of engines) {
    if (engine.channel === '' || engine.ended !== undefined) continue;
    const summary = channels.get(engine.channel) ?? { channel: engine.channel, engines: [], people: [] };
    summary.engines.push(engine);
    summary.people = [...new Set([...summary.people, engine.userId, ...engine.users.map(({ uid }) => uid)])].sort();
    channels.set(engine.channel, summary);
  }
  return [...channels.values()].sort((a, b) => (a.channel < b.channel ? -1 : 1));
}

/** What flows between an engine and its channel. */
export function streamCounts(engine: EngineView): { received: number; sent: number } {
  const received = engine.users.reduce(
    (sum, user) => sum + [user.audio, user.camera, user.screen].filter((state) => state === 'SUBSCRIBED').length,
    0,
  );
  return { received, sent: engine.published.filter(({ state }) => state === 'PUBLISHED').length };
}
