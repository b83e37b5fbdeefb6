import assert from 'node:assert/strict';
import pino from 'pino';
import { ERROR_NUMBERS } from '../../../common/error_codes.js';
import { encodeToken, tokenHash } from '../../../common/token/alirtc_token.js';
import type { RestartPolicy } from '../../../daemon/engine/core_restart_policy.js';
import { EngineSession } from '../../../daemon/engine/engine_session.js';
import type { EngineEvent } from '../../../daemon/events/event_log.js';
import type { FrameMessage } from '../../../daemon/media/frame_message.js';
import { JoinChannelRequest } from '../../../gen/alirtc/v1/engine.js';
import { CoreRestartStep, EngineState } from '../../../gen/alirtc/v1/events.js';
import { ChannelProfile, ClientRole, ConnectionStatus } from '../../../gen/alirtc/v1/types.js';
import { FakeClock } from './fake_clock.js';
import { FakeCore } from './fake_core.js';

const never = new AbortController().signal;
const KEY = '0123456789abcdef0123456789abcdef';
const settle = () => new Promise((resolve) => setTimeout(resolve, 5));
const POLICY: RestartPolicy = { mode: 'on-crash', delayMs: 100, maxDelayMs: 1000, attempts: 3, windowMs: 60_000 };
const S = CoreRestartStep;

async function start(policy: Partial<RestartPolicy> = {}, heartbeat = { intervalMs: 0, limitMs: 0 }) {
  const clock = new FakeClock();
  const cores: FakeCore[] = [];
  const session = new EngineSession({
    engineId: 'eng_test',
    servicePath: '/core',
    foreignCore: false,
    lowPort: 1,
    highPort: 2,
    logPath: '/tmp',
    h5mode: false,
    extra: '{}',
    keys: new Map([['app', KEY]]),
    channelServers: () => ({ urls: ['ws://127.0.0.1:1'], embedded: true }),
    eventRing: 256,
    startCore: (options) => {
      const core = new FakeCore(options);
      cores.push(core);
      return Promise.resolve(core);
    },
    coreRestart: { ...POLICY, ...policy },
    heartbeat,
    leaseSeconds: 0,
    clock,
    logger: pino({ level: 'silent' }),
  });
  await session.start();
  const events: EngineEvent[] = [];
  session.log.onAppend(({ event }) => events.push(event));
  const told = (name: EngineEvent['$case']) => events.filter(({ $case }) => $case === name).map(({ value }) => value);
  const steps = () => events.flatMap((event) => (event.$case === 'coreRestart' ? [event.value.step] : []));
  const core = (index: number): FakeCore => {
    const one = cores[index];
    assert.ok(one !== undefined, `there are ${cores.length} cores`);
    return one;
  };
  /** The core dies, and the time until the next one passes. */
  const crash = async (index: number, delayMs = 100): Promise<void> => {
    core(index).die('segmentation fault');
    await settle();
    clock.advance(delayMs);
    await settle();
  };
  return { session, clock, core, cores, events, told, steps, crash };
}

async function joined(profile = ChannelProfile.COMMUNICATION, lifeS = 3600) {
  const made = await start();
  const auth = {
    appId: 'app',
    channel: 'room',
    userId: 'anna',
    nonce: '',
    timestamp: Math.floor(made.clock.nowMs() / 1000) + lifeS,
  };
  const value = encodeToken(auth, tokenHash(auth, KEY));
  const request = JoinChannelRequest.fromPartial({
    credential: { $case: 'token', value },
    channelId: 'room',
    userId: 'anna',
    config: { channelProfile: profile },
  });
  await made.session.channel.join(request, never);
  await settle();
  answerJoin(made.core(0));
  assert.equal(made.session.model.state, EngineState.JOINED);
  return made;
}

function answerJoin(core: FakeCore, joinresult = 0): void {
  core.tell('JOIN_RESULT', { joinresult, channel: 'room', userid: 'anna' });
}

