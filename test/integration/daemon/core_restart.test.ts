import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { AlirtcClient, ConnectionStatus, EndCause, EngineState, ErrorCode, VideoTrack } from '../../../client/index.js';
import type { AlirtcEvent, Engine } from '../../../client/index.js';
import { COMMANDS } from '../../../coreservice/ipc/commands.js';
import { CoreRestartMode } from '../../../gen/alirtc/v1/engine.js';
import { CoreRestartStep } from '../../../gen/alirtc/v1/events.js';
import { eventually } from '../../support/eventually.js';
import type { RecordedCommand } from '../../support/scripted_core/scripted_cores.js';
import { within } from '../../support/scripted_core/scripted_cores.js';
import { Scene } from './scene.js';

const MISBEHAVING = fileURLToPath(new URL('../../support/misbehaving_core/', import.meta.url));
const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(COMMANDS).map(([name, { number }]) => [number, name]),
);

/** A command by its name, without what is about the process or secret. */
function plain({ command }: RecordedCommand): [name: string, fields: Record<string, unknown>] {
  const { Command, alirtcd, token, logPath, extra, ...fields } = command;
  void [alirtcd, token, logPath, extra];
  return [NAMES.get(Command) ?? String(Command), fields];
}

/** The steps of restarts among the events, by name. */
function stepsOf(events: readonly AlirtcEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'coreRestart' ? [CoreRestartStep[event.value.step] ?? ''] : []));
}

/** Collects the events of an engine. */
class Events {
  readonly all: AlirtcEvent[] = [];
  readonly ended: Promise<void>;

  constructor(engine: Engine) {
    const stream = engine.events({ fromSequence: 1 });
    this.ended = (async () => {
      for await (const event of stream) this.all.push(event);
    })();
  }

  async step(step: CoreRestartStep, count = 1, timeoutMs = 20_000): Promise<void> {
    const name = CoreRestartStep[step] ?? '';
    await eventually(() => {
      const seen = stepsOf(this.all);
      return seen.filter((one) => one === name).length >= count ? undefined : `${name} among ${seen.join(', ')}`;
    }, timeoutMs);
  }
}

const COMPLETE = [
  'LOST',
  'WAITING',
  'STARTING',
  'SETTINGS_REPLAYED',
  'REJOINING',
  'REJOINED',
  'REPUBLISHED',
  'RESUBSCRIBED',
  'COMPLETED',
];

