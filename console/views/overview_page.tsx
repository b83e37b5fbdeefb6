import type { EngineView, NodeView } from '../../common/console_api.js';
import { bytes, duration, perCent, plural } from '../format.js';
import { EngineTable } from '../parts/engine_table.js';
import { EventList } from '../parts/event_list.js';
import { Figure } from '../parts/figure.js';
import { Panel } from '../parts/panel.js';
import { channelsOf } from '../state/node_state.js';
import type { ChannelSummary, NodeState } from '../state/node_state.js';

/** The node at a glance: figures, engines, channels, what happens. */
export function OverviewPage({ state, node }: { state: NodeState; node: NodeView }) {
  const engines = [...state.engines.values()];
  const live = engines.filter(({ ended }) => ended === undefined);
  const channels = channelsOf(live);
  return (
    <div class="page">
      <h1 class="visually-hidden">Engines of {node.hostName}</h1>
      <NodeFigures state={state} node={node} liveEngines={live.length} />
      <Panel
        title="Engines"
        aside={
          <span class="quiet">
            {plural(live.length, 'engine')} of {node.maxEngines}
          </span>
        }
      >
        {live.length === 0 ? <NoEngines /> : <EngineTable engines={live} caption="Engines of this node" />}
        <Ended engines={engines.filter(({ ended }) => ended !== undefined)} />
      </Panel>
      {channels.length > 0 && <Channels channels={channels} tokens={node.tokens} />}
      <Panel title="Live events" aside={<span class="quiet">all engines, without statistics</span>}>
        <EventList
          events={state.events}
          withEngine
          label="Live events of all engines"
          empty="Nothing has happened yet. Events appear here as engines start, join and meet others."
        />
      </Panel>
    </div>
  );
}

function NodeFigures({ state, node, liveEngines }: { state: NodeState; node: NodeView; liveEngines: number }) {
  const { sample } = state;
  if (sample === undefined) return null;
  const cpu = sample.daemonCpuPercent + sample.channelServerCpuPercent + sample.coresCpuPercent;
  return (
    <dl class="figures">
      <Figure name="Engines" value={liveEngines} note={`at most ${node.maxEngines}`} />
      <Figure name="CPU" value={perCent(cpu)} note={`of one; cores ${perCent(sample.coresCpuPercent)}`} />
      <Figure
        name="Core memory"
        value={bytes(sample.coresBytes)}
        note={liveEngines === 0 ? 'no core runs' : `${bytes(sample.coresBytes / Math.max(1, liveEngines))} an engine`}
      />
      <Figure
        name="Daemon memory"
        value={bytes(sample.daemonBytes)}
        note={sample.channelServerBytes === 0 ? undefined : `server ${bytes(sample.channelServerBytes)}`}
      />
      <Figure name="Up" value={duration(sample.timeMs - node.startedAtMs)} note={`process ${node.processId}`} />
      <Figure
        name="Channel server"
        wide
        value={<span class="url">{node.channelServerUrl === '' ? 'none' : node.channelServerUrl}</span>}
        note={node.channelServerEmbedded ? 'embedded' : 'of the operator'}
      />
    </dl>
  );
}

/** Engines that are over stay for a while, so that one sees why. */
function Ended({ engines }: { engines: readonly EngineView[] }) {
  if (engines.length === 0) return null;
  return (
    <details class="ended">
      <summary>{plural(engines.length, 'engine')} ended lately</summary>
      <EngineTable engines={engines} caption="Engines that ended lately" />
    </details>
  );
}

function NoEngines() {
  return (
    <div class="empty">
      <p class="empty-title">No engines</p>
      <p>
        An engine is one virtual user in one channel. Programs create them over gRPC; from a shell, play a file into a
        channel:
      </p>
      <pre>
        <code>dist/bin/alirtc.mjs play --channel lobby --user dj film.mp4</code>
      </pre>
    </div>
  );
}

function Channels({ channels, tokens }: { channels: ChannelSummary[]; tokens: boolean }) {
  return (
    <Panel title="Channels">
      <ul class="channel-list">
        {channels.map(({ channel, engines, people }) => (
          <li key={channel}>
            <div>
              <strong class="id">{channel}</strong>
              <span class="quiet">
                {plural(engines.length, 'engine')} · {people.join(', ')}
              </span>
            </div>
            <a class={`button ${tokens ? 'button-main' : ''}`} href={`#/channels/${encodeURIComponent(channel)}`}>
              Join <span class="visually-hidden">{channel} </span>beside {people.length === 1 ? 'it' : 'them'}
            </a>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
