import type { EngineView } from '../../common/console_api.js';
import { bitRate, bytes, count, perCent, plural, words } from '../format.js';
import { streamCounts } from '../state/node_state.js';
import { Badge } from './badge.js';

/** The engines of the node; narrow pages show each as a card. */
export function EngineTable({ engines, caption }: { engines: readonly EngineView[]; caption: string }) {
  return (
    <table class="cards">
      <caption class="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          <th scope="col">Engine</th>
          <th scope="col">State</th>
          <th scope="col">Channel</th>
          <th scope="col">Streams</th>
          <th scope="col" class="number">
            Receives
          </th>
          <th scope="col" class="number">
            Sends
          </th>
          <th scope="col" class="number">
            Dropped
          </th>
          <th scope="col" class="number">
            Memory
          </th>
          <th scope="col" class="number">
            CPU
          </th>
        </tr>
      </thead>
      <tbody>
        {engines.map((engine) => (
          <Row key={engine.engineId} engine={engine} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ engine }: { engine: EngineView }) {
  const { engineId, state, channel, userId, users, ended, dropped } = engine;
  const { residentBytes, cpuPercent, receivedKbps, sentKbps } = engine.sample;
  const { received, sent } = streamCounts(engine);
  const isOver = ended !== undefined;
  const live = (text: string): string => (isOver ? '–' : text);
  return (
    <tr class={isOver ? 'over' : ''}>
      <th scope="row">
        <a class="id" href={`#/engines/${encodeURIComponent(engineId)}`}>
          {engineId}
        </a>
      </th>
      <td data-name="State">
        <Badge state={isOver ? ended.cause : state} text={isOver ? words(ended.cause) : words(state)} />
      </td>
      <td data-name="Channel">
        {channel === '' ? (
          <span class="quiet">none</span>
        ) : (
          <>
            {channel} <span class="quiet">as {userId}</span>
          </>
        )}
      </td>
      <td data-name="Streams">
        {isOver ? '–' : `${received} in, ${sent} out`}{' '}
        {users.length > 0 && <span class="quiet">{plural(users.length, 'user')}</span>}
      </td>
      <td data-name="Receives" class="number">
        {live(bitRate(receivedKbps))}
      </td>
      <td data-name="Sends" class="number">
        {live(bitRate(sentKbps))}
      </td>
      <td data-name="Dropped" class={`number ${dropped > 0 ? 'strong' : ''}`}>
        {count(dropped)}
      </td>
      <td data-name="Memory" class="number">
        {live(bytes(residentBytes))}
      </td>
      <td data-name="CPU" class="number">
        {live(perCent(cpuPercent))}
      </td>
    </tr>
  );
}
