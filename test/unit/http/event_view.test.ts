import assert from 'node:assert/strict';
import { EngineState } from '../../../gen/alirtc/v1/events.js';
import { PublishState } from '../../../gen/alirtc/v1/types.js';
import { CpuMeter } from '../../../daemon/http/cpu_meter.js';
import { eventView, isStatistics } from '../../../daemon/http/event_view.js';
import { Figures } from '../../../daemon/http/figures.js';

describe('what the console tells of events and figures', () => {
  it('names stand for numbers, zeros are told, long texts are shortened', () => {
    const state = { oldState: EngineState.READY, newState: EngineState.JOINING, reason: 'x'.repeat(1000) };
    const view = eventView('eng', { sequence: 3, timeUs: 5_999, event: { $case: 'engineStateChanged', value: state } });
    assert.deepEqual([view.engineId, view.sequence, view.timeMs, view.name], ['eng', 3, 5, 'engineStateChanged']);
    assert.equal(view.data['newState'], 'JOINING');
    assert.match(String(view.data['reason']), /^x{400}… \(1000 characters\)$/);
    const result = { result: 0, channel: 'c', userId: 'u', text: '' };
    const joined = eventView('eng', { sequence: 4, timeUs: 0, event: { $case: 'onJoinChannelResult', value: result } });
    assert.deepEqual(joined.data, { result: 0, channel: 'c', userId: 'u' });
    const published = {
      oldState: PublishState.IDLE,
      newState: PublishState.NO_PUBLISH,
      elapseSinceLastStateMs: 0,
      channel: '',
    };
    const dual = eventView('eng', {
      sequence: 5,
      timeUs: 0,
      event: { $case: 'onDualStreamPublishStateChanged', value: published },
    });
    assert.deepEqual(dual.data, { oldState: 'IDLE', newState: 'NO_PUBLISH', elapseSinceLastStateMs: 0 });
    assert.ok(isStatistics('onCallStats') && !isStatistics('onError'));
  });

  it('figures that do not come any more are forgotten', () => {
    const figures = new Figures();
    const value = {
      sentBitrateBps: 64_000,
      sentSampleRateHz: 48_000,
      channels: 1,
      inputLevel: 0,
      roundTripMs: 0,
      sentBytes: 0,
    };
    figures.apply({ $case: 'onLocalAudioStats', value }, 1_000);
    const sound = (): number | undefined => figures.published(SNAPSHOT).find(({ kind }) => kind === 'audio')?.kbps;
    figures.prune(6_000);
    assert.equal(sound(), 64);
    figures.prune(6_001);
    assert.equal(sound(), 0);
  });

  it('CPU is a share of the time between two looks', () => {
    const meter = new CpuMeter();
    assert.equal(meter.read(5_000_000, 1_000), 0);
    assert.equal(meter.read(5_500_000, 2_000), 50);
    assert.equal(meter.read(5_500_000, 2_000), 0, 'no time has passed');
    assert.equal(meter.read(10_000, 3_000), 0, 'another process');
  });
});

const SNAPSHOT = {
  engineId: 'eng',
  state: 4,
  channel: '',
  userId: '',
  role: 1,
  connectionStatus: 1,
  camera: 1,
  dual: 1,
  screen: 1,
  audio: 4,
  remoteUsers: [],
  oldestSequence: 1,
  leaseSeconds: 30,
};