describe('a core process that dies, on a scripted core', function () {
  this.timeout(60_000);
  let scene: Scene;
  let client: AlirtcClient;
  before(async () => {
    scene = await Scene.start({ flags: ['--core-service', `${MISBEHAVING}dies_when_restarted.mjs`] });
    client = await AlirtcClient.connect(scene.daemon.target);
  });
  afterEach(() => scene.cores.forget());
  after(async () => {
    client.close();
    await scene.close();
  });

  it('is replaced by one that is told how the engine was created, every setting, the join, and what was published and subscribed', async () => {
    const { engineId, core, created } = await scene.engine();
    const engine = client.engine(engineId);
    const events = new Events(engine);
    await engine.setParameter({ data: { enablePubDataChannel: true } });
    await engine.setParameter({ data: { enableSubDataChannel: true } });
    await engine.setAudioProfile(3, 2);
    await engine.setVideoEncoderConfiguration({ dimensions: { width: 320, height: 240 }, frameRate: 10 });
    await engine.setScreenShareEncoderConfiguration({ frameRate: 7 });
    await engine.setExternalVideoSource(true);
    await engine.setExternalAudioSource(true, { sampleRateHz: 16_000, channels: 1 });
    await engine.setExternalAudioPublishVolume(80);
    await engine.setExternalAudioPublishVolume(40);
    await engine.setVideoCallbackPeriod(200);
    await engine.setRemoteDefaultVideoStreamType(2);
    await engine.setClientRole(1, { wait: false });
    await engine.publishLocalDualStream(true, { wait: false });
    await engine.setPeriodForCheckPeople(3);
    await engine.leaveOnceNoStreamer(true);
    await scene.join(engineId, { communication: false });
    await engine.publishLocalVideoStream(true);
    await engine.publishScreenShareStream(true);
    await engine.publishLocalAudioStream(false, { wait: false });
    await engine.subscribeRemoteAudioStream('anna', true, { wait: false });
    await engine.subscribeRemoteVideoStream('anna', VideoTrack.BOTH, true, { wait: false });
    await engine.subscribeRemoteVideoStream('anna', VideoTrack.SCREEN, false, { wait: false });
    await engine.setRemoteVideoStreamType('anna', 2);
    await engine.muteLocalMic(true);
    await engine.muteLocalCamera(true);
    await core.command('MUTE_LOCAL_CAMERA');
    const first = core.commands.filter(({ command }) => command.Command === COMMANDS.CREATE_RTC_ENGINE.number);

    const next = scene.cores.next();
    process.kill(created.coreProcessId, 'SIGKILL');
    const second = await next;
    await events.step(CoreRestartStep.COMPLETED);
    const told = second.commands.map(plain);
    const setting = (name: string) => told.filter(([one]) => one === name).map(([, fields]) => fields);
    assert.deepEqual(
      told.map(([name]) => name),
      [
        'CREATE_RTC_ENGINE',
        'SET_PARAMETER',
        'SET_PARAMETER',
        'SET_PARAMETER',
        'SET_AUDIO_PROFILE',
        'SET_VIDEO_ENCODER_CONFIGURATION',
        'SET_SCREEN_SHARE_ENCODER_CONFIGURATION',
        'SET_EXTERNAL_VIDEO_SOURCE',
        'SET_EXTERNAL_AUDIO_SOURCE',
        'SET_EXTERNAL_AUDIO_PUBLISH_VOLUME',
        'SET_VIDEO_CALLBACK_PERIOD',
        'SET_REMOTE_DEFAULT_VIDEO_STREAM_TYPE',
        'SET_CLIENTROLE',
        'PUBLISH_LOCAL_DUAL_STREAM',
        'LEAVE_ONCE_NO_STREAMER',
        'PUBLISH_LOCAL_VIDEO_STREAM',
        'PUBLISH_LOCAL_AUDIO_STREAM',
        'MUTE_LOCAL_MIC',
        'MUTE_LOCAL_CAMERA',
        'GET_REMAIN_DATA_BUFFER_SIZE',
        'GET_SDK_VERSION',
        // The demand of streams comes when the work before is done.
        'SET_PARAMETER',
        'JOIN_CHANNEL_V2',
        'SET_PERIOD_FOR_CHECK_PEOPLE',
        'PUBLISH_LOCAL_VIDEO_STREAM',
        'PUBLISH_SCREEN_SHARE_STREAM',
        'PUBLISH_LOCAL_AUDIO_STREAM',
        'SUBSCRIBE_REMOTE_VIDEO_STREAM',
        'SUBSCRIBE_REMOTE_VIDEO_STREAM',
        'SET_REMOTE_VIDEO_STREAM_TYPE',
        'GET_NEED_TEST_CYCLE_ROUND',
        'SUBSCRIBE_REMOTE_AUDIO_STREAM',
      ],
    );
    assert.deepEqual(second.of('CREATE_RTC_ENGINE')[0]?.command, first[0]?.command);
    assert.deepEqual(
      setting('SET_PARAMETER')
        .slice(0, 3)
        .map(({ param }) => param),
      [
        '{"alirtcd":{"credits":true,"pictureRing":true}}',
        '{"data":{"enablePubDataChannel":true}}',
        '{"data":{"enableSubDataChannel":true}}',
      ],
    );
    assert.deepEqual(setting('SET_EXTERNAL_AUDIO_PUBLISH_VOLUME'), [{ volume: 40 }]);
    assert.deepEqual(setting('SET_VIDEO_CALLBACK_PERIOD'), [{ period: 200 }]);
    assert.deepEqual(setting('SET_CLIENTROLE'), [{ role: 0 }]);
    assert.deepEqual(setting('PUBLISH_LOCAL_AUDIO_STREAM'), [{ enable: false }, { enable: false }]);
    assert.deepEqual(setting('SUBSCRIBE_REMOTE_VIDEO_STREAM'), [
      { uid: 'anna', videoTrack: 3, sub: true },
      { uid: 'anna', videoTrack: 2, sub: false },
    ]);
    // The same join, with a token that was made for it anew.
    const joins = [core, second].map((one) => one.of('JOIN_CHANNEL_V2')[0]?.command ?? {});
    assert.deepEqual({ ...joins[1], alirtcd: undefined }, { ...joins[0], alirtcd: undefined });
    const tokens = joins.map(
      (join) => ((join as { alirtcd?: { token?: string } }).alirtcd?.token ?? '').split('.').length,
    );
    assert.deepEqual(tokens, [3, 3]);

    assert.deepEqual(stepsOf(events.all), COMPLETE);
    assert.equal(events.all.filter(({ type }) => type === 'onJoinChannelResult').length, 1);
    const snapshot = await engine.snapshot();
    assert.deepEqual([snapshot?.state, snapshot?.channel, snapshot?.userId], [EngineState.JOINED, 'room', 'bot']);
    await engine.release();
  });

  it('is told in order: the error, the state, the connection, then each step with its facts', async () => {
    const { engineId, created } = await scene.joined();
    const engine = client.engine(engineId);
    const events = new Events(engine);
    await eventually(() => (events.all.length > 3 ? undefined : 'no events yet'));
    const before = events.all.length;
    const killedAtUs = Date.now() * 1000;
    process.kill(created.coreProcessId, 'SIGKILL');
    await events.step(CoreRestartStep.COMPLETED);
    const told = events.all.slice(before);
    assert.deepEqual(
      told.filter(({ type }) => !type.endsWith('PublishStateChanged')).map(({ type }) => type),
      [
        'onError',
        'engineStateChanged',
        'onConnectionStatusChanged',
        ...COMPLETE.slice(0, 5).map(() => 'coreRestart'),
        'engineStateChanged',
        ...COMPLETE.slice(5).map(() => 'coreRestart'),
      ],
    );
    const [error, , connection] = told;
    assert.ok(error?.type === 'onError' && error.value.errorCode === ErrorCode.NETWORK_DISCONNECT);
    assert.ok(error.timeUs - killedAtUs < 1_000_000, `told after ${(error.timeUs - killedAtUs) / 1000} ms`);
    assert.ok(
      connection?.type === 'onConnectionStatusChanged' && connection.value.status === ConnectionStatus.RECONNECTING,
    );
    const states = told.flatMap((event) => (event.type === 'engineStateChanged' ? [event.value.newState] : []));
    assert.deepEqual(states, [EngineState.RESTARTING, EngineState.JOINED]);
    const steps = told.flatMap((event) => (event.type === 'coreRestart' ? [event.value] : []));
    assert.deepEqual([steps[0]?.coreProcessId, steps[0]?.attempt], [created.coreProcessId, 0]);
    assert.match(steps[0]?.text ?? '', /SIGKILL/);
    assert.deepEqual([steps[1]?.attempt, steps[1]?.delayMs], [1, 100]);
    const rejoined = steps.find(({ step }) => step === CoreRestartStep.REJOINED);
    assert.deepEqual([rejoined?.channel, rejoined?.userId], ['room', 'bot']);
    assert.notEqual(rejoined?.coreProcessId, created.coreProcessId);
    assert.ok(steps.every(({ elapsedMs }, index) => elapsedMs >= (steps[index - 1]?.elapsedMs ?? 0)));
    await engine.release();
  });

  it('leaves settings, refuses what needs the core by name, and keeps what is set meanwhile', async () => {
    const { engineId, created } = await scene.joined();
    const engine = client.engine(engineId);
    const events = new Events(engine);
    const next = scene.cores.next();
    process.kill(created.coreProcessId, 'SIGKILL');
    await events.step(CoreRestartStep.LOST);
    await engine.setExternalAudioPublishVolume(17);
    const subscribed = engine.subscribeRemoteAudioStream('anna', true, { wait: false }).then(
      () => 'OK',
      (error: { reason?: string }) => error.reason,
    );
    // It is one or the other, by what was quicker.
    assert.match(String(await subscribed), /^(CORE_RESTARTING|OK)$/);
    const second = await next;
    await second.command('SET_EXTERNAL_AUDIO_PUBLISH_VOLUME', ({ command }) => command['volume'] === 17);
    await events.step(CoreRestartStep.COMPLETED);
    await engine.release();
  });

  it('is left behind by LeaveChannel in the middle of the restart: OnLeaveChannelResult comes, and nothing is joined', async () => {
    const { engineId, created } = await scene.joined();
    const engine = client.engine(engineId);
    const events = new Events(engine);
    process.kill(created.coreProcessId, 'SIGKILL');
    await events.step(CoreRestartStep.LOST);
    await engine.leaveChannel();
    await events.step(CoreRestartStep.COMPLETED);
    await eventually(async () => ((await engine.snapshot())?.state === EngineState.READY ? undefined : 'not ready'));
    assert.equal(events.all.filter(({ type }) => type === 'onLeaveChannelResult').length, 1);
    await scene.join(engineId);
    await engine.release();
  });

  it('is released in the middle of the restart, and leaves no process', async () => {
    const { engineId, created } = await scene.joined();
    const engine = client.engine(engineId);
    const events = new Events(engine);
    process.kill(created.coreProcessId, 'SIGKILL');
    await events.step(CoreRestartStep.LOST);
    await engine.release();
    await within('the end', events.ended);
    const last = events.all.at(-1);
    assert.ok(last?.type === 'ended' && last.value.cause === EndCause.RELEASED);
    await eventually(async () => {
      const { processes } = await client.nodeStatus();
      const cores = processes.filter(({ kind }) => kind === 'core');
      return cores.length === 0 ? undefined : `${cores.length} cores`;
    });
  });

  it('ends the engine when the client says never', async () => {
    const engine = await client.createEngine({
      coreRestart: { mode: CoreRestartMode.NEVER },
      extra: scene.cores.extra(),
    });
    const core = await scene.cores.next();
    const events = new Events(engine);
    core.exit(7);
    await within('the end', events.ended);
    assert.deepEqual(stepsOf(events.all), []);
    const last = events.all.at(-1);
    assert.ok(last?.type === 'ended' && last.value.cause === EndCause.CORE_DIED);
    assert.equal((await engine.snapshot())?.state, EngineState.FAILED);
  });

  it('that dies at once again and again ends in FAILED, with the last lines of the last one', async () => {
    const engine = await client.createEngine({
      coreServicePath: `${MISBEHAVING}dies_when_restarted.mjs`,
      coreRestart: { attempts: 3, delayMs: 20, maxDelayMs: 60 },
    });
    const events = new Events(engine);
    process.kill(engine.coreProcessId, 'SIGKILL');
    await within('the end', events.ended, 40_000);
    assert.deepEqual(stepsOf(events.all), [
      'LOST',
      ...['WAITING', 'STARTING', 'ATTEMPT_FAILED'],
      ...['WAITING', 'STARTING', 'ATTEMPT_FAILED'],
      ...['WAITING', 'STARTING', 'ATTEMPT_FAILED'],
    ]);
    const delays = events.all.flatMap((event) =>
      event.type === 'coreRestart' && event.value.step === CoreRestartStep.WAITING ? [event.value.delayMs] : [],
    );
    assert.deepEqual(delays, [20, 40, 60]);
    assert.equal(events.all.filter(({ type }) => type === 'onError').length, 1);
    const [state, ended] = events.all.slice(-2);
    assert.ok(state?.type === 'engineStateChanged' && state.value.newState === EngineState.FAILED);
    assert.ok(ended?.type === 'ended' && ended.value.cause === EndCause.CORE_DIED);
    assert.match(ended.value.detail, /restarted 3 times within 60 s/);
    assert.match(ended.value.detail, /assertion failed: restarted != true/);
    await assert.rejects(engine.getSdkVersion(), { reason: 'CORE_DIED' });
  });
});

