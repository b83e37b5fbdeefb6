import assert from 'node:assert/strict';
import pino from 'pino';
import { encodeToken, tokenHash } from '../../../common/token/alirtc_token.js';
import { ERROR_NUMBERS } from '../../../common/error_codes.js';
import { EngineSession } from '../../../daemon/engine/engine_session.js';
import type { EngineEvent } from '../../../daemon/events/event_log.js';
import { JoinChannelRequest } from '../../../gen/alirtc/v1/engine.js';
import { EndCause, EngineState } from '../../../gen/alirtc/v1/events.js';
import { AudioFrameData, ChannelProfile, ClientRole } from '../../../gen/alirtc/v1/types.js';
import { FakeClock } from './fake_clock.js';
import { FakeCore } from './fake_core.js';

const never = new AbortController().signal;
const KEY = '0123456789abcdef0123456789abcdef';
const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

async function start(options: { foreignCore?: boolean; counts?: boolean } = {}) {
  const clock = new FakeClock();
  let core: FakeCore | undefined;
  const session = new EngineSession({
    engineId: 'eng_test',
    servicePath: '/core',
    foreignCore: options.foreignCore ?? false,
    lowPort: 1,
    highPort: 2,
    logPath: '/tmp',
    h5mode: false,
    extra: '{}',
    keys: new Map([['app', KEY]]),
    channelServers: () => ({ urls: ['ws://127.0.0.1:1'], embedded: true }),
    eventRing: 64,
    startCore: (coreOptions) => {
      core = new FakeCore(coreOptions);
      core.counts = options.counts ?? true;
      return Promise.resolve(core);
    },
    coreRestart: { mode: 'never', delayMs: 0, maxDelayMs: 0, attempts: 1, windowMs: 1 },
    leaseSeconds: 0,
    heartbeat: { intervalMs: 0, limitMs: 0 },
    clock,
    logger: pino({ level: 'silent' }),
  });
  await session.start();
  assert.ok(core !== undefined);
  const events: EngineEvent[] = [];
  session.log.onAppend(({ event }) => events.push(event));
  const told = (name: EngineEvent['$case']) => events.filter(({ $case }) => $case === name).map(({ value }) => value);
  return { session, core, clock, events, told };
}

function token(
  clock: FakeClock,
  { channel = 'room', userId = 'anna', appId = 'app', lifeS = 60, key = KEY } = {},
): string {
  const auth = { appId, channel, userId, nonce: '', timestamp: Math.floor(clock.nowMs() / 1000) + lifeS };
  return encodeToken(auth, tokenHash(auth, key));
}

function joinRequest(value: string, more: object = {}): JoinChannelRequest {
  const credential = { $case: 'token', value };
  return JoinChannelRequest.fromPartial({ credential, channelId: 'room', userId: 'anna', ...more } as object);
}

const CONFIG = { channelProfile: ChannelProfile.COMMUNICATION };

/** An engine in a channel of the communication profile. */
async function joined(options: { counts?: boolean } = {}) {
  const made = await start(options);
  await made.session.channel.join(joinRequest(token(made.clock), { config: CONFIG }), never);
  await settle();
  made.core.tell('JOIN_RESULT', { joinresult: 0, channel: 'room', userid: 'anna' });
  assert.equal(made.session.model.state, EngineState.JOINED);
  return made;
}

