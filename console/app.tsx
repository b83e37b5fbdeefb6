import { useEffect, useRef } from 'preact/hooks';
import { Header } from './parts/header.js';
import { Notice } from './parts/notice.js';
import type { NodeState } from './state/node_state.js';
import { addressOf } from './state/route.js';
import type { Place } from './state/route.js';
import { useNode } from './state/use_node.js';
import { usePlace } from './state/use_place.js';
import { ChannelPage } from './views/channel_page.js';
import { EnginePage } from './views/engine_page.js';
import { OverviewPage } from './views/overview_page.js';

export function App() {
  const state = useNode();
  const place = usePlace();
  const main = useRef<HTMLElement>(null);
  const address = addressOf(place);
  const first = useRef(true);
  useEffect(() => {
    document.title = titleOf(place);
    // Who walks by keyboard or screen reader begins at the new view's top.
    if (!first.current) main.current?.focus({ preventScroll: true });
    if (!first.current) window.scrollTo(0, 0);
    first.current = false;
  }, [address]);
  return (
    <>
      <a
        class="skip-link"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to content
      </a>
      <Header state={state} place={place} />
      <main id="main" tabIndex={-1} ref={main}>
        {state.connection === 'lost' && <Lost state={state} />}
        <View state={state} place={place} />
      </main>
    </>
  );
}

function View({ state, place }: { state: NodeState; place: Place }) {
  if (place.view === 'channel') return <ChannelPage state={state} channel={place.channel} />;
  if (state.node === undefined) return state.connection === 'lost' ? null : <p class="quiet pad">Asking the daemon…</p>;
  if (place.view === 'engine') return <EnginePage key={place.engineId} state={state} engineId={place.engineId} />;
  return <OverviewPage state={state} node={state.node} />;
}

function Lost({ state }: { state: NodeState }) {
  return (
    <Notice kind="error" title="The daemon is gone">
      {state.reason === '' ? 'The connection was lost' : `It said: ${state.reason}`}. This page tries again every few
      seconds{state.node === undefined ? '.' : '; what stands below is the last that was known.'}
    </Notice>
  );
}

function titleOf(place: Place): string {
  if (place.view === 'engine') return `${place.engineId} · alirtcd`;
  if (place.view === 'channel') return `${place.channel === '' ? 'Join a channel' : place.channel} · alirtcd`;
  return 'alirtcd';
}
