import type { NodeState } from '../state/node_state.js';
import type { Place } from '../state/route.js';

const CONNECTION = {
  connecting: { text: 'Connecting', kind: 'busy' },
  live: { text: 'Live', kind: 'good' },
  lost: { text: 'Reconnecting', kind: 'bad' },
} as const;

export function Header({ state, place }: { state: NodeState; place: Place }) {
  const { text, kind } = CONNECTION[state.connection];
  const { node } = state;
  return (
    <header class="top">
      <div class="top-inner">
        <a class="brand" href="#/">
          <Mark />
          alirtcd
        </a>
        <nav aria-label="Views">
          <a href="#/" aria-current={place.view === 'channel' ? undefined : 'page'}>
            Engines
          </a>
          <a href="#/channels/" aria-current={place.view === 'channel' ? 'page' : undefined}>
            Join a channel
          </a>
        </nav>
        <p class="where">
          {node !== undefined && (
            <span class="node-name">
              {node.hostName} <span class="quiet">{node.version}</span>
            </span>
          )}
          {node?.access === 'control' && <span class="badge badge-warn">control</span>}
          <span class={`pulse pulse-${kind}`} role="status">
            {text}
          </span>
        </p>
      </div>
    </header>
  );
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
      <rect width="32" height="32" rx="8" class="mark-ground" />
      <path d="M8 20v-8M13 23V9M18 20v-8M23 18v-4" class="mark-bars" />
    </svg>
  );
}