describe('a join', () => {
  it('has one result; a second one of the core changes nothing', async () => {
    const { core, told } = await joined();
    core.tell('JOIN_RESULT', { joinresult: 0, channel: 'room', userid: 'anna' });
    assert.deepEqual(told('onJoinChannelResult'), [{ result: 0, channel: 'room', userId: 'anna', text: '' }]);
  });

  it('times out when the core is silent, after which the engine can join again', async () => {
    const { session, core, clock, told } = await start();
    const waited = session.channel.join(joinRequest(token(clock), { wait: true }), never);
    await settle();
    clock.advance(11_000);
    await assert.rejects(waited, { class: 'deadline_exceeded', number: ERROR_NUMBERS.ERR_JOIN_TIMEOUT });
    assert.equal(told('onJoinChannelResult').length, 1);
    assert.equal(core.of('LEAVE_CHANNEL').length, 1);
    clock.advance(5_000);
    assert.equal(session.model.state, EngineState.READY);
    // The caller never was in the channel: nothing to tell of a leave.
    assert.deepEqual(told('onLeaveChannelResult'), []);
    await session.channel.join(joinRequest(token(clock)), never);
    assert.equal(session.model.state, EngineState.JOINING);
  });

  it('waits longer when it is confirmed only once a streamer is seen', async () => {
    const { session, clock, told } = await start();
    session.settings.setPeriodForCheckPeople({ engineId: '', seconds: 30 });
    await session.channel.join(joinRequest(token(clock)), never);
    await settle();
    clock.advance(40_000);
    assert.deepEqual(told('onJoinChannelResult'), []);
    clock.advance(1_000);
    assert.equal(told('onJoinChannelResult').length, 1);
  });

  it('that is taken back by a leave has its result too', async () => {
    const { session, core, clock, events } = await start();
    await session.channel.join(joinRequest(token(clock)), never);
    await session.channel.leave({ engineId: '', wait: false }, never);
    core.tell('LEAVE_RESULT', { leaveresult: 0 });
    assert.deepEqual(
      events.map(({ $case }) => $case).filter((name) => name !== 'engineStateChanged'),
      ['onJoinChannelResult', 'onLeaveChannelResult'],
    );
  });

  const WRONG: { title: string; make: (clock: FakeClock) => string; number: number; text: RegExp }[] = [
    {
      title: 'of another channel',
      make: (clock) => token(clock, { channel: 'other' }),
      number: ERROR_NUMBERS.ERR_JOIN_BAD_TOKEN,
      text: /channel_id.*other/,
    },
    {
      title: 'of another user',
      make: (clock) => token(clock, { userId: 'ben' }),
      number: ERROR_NUMBERS.ERR_JOIN_BAD_TOKEN,
      text: /user_id.*ben/,
    },
    {
      title: 'that has expired',
      make: (clock) => token(clock, { lifeS: -1 }),
      number: ERROR_NUMBERS.ERR_JOIN_BAD_TOKEN,
      text: /expired/,
    },
    {
      title: 'made with another key',
      make: (clock) => token(clock, { key: 'wrong' }),
      number: ERROR_NUMBERS.ERR_JOIN_BAD_TOKEN,
      text: /hash/,
    },
    {
      title: 'of an unknown app id',
      make: (clock) => token(clock, { appId: 'stranger' }),
      number: ERROR_NUMBERS.ERR_JOIN_BAD_APPID,
      text: /stranger/,
    },
    { title: 'that is none', make: () => '%%%', number: ERROR_NUMBERS.ERR_JOIN_BAD_TOKEN, text: /JSON/ },
    {
      title: 'of LiveKit for another room',
      make: () => `x.${Buffer.from('{"sub":"anna","video":{"room":"other"}}').toString('base64url')}.y`,
      number: ERROR_NUMBERS.ERR_JOIN_BAD_TOKEN,
      text: /channel_id.*other/,
    },
  ];
  for (const { title, make, number, text } of WRONG)
    it(`with a token ${title} is answered by the daemon, which names what is wrong`, async () => {
      const { session, core, clock, told } = await start();
      const response = await session.channel.join(joinRequest(make(clock)), never);
      assert.equal(response.result, 0);
      await settle();
      const [result] = told('onJoinChannelResult') as { result: number; text: string }[];
      assert.equal(result?.result, number);
      assert.match(result.text, text);
      assert.deepEqual(core.of('JOIN_CHANNEL_V2'), []);
      assert.equal(session.model.state, EngineState.READY);
      const waited = session.channel.join(joinRequest(make(clock), { wait: true }), never);
      await assert.rejects(waited, { class: 'unauthenticated', number });
    });

  it('passes a LiveKit token on as it is, and one of a foreign app id to a foreign core', async () => {
    const { session, core } = await start();
    const jwt = `x.${Buffer.from('{"sub":"anna","video":{"room":"room"}}').toString('base64url')}.y`;
    await session.channel.join(joinRequest(jwt), never);
    await settle();
    assert.deepEqual(core.of('JOIN_CHANNEL_V2')[0]?.['alirtcd'], { url: 'ws://127.0.0.1:1', token: jwt });
    const foreign = await start({ foreignCore: true });
    const original = token(foreign.clock, { appId: 'stranger', key: 'theirs' });
    await foreign.session.channel.join(joinRequest(original), never);
    await settle();
    const [sent] = foreign.core.of('JOIN_CHANNEL_V2');
    assert.equal(sent?.['token'], original);
    assert.equal(sent['alirtcd'], undefined);
  });
});