describe('an engine whose core process is replaced', () => {
  it('is ready again when it was in no channel', async () => {
    const { session, steps, crash, told } = await start();
    session.settings.muteMic(true);
    await crash(0);
    assert.deepEqual(steps(), [S.LOST, S.WAITING, S.STARTING, S.SETTINGS_REPLAYED, S.COMPLETED]);
    assert.equal(session.model.state, EngineState.READY);
    assert.equal(session.coreRestarts, 1);
    assert.equal(told('onError').length, 1);
    assert.deepEqual(told('onConnectionStatusChanged'), []);
  });

  it('is not replaced while its core answers within the limit, however late', async () => {
    const { clock, core, steps, session } = await start({}, { intervalMs: 1_000, limitMs: 10_000 });
    core(0).answers = false;
    clock.advance(1_000);
    clock.advance(9_000);
    core(0).tell('SDK_VERSION', { sdkVersion: 'slow' });
    await settle();
    clock.advance(1_500);
    await settle();
    assert.deepEqual(steps(), []);
    // The question behind it is never answered.
    clock.advance(10_000);
    await settle();
    assert.equal(core(0).killed, true);
    assert.deepEqual(steps(), [S.LOST, S.WAITING]);
    await session.close();
  });

  it('joins again after the token has expired, with one that was exchanged for it anew', async () => {
    const { clock, core, crash, session } = await joined(ChannelProfile.COMMUNICATION, 60);
    clock.advance(3_600_000);
    await crash(0);
    const [join] = core(1).of('JOIN_CHANNEL_V2');
    const { token } = join?.['alirtcd'] as { token: string };
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { exp: number };
    assert.ok(claims.exp > clock.nowMs() / 1000 + 60, 'it is good for the join');
    answerJoin(core(1));
    await settle();
    assert.equal(session.model.state, EngineState.JOINED);
    assert.deepEqual([session.model.channel, session.model.userId], ['room', 'anna']);
  });

  it('tries again while the channel server cannot be reached, with the same core', async () => {
    const { clock, core, cores, crash, steps, session } = await joined();
    await crash(0);
    answerJoin(core(1), ERROR_NUMBERS.ERR_NETWORK_CONNECT_FAIL);
    await settle();
    assert.equal(steps().at(-1), S.REJOIN_FAILED);
    assert.equal(session.model.state, EngineState.RESTARTING);
    clock.advance(250);
    await settle();
    assert.equal(core(1).of('JOIN_CHANNEL_V2').length, 2);
    answerJoin(core(1));
    await settle();
    assert.deepEqual(steps().slice(-6), [
      S.REJOIN_FAILED,
      S.REJOINING,
      S.REJOINED,
      S.REPUBLISHED,
      S.RESUBSCRIBED,
      S.COMPLETED,
    ]);
    assert.equal(cores.length, 2);
  });

  it('gives the channel up when the server does not take its token, and says so by the interface', async () => {
    const { core, crash, steps, session, told } = await joined();
    await crash(0);
    answerJoin(core(1), ERROR_NUMBERS.ERR_JOIN_BAD_TOKEN);
    await settle();
    assert.deepEqual(steps().slice(-2), [S.REJOIN_FAILED, S.COMPLETED]);
    assert.equal(session.model.state, EngineState.READY);
    const numbers = told('onError').map((value) => (value as { number: number }).number);
    assert.deepEqual(numbers, [ERROR_NUMBERS.ERR_NETWORK_DISCONNECT, ERROR_NUMBERS.ERR_NETWORK_RECONNECT_FAIL]);
    const statuses = told('onConnectionStatusChanged').map((value) => (value as { status: number }).status);
    assert.deepEqual(statuses, [ConnectionStatus.RECONNECTING, ConnectionStatus.FAILED]);
    assert.equal(session.channel.current, undefined);
  });

  it('gives the channel up when the server cannot be reached for a hundred seconds', async () => {
    const { clock, core, crash, session, steps } = await joined();
    await crash(0);
    const begunMs = clock.nowMs();
    for (let tries = 0; session.model.state === EngineState.RESTARTING; tries += 1) {
      assert.ok(tries < 50);
      answerJoin(core(1), ERROR_NUMBERS.ERR_NETWORK_CONNECT_FAIL);
      await settle();
      clock.advance(10_000);
      await settle();
    }
    assert.equal(session.model.state, EngineState.READY);
    assert.ok(clock.nowMs() - begunMs > 90_000, `${clock.nowMs() - begunMs} ms`);
    assert.equal(steps().at(-1), S.COMPLETED);
  });

  it('takes the next core when one does not answer the join', async () => {
    const { clock, core, crash, steps } = await joined();
    await crash(0);
    clock.advance(11_000);
    await settle();
    assert.equal(steps().filter((step) => step === S.ATTEMPT_FAILED).length, 1);
    assert.equal(core(1).killed, true);
    clock.advance(200);
    await settle();
    answerJoin(core(2));
    await settle();
    assert.equal(steps().at(-1), S.COMPLETED);
  });

  it('takes the next core when one dies while it joins', async () => {
    const { core, crash, steps, told } = await joined();
    await crash(0);
    await crash(1, 200);
    answerJoin(core(2));
    await settle();
    assert.equal(steps().at(-1), S.COMPLETED);
    assert.equal(told('onError').length, 1);
  });

  it('leaves behind the join when LeaveChannel comes while it is being made again', async () => {
    const { core, crash, session, told } = await joined();
    await crash(0);
    const left = session.channel.leave({ engineId: '', wait: true }, never);
    answerJoin(core(1));
    await settle();
    assert.equal(core(1).of('LEAVE_CHANNEL').length, 1);
    core(1).tell('LEAVE_RESULT', { leaveresult: 0 });
    assert.deepEqual(await left, { result: 0 });
    assert.equal(told('onLeaveChannelResult').length, 1);
    assert.equal(session.model.state, EngineState.READY);
  });

  it('settles a leave that was under way, and stays out of the channel', async () => {
    const { core, crash, session, steps } = await joined();
    const left = session.channel.leave({ engineId: '', wait: true }, never);
    await crash(0);
    assert.deepEqual(await left, { result: ERROR_NUMBERS.ERR_NETWORK_DISCONNECT });
    assert.deepEqual(core(1).of('JOIN_CHANNEL_V2'), []);
    assert.equal(steps().at(-1), S.COMPLETED);
    assert.equal(session.model.state, EngineState.READY);
  });

  it('joins with the role that the old core had not taken yet, and tells it', async () => {
    const { core, crash, session, told } = await joined(ChannelProfile.INTERACTIVE_LIVE);
    const asked = session.settings.setClientRole(
      { engineId: '', clientRole: ClientRole.INTERACTIVE, wait: true },
      never,
    );
    await crash(0);
    await asked;
    assert.deepEqual(core(1).of('SET_CLIENTROLE'), [{ role: 0 }]);
    assert.deepEqual(told('onUpdateRoleNotify'), [{ oldRole: ClientRole.LIVE, newRole: ClientRole.INTERACTIVE }]);
    answerJoin(core(1));
    await settle();
    assert.equal(session.model.role, ClientRole.INTERACTIVE);
  });

  it('marks the gap in an open stream once, and goes on in its numbers', async () => {
    const { core, crash, session } = await joined();
    const written: FrameMessage[] = [];
    session.media.open(
      { kind: 'mixed', uids: new Set(), tracks: new Set(), shape: { sampleRate: 48_000, channels: 1 } },
      50,
      { write: (message, done) => void (written.push(message), done()), end: () => undefined },
    );
    const fields = { type: 0, frame_ms: 0, sample_rates: 48_000, samples: 480, channels: 1, sample_bits: 16 };
    const sound = (index: number, sequence: number): void =>
      core(index).tell('MIXED_AUDIO_FRAME', { ...fields, alirtcd: { sequence } }, Buffer.alloc(960));
    for (const sequence of [1, 2, 4]) sound(0, sequence);
    await crash(0);
    answerJoin(core(1));
    // A core that began to count before anybody listened is no loss.
    for (const sequence of [9, 10, 12]) sound(1, sequence);
    // What the old one still says is nobody's.
    sound(0, 5);
    assert.deepEqual(
      written.map(({ sequence, droppedBefore, discontinuity }) => [sequence, droppedBefore, discontinuity]),
      [
        [1, 0, false],
        [2, 0, false],
        [4, 1, false],
        [5, 0, true],
        [6, 0, false],
        [8, 1, false],
      ],
    );
  });
});