describe('a core process that hangs', function () {
  this.timeout(60_000);

  it('is found by its silence, ended, and replaced', async () => {
    const scene = await Scene.start({ flags: ['--core-heartbeat-ms', '200', '--core-heartbeat-limit-ms', '1000'] });
    const client = await AlirtcClient.connect(scene.daemon.target);
    const { engineId, created } = await scene.joined();
    const engine = client.engine(engineId);
    const events = new Events(engine);
    const stoppedAt = performance.now();
    process.kill(created.coreProcessId, 'SIGSTOP');
    await events.step(CoreRestartStep.LOST);
    const foundMs = performance.now() - stoppedAt;
    assert.ok(foundMs > 900, `found after ${foundMs} ms`);
    console.log(`      a core that hangs was found after ${Math.round(foundMs)} ms (every 200 ms, limit 1000 ms)`);
    await events.step(CoreRestartStep.COMPLETED);
    assert.deepEqual(stepsOf(events.all), COMPLETE);
    const lost = events.all.find(({ type }) => type === 'coreRestart');
    assert.ok(lost?.type === 'coreRestart');
    assert.match(lost.value.text, /hangs: no answer to GET_SDK_VERSION in 1000 ms/);
    assert.throws(() => process.kill(created.coreProcessId, 0), { code: 'ESRCH' });
    assert.match(await engine.getSdkVersion(), /./);
    client.close();
    await scene.close();
  });
});