describe('an engine in a channel', () => {
  it('is out of it when the core says that it was removed', async () => {
    const { session, core, told } = await joined();
    core.tell('ERROR', { errorCode: ERROR_NUMBERS.ERR_LEAVE_UNUSUAL, alirtcd: { text: 'joined elsewhere' } });
    assert.equal(session.model.state, EngineState.READY);
    assert.equal((told('onError')[0] as { text: string }).text, 'joined elsewhere');
  });

  it('has left after a while also when the core does not confirm', async () => {
    const { session, clock, told } = await joined();
    const left = session.channel.leave({ engineId: '', wait: true }, never);
    clock.advance(5_000);
    assert.deepEqual(await left, { result: ERROR_NUMBERS.ERR_NETWORK_TIMEOUT });
    assert.equal(told('onLeaveChannelResult').length, 1);
  });

  it('refuses a push that does not fit, and keeps nothing of it', async () => {
    const { session, core, told } = await joined();
    session.push.declareAudio({ engineId: '', enable: true, sampleRateHz: 8000, channelsPerFrame: 1 });
    const chunk = AudioFrameData.fromPartial({ data: Buffer.alloc(1600) });
    session.push.pushAudio(chunk, 'frame.data');
    session.push.pushAudio(chunk, 'frame.data');
    assert.throws(() => session.push.pushAudio(chunk, 'frame.data'), { reason: 'ERR_AUDIO_BUFFER_FULL' });
    assert.equal(core.of('PUSH_AUDIO_FRAME').length, 2);
    const consumed = { audioConsumedMs: 100, cameraConsumed: 0, screenConsumed: 0 };
    core.tell('REMAIN_BUFFER', { audioBufferSize: 100, videoBufferSize: 0, alirtcd: consumed });
    assert.deepEqual(told('onPushAudioFrameBufferFull'), [{ isFull: true }, { isFull: false }]);
  });

  it('keeps no room for what a push stream had not handed over when the channel was left', async () => {
    const { session, core } = await joined();
    session.push.declareAudio({ engineId: '', enable: true, sampleRateHz: 8000, channelsPerFrame: 1 });
    const chunk = AudioFrameData.fromPartial({ data: Buffer.alloc(1600) });
    session.push.pushAudio(chunk, 'frame.data');
    session.push.pushAudio(chunk, 'frame.data');
    const stream = new AbortController();
    const waiting = session.push.streamAudio(chunk, stream.signal);
    await settle();
    void session.channel.leave({ engineId: '', wait: false }, never);
    // What leaves clears the core's queue.
    const consumed = { audioConsumedMs: 200, cameraConsumed: 0, screenConsumed: 0 };
    core.tell('REMAIN_BUFFER', { audioBufferSize: 0, videoBufferSize: 0, alirtcd: consumed });
    await settle();
    assert.equal(core.of('PUSH_AUDIO_FRAME').length, 2);
    assert.equal(session.push.audio.queued, 0);
    stream.abort(new Error('the client is gone'));
    await assert.rejects(waiting, /cancelled while waiting for a channel/);
  });

  it('passes on the edges of a core that does not count', async () => {
    const { session, core, told } = await joined({ counts: false });
    session.push.declareAudio({ engineId: '', enable: true, sampleRateHz: 8000, channelsPerFrame: 1 });
    const chunk = AudioFrameData.fromPartial({ data: Buffer.alloc(1600) });
    for (let at = 0; at < 10; at += 1) session.push.pushAudio(chunk, 'frame.data');
    core.tell('AUDIO_BUFFER_FULL', { success: true });
    assert.throws(() => session.push.pushAudio(chunk, 'frame.data'), { reason: 'ERR_AUDIO_BUFFER_FULL' });
    core.tell('AUDIO_BUFFER_FULL', { success: false });
    session.push.pushAudio(chunk, 'frame.data');
    assert.deepEqual(told('onPushAudioFrameBufferFull'), [{ isFull: true }, { isFull: false }]);
  });

  it('may not publish as audience', async () => {
    const { session, core, clock } = await start();
    await session.channel.join(joinRequest(token(clock)), never);
    core.tell('JOIN_RESULT', { joinresult: 0, channel: 'room', userid: 'anna' });
    const publish = () => session.publishing.publish('camera', { enabled: true, wait: false }, never);
    await assert.rejects(publish(), { reason: 'ERR_PUBLISH_AUDIENCE', number: 0x0103030d });
    await session.settings.setClientRole({ engineId: '', clientRole: ClientRole.INTERACTIVE, wait: false }, never);
    core.tell('ROLE_UPDATE', { oldRole: 1, newRole: 0 });
    await publish();
    assert.equal(core.of('PUBLISH_LOCAL_VIDEO_STREAM').length, 1);
  });
});

