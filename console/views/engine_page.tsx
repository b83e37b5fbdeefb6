import type { EngineView, NodeView } from '../../common/console_api.js';
import { send } from '../api.js';
import { bytes, count, duration, perCent, words } from '../format.js';
import { Badge } from '../parts/badge.js';
import { ConfirmButton } from '../parts/confirm_button.js';
import { EngineEvents } from '../parts/engine_events.js';
import { EnginePlots } from '../parts/engine_plots.js';
import { EnginePreview } from '../parts/engine_preview.js';
import { ClientStreams, Published, Received } from '../parts/engine_streams.js';
import { Figure } from '../parts/figure.js';
import { Notice } from '../parts/notice.js';
import type { NodeState } from '../state/node_state.js';

/** One engine: its state, streams, events, a preview, the last minutes. */
export function EnginePage({ state, engineId }: { state: NodeState; engineId: string }) {
  const engine = state.engines.get(engineId);
  if (engine === undefined)
    return (
      <div class="page">
        <Notice kind="hint" title={`There is no engine ${engineId}`}>
          It was released some time ago, or belongs to another daemon. <a href="#/">All engines</a>
        </Notice>
      </div>
    );
  return (
    <div class="page">
      <Title engine={engine} node={state.node} />
      {engine.ended !== undefined && <Ended engine={engine} />}
      <EngineFigures engine={engine} />
      <div class="split">
        <Received engine={engine} />
        <EnginePreview engine={engine} />
      </div>
      <EnginePlots engine={engine} />
      <div class="halves">
        <Published engine={engine} />
        <ClientStreams engine={engine} />
      </div>
      <EngineEvents engineId={engineId} />
    </div>
  );
}

function Title({ engine, node }: { engine: EngineView; node: NodeView | undefined }) {
  const { engineId, state, channel, userId, ended } = engine;
  const path = `/api/v1/engines/${encodeURIComponent(engineId)}`;
  const canChange = node?.access === 'control' && ended === undefined;
  return (
    <div class="title">
      <div>
        <p class="crumb">
          <a href="#/">Engines</a>
        </p>
        <h1>
          <span class="id">{engineId}</span> <Badge state={ended?.cause ?? state} />
        </h1>
        <p class="quiet">
          {channel === '' ? 'in no channel' : `in channel ${channel} as ${userId}, ${roleText(engine.role)}`}
        </p>
      </div>
      <div class="title-actions">
        {channel !== '' && ended === undefined && (
          <a class="button" href={`#/channels/${encodeURIComponent(channel)}`}>
            Join {channel}
          </a>
        )}
        {canChange && channel !== '' && (
          <ConfirmButton
            text="Leave channel"
            question={`${engineId} leaves ${channel}. Its program sees it as if it had called LeaveChannel.`}
            act={() => send('POST', `${path}/leave`)}
          />
        )}
        {canChange && (
          <ConfirmButton
            text="Release"
            question={`${engineId} ends, and its core process with it. Its program cannot use it any more.`}
            act={() => send('DELETE', path)}
          />
        )}
      </div>
    </div>
  );
}

function roleText(role: string): string {
  return role === 'INTERACTIVE' ? 'a streamer' : 'audience';
}

function Ended({ engine }: { engine: EngineView }) {
  if (engine.ended === undefined) return null;
  const { cause, detail } = engine.ended;
  return (
    <Notice kind={cause === 'CORE_DIED' ? 'error' : 'hint'} title={`This engine is over: ${words(cause)}`}>
      <span class="lines">{detail}</span>
    </Notice>
  );
}

function EngineFigures({ engine }: { engine: EngineView }) {
  const { sample, dropped, delivered, roundTripMs, lossPercent, coreProcessId, createdAtMs, connection } = engine;
  return (
    <dl class="figures">
      <Figure name="Connection" value={words(connection)} note={`round trip ${roundTripMs} ms`} />
      <Figure name="Loss" value={perCent(lossPercent)} note="of received packets" />
      <Figure name="Dropped" value={count(dropped)} note={`${count(delivered)} frames delivered`} />
      <Figure name="Memory" value={bytes(sample.residentBytes)} note={`core process ${coreProcessId || 'gone'}`} />
      <Figure name="CPU" value={perCent(sample.cpuPercent)} note="of one CPU" />
      <Figure name="Age" value={duration(sample.timeMs - createdAtMs)} />
    </dl>
  );
}
