import { useEffect, useState } from 'preact/hooks';
import type { FeedMessages } from '../../common/console_api.js';
import { openStream } from './event_source.js';
import { applyMessage, NOTHING } from './node_state.js';
import type { NodeState } from './node_state.js';

const EVENTS = ['snapshot', 'engine', 'gone', 'event', 'sample', 'bye'] as const;

/** The node, live. */
export function useNode(): NodeState {
  const [state, setState] = useState(NOTHING);
  useEffect(() => {
    const handle =
      <E extends keyof FeedMessages>(event: E) =>
      (data: string): void =>
        setState((before) => applyMessage(before, event, JSON.parse(data) as FeedMessages[E]));
    return openStream('/api/v1/stream', {
      on: Object.fromEntries(EVENTS.map((event) => [event, handle(event)])),
      // The daemon may go on where it was, without a snapshot.
      onOpen: () =>
        setState((before) => (before.node === undefined ? before : { ...before, connection: 'live', reason: '' })),
      onLost: () => setState((before) => ({ ...before, connection: 'lost' })),
    });
  }, []);
  return state;
}