describe('an engine in no channel', () => {
  it('refuses to publish a screen, to subscribe, and to wait for publishing', async () => {
    const { session } = await start();
    const request = { enabled: true, wait: false };
    await assert.rejects(session.publishing.publish('screen', request, never), {
      reason: 'ERR_PUBLISH_NOT_JOIN_CHANNEL',
    });
    await assert.rejects(session.publishing.publish('camera', { enabled: true, wait: true }, never), {
      reason: 'ERR_PUBLISH_NOT_JOIN_CHANNEL',
    });
    const subscribe = session.subscribing.subscribeAudio({ engineId: '', uid: 'ben', sub: true, wait: false }, never);
    await assert.rejects(subscribe, { reason: 'ERR_SUBSCRIBE_NOT_JOIN_CHANNEL' });
  });

  it('takes and drops what is pushed, once the source is declared', async () => {
    const { session, core } = await start();
    const chunk = AudioFrameData.fromPartial({ data: Buffer.alloc(1600) });
    assert.throws(() => session.push.pushAudio(chunk, 'frame.data'), { class: 'failed_precondition' });
    session.push.declareAudio({ engineId: '', enable: true, sampleRateHz: 8000, channelsPerFrame: 1 });
    for (let at = 0; at < 10; at += 1) session.push.pushAudio(chunk, 'frame.data');
    assert.deepEqual(core.of('PUSH_AUDIO_FRAME'), []);
  });

  it('leaves without anything happening', async () => {
    const { session, core, events } = await start();
    assert.deepEqual(await session.channel.leave({ engineId: '', wait: true }, never), { result: 0 });
    assert.deepEqual([core.of('LEAVE_CHANNEL').length, events.length], [0, 0]);
  });
});

describe('the end of an engine', () => {
  it('leaves first, ends the core, then tells its cause as the last event', async () => {
    const { session, core, told, events } = await joined();
    const closed = session.close();
    core.tell('LEAVE_RESULT', { leaveresult: 0 });
    await closed;
    assert.equal(core.closed, true);
    assert.equal(told('onLeaveChannelResult').length, 1);
    assert.deepEqual(events.at(-1)?.value, { cause: EndCause.RELEASED, detail: 'Release was called' });
    assert.equal(session.model.state, EngineState.CLOSED);
  });

  it('is told, and ends the streams, before what is left of a core that hung up has been reaped', async () => {
    const { session, core, told } = await start();
    let reap!: () => void;
    core.reaped = new Promise((resolve) => (reap = resolve));
    const selection = { kind: 'mixed' as const, uids: new Set<string>(), tracks: new Set<number>() };
    const ended = new Promise<Error | undefined>((resolve) => {
      session.media.open({ ...selection, shape: { sampleRate: 48_000, channels: 1 } }, 1, {
        write: (_message, done) => done(),
        end: resolve,
      });
    });
    core.die('it closed the connection');
    assert.match(String(await ended), /closed the connection/);
    assert.equal(told('onError').length, 1);
    assert.equal(told('ended').length, 0);
    assert.throws(() => session.settings.muteMic(true), { reason: 'CORE_DIED', remedy: 'create a new engine' });
    reap();
    await session.done;
    assert.equal(told('ended').length, 1);
  });

  it('is told as an error at once when the core dies, also to who waits for something', async () => {
    const { session, core, clock, told, events } = await start();
    const waited = session.channel.join(joinRequest(token(clock), { wait: true }), never);
    core.die('core service /core died: segmentation fault');
    await assert.rejects(waited, { number: ERROR_NUMBERS.ERR_NETWORK_DISCONNECT });
    await session.done;
    assert.equal((told('onError')[0] as { number: number }).number, ERROR_NUMBERS.ERR_NETWORK_DISCONNECT);
    assert.equal(told('onJoinChannelResult').length, 1);
    const ended = events.at(-1)?.value as { cause: EndCause; detail: string };
    assert.equal(ended.cause, EndCause.CORE_DIED);
    assert.match(ended.detail, /segmentation fault/);
    assert.throws(() => session.settings.muteMic(true), { class: 'unavailable' });
  });
});
