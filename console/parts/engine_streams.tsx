import type { ComponentChildren } from 'preact';
import type { EngineView, PublishedView, UserView, VideoFigures } from '../../common/console_api.js';
import { bitRate, count, perCent } from '../format.js';
import { Badge } from './badge.js';
import { Panel } from './panel.js';

/** Each stream of each user in the channel. */
export function Received({ engine }: { engine: EngineView }) {
  const rows = engine.users.flatMap(streamsOf);
  return (
    <Panel title="Receives">
      {rows.length === 0 ? (
        <p class="quiet pad">
          {engine.users.length > 0
            ? `${engine.users.map(({ uid }) => uid).join(', ')} here, but nobody publishes.`
            : engine.channel === ''
              ? 'In no channel, so nobody is here.'
              : 'Nobody else is in the channel.'}
        </p>
      ) : (
        <table class="cards">
          <caption class="visually-hidden">Streams that the engine may receive</caption>
          <thead>
            <tr>
              <th scope="col">User</th>
              <th scope="col">Stream</th>
              <th scope="col">State</th>
              <th scope="col">Picture</th>
              <th scope="col" class="number">
                Rate
              </th>
              <th scope="col" class="number">
                Loss
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={`${row.uid} ${row.kind}`}>
                <th scope="row">{row.uid}</th>
                <td data-name="Stream">{row.kind}</td>
                <td data-name="State">
                  <Badge state={row.state} />
                </td>
                <td data-name="Picture">{row.picture}</td>
                <td data-name="Rate" class="number">
                  {row.kbps === undefined ? '–' : bitRate(row.kbps)}
                </td>
                <td data-name="Loss" class="number">
                  {row.lossPercent === undefined ? '–' : perCent(row.lossPercent)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

interface StreamRow {
  uid: string;
  kind: string;
  state: string;
  picture: ComponentChildren;
  kbps: number | undefined;
  lossPercent: number | undefined;
}

function streamsOf(user: UserView): StreamRow[] {
  const { uid } = user;
  const video = (kind: string, state: string, figures: VideoFigures | undefined): StreamRow => ({
    uid,
    kind,
    state,
    picture: figures === undefined ? '–' : pictureText(figures),
    kbps: figures?.kbps,
    lossPercent: figures?.lossPercent,
  });
  const audio = user.audioFigures;
  const sound: StreamRow = {
    uid,
    kind: 'microphone',
    state: user.audio,
    picture: <span class="quiet">sound</span>,
    kbps: audio?.kbps,
    lossPercent: audio?.lossPercent,
  };
  return [
    ...(user.hasCamera ? [video('camera', user.camera, user.cameraFigures)] : []),
    ...(user.hasScreen ? [video('screen', user.screen, user.screenFigures)] : []),
    ...(user.hasAudio ? [sound] : []),
  ];
}

function pictureText({ width, height, fps, frozenTimes }: VideoFigures): string {
  const size = width > 0 ? `${width}×${height}` : 'not decoded';
  const frozen = frozenTimes > 0 ? `, froze ${count(frozenTimes)}×` : '';
  return `${size}${fps > 0 ? `, ${fps} fps` : ''}${frozen}`;
}

const PUBLISHED_NAMES = { camera: 'camera', dual: 'small camera', screen: 'screen', audio: 'microphone' } as const;

/** What the engine sends. */
export function Published({ engine }: { engine: EngineView }) {
  const isOut = (one: PublishedView): boolean => one.state === 'PUBLISHED' || one.state === 'PUBLISHING';
  const sent = engine.published.filter(isOut);
  const rest = engine.published.filter((one) => !isOut(one)).map(({ kind }) => PUBLISHED_NAMES[kind]);
  return (
    <Panel title="Sends">
      {sent.length > 0 && <PublishedTable sent={sent} />}
      <p class="quiet pad">{sent.length === 0 ? 'Nothing is published.' : `Not published: ${rest.join(', ')}.`}</p>
    </Panel>
  );
}

function PublishedTable({ sent }: { sent: readonly PublishedView[] }) {
  return (
    <table class="cards">
      <caption class="visually-hidden">Streams that the engine publishes</caption>
      <thead>
        <tr>
          <th scope="col">Stream</th>
          <th scope="col">State</th>
          <th scope="col" class="number">
            Pictures
          </th>
          <th scope="col" class="number">
            Rate
          </th>
        </tr>
      </thead>
      <tbody>
        {sent.map(({ kind, state, fps, kbps }) => (
          <tr key={kind}>
            <th scope="row">{PUBLISHED_NAMES[kind]}</th>
            <td data-name="State">
              <Badge state={state} />
            </td>
            <td data-name="Pictures" class="number">
              {fps > 0 ? `${fps} fps` : '–'}
            </td>
            <td data-name="Rate" class="number">
              {kbps > 0 ? bitRate(kbps) : '–'}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const CLIENT_NAMES: Readonly<Record<string, string>> = {
  pictures: 'pictures',
  encoded: 'encoded pictures',
  audio: 'sound of each user',
  mixed: 'mixed sound',
  audioAac: 'AAC of each user',
  mixedAac: 'mixed AAC',
};

/** The frame streams that programs have open. */
export function ClientStreams({ engine }: { engine: EngineView }) {
  return (
    <Panel title="Programs read">
      {engine.clients.length === 0 ? (
        <p class="quiet pad">No program reads frames now, so nothing is decoded or mixed for one.</p>
      ) : (
        <table class="cards">
          <caption class="visually-hidden">Open frame streams</caption>
          <thead>
            <tr>
              <th scope="col">Frames</th>
              <th scope="col">Of</th>
              <th scope="col" class="number">
                Delivered
              </th>
              <th scope="col" class="number">
                Dropped
              </th>
              <th scope="col" class="number">
                Queued
              </th>
            </tr>
          </thead>
          <tbody>
            {engine.clients.map(({ kind, uids, delivered, dropped, queued }, index) => (
              <tr key={index}>
                <th scope="row">{CLIENT_NAMES[kind] ?? kind}</th>
                <td data-name="Of">{uids.length === 0 ? 'everybody' : uids.join(', ')}</td>
                <td data-name="Delivered" class="number">
                  {count(delivered)}
                </td>
                <td data-name="Dropped" class={`number ${dropped > 0 ? 'strong' : ''}`}>
                  {count(dropped)}
                </td>
                <td data-name="Queued" class="number">
                  {queued}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}
