import assert from 'node:assert/strict';
import type { EngineView, EventView, FeedSnapshot } from '../../../common/console_api.js';
import { deviceProblem } from '../../../console/channel/device_problem.js';
import * as format from '../../../console/format.js';
import { filterEvents } from '../../../console/state/event_filter.js';
import { applyMessage, channelsOf, MAX_EVENTS, NOTHING, streamCounts } from '../../../console/state/node_state.js';
import { addressOf, parsePlace } from '../../../console/state/route.js';

const ENGINE: EngineView = {
  engineId: 'eng_a',
  state: 'JOINED',
  channel: 'lobby',
  userId: 'bot',
  role: 'INTERACTIVE',
  connection: 'CONNECTED',
  coreProcessId: 1,
  createdAtMs: 0,
  published: [{ kind: 'camera', state: 'PUBLISHED', fps: 15, kbps: 500 }],
  users: [],
  clients: [],
  delivered: 0,
  dropped: 0,
  roundTripMs: 0,
  lossPercent: 0,
  sample: {
    timeMs: 0,
    residentBytes: 0,
    cpuPercent: 0,
    sentKbps: 0,
    receivedKbps: 0,
    receivedFps: 0,
    sentFps: 0,
    lossPercent: 0,
    deliveredPerSecond: 0,
    droppedPerSecond: 0,
  },
};
const USER = { hasAudio: true, hasCamera: true, hasScreen: false, screen: 'IDLE', streamType: 'HIGH' };
const event = (sequence: number, name = 'onError', data = {}): EventView => ({
  engineId: 'eng_a',
  sequence,
  timeMs: 0,
  name,
  data,
});

describe('the console: what it knows', () => {
  it('a snapshot replaces everything, changes are added, engines go', () => {
    const snapshot = { node: {}, sample: {}, engines: [ENGINE], events: [event(1)] } as unknown as FeedSnapshot;
    let state = applyMessage(NOTHING, 'snapshot', snapshot);
    assert.deepEqual([state.connection, [...state.engines.keys()]], ['live', ['eng_a']]);
    state = applyMessage(state, 'engine', { ...ENGINE, state: 'LEAVING' });
    assert.equal(state.engines.get('eng_a')?.state, 'LEAVING');
    for (let n = 2; n < MAX_EVENTS + 50; n++) state = applyMessage(state, 'event', event(n));
    assert.deepEqual([state.events.length, state.events.at(-1)?.sequence], [MAX_EVENTS, MAX_EVENTS + 49]);
    state = applyMessage(state, 'gone', { engineId: 'eng_a' });
    assert.equal(state.engines.size, 0);
    state = applyMessage(state, 'bye', { reason: 'DAEMON_STOPS', message: 'the daemon stops' });
    assert.deepEqual([state.connection, state.reason], ['lost', 'the daemon stops']);
  });

  it('channels are those of live engines, with everybody that they see', () => {
    const ann = { uid: 'ann', audio: 'SUBSCRIBED', camera: 'SUBSCRIBING', ...USER };
    const other = { ...ENGINE, engineId: 'eng_b', userId: 'two', users: [ann] };
    const over = { ...ENGINE, engineId: 'eng_c', channel: 'gone', ended: { cause: 'RELEASED', detail: '' } };
    const [lobby, ...rest] = channelsOf([ENGINE, other, over, { ...ENGINE, channel: '' }]);
    assert.deepEqual([lobby?.channel, lobby?.engines.length, lobby?.people], ['lobby', 2, ['ann', 'bot', 'two']]);
    assert.deepEqual(rest, []);
    assert.deepEqual(streamCounts(other), { received: 1, sent: 1 });
  });

  it('a filter wants every word, in name or fields, and leaves statistics out', () => {
    const events = [event(1, 'onError', { text: 'Core died' }), event(2, 'onCallStats'), event(3, 'onWarning')];
    const sequences = (text: string, statistics: boolean): number[] =>
      filterEvents(events, { text, statistics }).map(({ sequence }) => sequence);
    assert.deepEqual(sequences('', false), [1, 3]);
    assert.deepEqual(sequences('', true), [1, 2, 3]);
    assert.deepEqual(sequences(' core  ERROR ', true), [1]);
    assert.deepEqual(sequences('nothing', true), []);
  });

  it('addresses of places lead back to them', () => {
    const places = [
      { view: 'overview' },
      { view: 'engine', engineId: 'eng_a' },
      { view: 'channel', channel: 'a/b ä' },
      { view: 'channel', channel: '' },
    ] as const;
    for (const place of places) assert.deepEqual(parsePlace(addressOf(place)), place);
    for (const hash of ['', '#', '#/nothing', '#/engines', '#/engines/%ff'])
      assert.deepEqual(parsePlace(hash), { view: 'overview' }, hash);
  });

  it('figures are for people', () => {
    assert.deepEqual([12_345, 1_250_000, 99_000_000, 2_345_000_000].map(format.bytes), [
      '12 kB',
      '1.3 MB',
      '99 MB',
      '2.35 GB',
    ]);
    assert.deepEqual([0, 999.4, 1000, 25_000].map(format.bitRate), [
      '0 kbit/s',
      '999 kbit/s',
      '1.00 Mbit/s',
      '25.0 Mbit/s',
    ]);
    assert.deepEqual([0, 4.25, 12.5].map(format.perCent), ['0 %', '4.3 %', '13 %']);
    assert.deepEqual([1_000, 61_000, 3_700_000, 200_000_000].map(format.duration), [
      '1 s',
      '1 min 1 s',
      '1 h 1 min',
      '2 d 7 h',
    ]);
    assert.equal(format.callbackName('onError'), 'OnError');
    assert.equal(format.fieldsText({ a: 1, b: 'x', c: { d: true } }), 'a 1 · b x · c {"d":true}');
    assert.deepEqual(
      [format.plural(1, 'engine'), format.plural(12_345, 'engine')],
      ['1 engine', '12\u202f345 engines'],
    );
  });

  it('says why a camera does not start, also when the browser says something new', () => {
    assert.match(deviceProblem(Object.assign(new Error('x'), { name: 'NotAllowedError' })), /not allowed to use it/);
    assert.equal(deviceProblem(new Error('Something odd.')), 'Something odd');
  });
});
