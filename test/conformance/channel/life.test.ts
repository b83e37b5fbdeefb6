import { existsSync } from 'node:fs';
import {
  EndCause,
  EngineState,
  ErrorCode,
  PublishState,
  TokenFormat,
  type AlirtcEvent,
  type Engine,
} from '../../../client/index.js';
import { ERROR_NUMBERS } from '../../../common/error_codes.js';
import { ChannelScene } from '../../support/channel_scene.js';
import { eventually } from '../../support/eventually.js';
import { row, type Check } from '../support/row.js';
import { COMMUNICATION, MANUAL, PUBLISHING, daemonOfFile, joined, newUser } from './scene.js';

const ERR_JOIN_ALREADY_JOINED = 0x01010301;
const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

/** All events of an engine that has ended, from that number on. */
async function history(engine: Engine, fromSequence: number): Promise<AlirtcEvent[]> {
  const events: AlirtcEvent[] = [];
  for await (const event of engine.events({ fromSequence, signal: AbortSignal.timeout(10_000) })) events.push(event);
  return events;
}

describe('conformance: life of an engine, join and leave', () => {
  const daemon = daemonOfFile();

  row(
    'CreateAliRTCEngine starts one core process on a port of the range, Ready and listed; engines are created quickly and side by side',
    { covers: ['CreateAliRTCEngine', 'GetSdkVersion'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const range = { lowPort: 43_100, highPort: 43_900 };
      const startedAt = performance.now();
      const engines = await Promise.all([1, 2, 3].map(() => scene.client.createEngine(range)));
      check.within(performance.now() - startedAt, 0, 8000, 'three engines');
      check.equal(new Set(engines.map(({ corePort }) => corePort)).size, 3, 'ports of their own');
      check.equal(new Set(engines.map(({ coreProcessId }) => coreProcessId)).size, 3, 'processes of their own');
      const listed = (await scene.client.listEngines()).map(({ engineId }) => engineId);
      for (const engine of engines) {
        check.within(engine.corePort, range.lowPort, range.highPort, 'port');
        check.equal(isAlive(engine.coreProcessId), true);
        check.equal(listed.includes(engine.engineId), true);
        const snapshot = await engine.snapshot();
        check.equal([snapshot?.state, snapshot?.channel, snapshot?.camera], [EngineState.READY, '', PublishState.IDLE]);
        check.equal((await engine.getSdkVersion()).length > 0, true);
      }
      await Promise.all(engines.map((engine) => engine.release()));
      const left = (await scene.client.listEngines()).map(({ engineId }) => engineId);
      for (const engine of engines) {
        check.equal(left.includes(engine.engineId), false);
        check.equal(isAlive(engine.coreProcessId), false);
      }
    },
  );

  row(
    'CreateAliRTCEngine takes extra as a JSON object, or nothing, and h5mode; anything else is refused by name',
    { covers: ['CreateAliRTCEngine'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      for (const options of [
        { extra: '' },
        { extra: '{}' },
        { extra: { user_specified_video_observer_codec: '2' } },
        { h5mode: true },
      ]) {
        const engine = await scene.client.createEngine(options);
        check.equal((await engine.snapshot())?.state, EngineState.READY);
        await engine.release();
      }
      for (const extra of ['{', '[]', 'null', '1', '"text"'])
        await check.rejects(scene.client.createEngine({ extra }), { field: 'extra' });
      await check.rejects(scene.client.createEngine({ lowPort: 43_000, highPort: 42_000 }), { field: 'high_port' });
      await check.rejects(scene.client.createEngine({ lowPort: 70_000, highPort: 70_001 }), { field: 'low_port' });
      await check.rejects(scene.client.createEngine({ coreServicePath: '/bin/true' }), { field: 'core_service_path' });
    },
  );

  row(
    'Release in a channel: left first, others see it go, the last event tells the cause, no process stays; again and at once it is the same',
    { covers: ['Release', 'GetEventHandler', 'OnLeaveChannelResult', 'OnRemoteUserOffLineNotify'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const watcher = await joined(scene, 'watcher');
      const user = await joined(scene, 'user');
      await watcher.callbacks.take('online user');
      const startedAt = performance.now();
      await user.engine.release();
      check.within(performance.now() - startedAt, 0, 4000, 'the release');
      check.equal(isAlive(user.engine.coreProcessId), false);
      check.equal(await watcher.callbacks.take('offline user'), ['offline user']);
      const again = scene.client.engine(user.engine.engineId);
      await Promise.all([again.release(), again.release(), scene.client.engine(user.engine.engineId).release()]);
      check.equal(await scene.client.engine('no-such-engine').release(), undefined);
      const events = await history(again, 1);
      check.equal(
        events.slice(-3).map(({ type }) => type),
        ['engineStateChanged', 'engineStateChanged', 'ended'],
      );
      check.equal(events.filter(({ type }) => type === 'onLeaveChannelResult').length, 1);
      const last = events.at(-1);
      check.equal(last?.type === 'ended' ? last.value.cause : undefined, EndCause.RELEASED);
      check.equal((await again.snapshot())?.state, EngineState.CLOSED, 'how it ended can still be read');
      await check.rejects(again.getSdkVersion(), { reason: 'ENGINE_NOT_FOUND' });
    },
  );

  row(
    'GetEventHandler: first a snapshot that is the events added up, then numbers without gaps; resumed anywhere; beyond it OUT_OF_RANGE; ended is the last',
    { covers: ['GetEventHandler', 'Release'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const engine = await scene.engine();
      await scene.join(engine, 'user', PUBLISHING);
      const other = await joined(scene, 'other', PUBLISHING);
      await eventually(async () => {
        const snapshot = await engine.snapshot();
        const there = snapshot?.remoteUsers.length === 1 && snapshot.camera === PublishState.PUBLISHED;
        return there && snapshot.audio === PublishState.PUBLISHED ? undefined : 'not yet published and seen';
      });
      const live = engine.events();
      const first = (await live.next()).value;
      check.equal(first?.type, 'snapshot');
      const snapshot = first?.type === 'snapshot' ? first.value : undefined;
      check.equal(
        [snapshot?.state, snapshot?.channel, snapshot?.userId, snapshot?.camera, snapshot?.audio],
        [EngineState.JOINED, scene.channel, 'user', PublishState.PUBLISHED, PublishState.PUBLISHED],
      );
      check.equal(
        snapshot?.remoteUsers.map(({ uid }) => uid),
        ['other'],
      );
      await check.rejects(engine.events({ fromSequence: (first?.sequence ?? 0) + 100 }).next(), {
        reason: 'EVENTS_OUT_OF_RANGE',
      });
      await other.engine.release();
      await engine.release();
      const rest: AlirtcEvent[] = [];
      for await (const event of live) rest.push(event);
      check.equal(
        rest.map(({ sequence }) => sequence),
        rest.map((_event, index) => (first?.sequence ?? 0) + 1 + index),
        'numbers without gaps',
      );
      check.equal(rest.at(-1)?.type, 'ended');
      const whole = (await history(engine, 1)).slice(1);
      check.equal(
        whole.map(({ sequence }) => sequence),
        whole.map((_event, index) => index + 1),
      );
      check.equal(whole.slice(-rest.length), rest, 'a stream of history is the same as the live one');
      for (const from of [2, Math.floor(whole.length / 2), whole.length]) {
        const resumed = (await history(engine, from)).slice(1);
        check.equal(resumed, whole.slice(from - 1), `resumed at ${from}`);
      }
    },
  );

  row(
    'the core process dies: OnError(ERR_NETWORK_DISCONNECT) within a second, then ended with the cause',
    { covers: ['GetEventHandler', 'OnError'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const { engine, callbacks } = await joined(scene, 'user');
      const killedAtUs = Date.now() * 1000;
      process.kill(engine.coreProcessId, 'SIGKILL');
      const { event } = await callbacks.until('error ERR_NETWORK_DISCONNECT');
      check.within((event.timeUs - killedAtUs) / 1000, 0, 1000, 'until the error');
      check.equal(event.type === 'onError' ? event.value.errorCode : undefined, ErrorCode.NETWORK_DISCONNECT);
      await eventually(() => (callbacks.ended ? undefined : 'the stream goes on'));
      const last = (await history(engine, 1)).at(-1);
      check.equal(last?.type === 'ended' ? last.value.cause : undefined, EndCause.CORE_DIED);
      await check.rejects(engine.publishLocalAudioStream(true), {});
    },
  );

  row(
    'JoinChannel: accepted at once without wait, exactly one result; a second join while joining or joined is refused with 0x01010301; to another channel by leaving',
    { covers: ['JoinChannel', 'LeaveChannel', 'OnJoinChannelResult', 'OnLeaveChannelResult'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      await using elsewhere = await ChannelScene.open(daemon());
      const { engine, callbacks } = await newUser(scene);
      const { token } = await scene.client.generateToken({ channel: scene.channel, userId: 'user' });
      const options = { token, channelId: scene.channel, userId: 'user', config: { channelProfile: COMMUNICATION } };
      const refused = { reason: 'ERR_JOIN_ALREADY_JOINED', number: ERR_JOIN_ALREADY_JOINED };
      check.equal((await engine.joinChannel(options, { wait: false })).result, 0);
      await check.rejects(engine.joinChannel(options, { wait: false }), refused);
      await callbacks.take('join ERR_OK');
      for (const wait of [true, false]) await check.rejects(engine.joinChannel(options, { wait }), refused);
      check.equal(await callbacks.take(), [], 'a refusal is no callback');
      await engine.leaveChannel();
      await elsewhere.join(engine, 'user', MANUAL);
      check.equal((await engine.snapshot())?.channel, elsewhere.channel);
      const results = callbacks.lines.filter((line) => /^(join|leave)/.test(line));
      check.equal(results, ['join ERR_OK', 'leave ERR_OK', 'join ERR_OK']);
    },
  );

  row(
    'JoinChannel with a token of another channel, of another user, expired, with a wrong hash, of an unknown app: one result each, the text says what is wrong',
    { covers: ['JoinChannel', 'OnJoinChannelResult', 'GenerateToken'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const { engine, callbacks } = await newUser(scene);
      const { channel, client } = scene;
      const past = Math.floor(Date.now() / 1000) - 60;
      const tokens: [string, RegExp, string][] = [
        [(await client.generateToken({ channel: 'another', userId: 'user' })).token, /channel/, 'ERR_JOIN_BAD_TOKEN'],
        [(await client.generateToken({ channel, userId: 'another' })).token, /user/, 'ERR_JOIN_BAD_TOKEN'],
        [
          (await client.generateToken({ channel, userId: 'user', timestamp: past })).token,
          /expired/,
          'ERR_JOIN_BAD_TOKEN',
        ],
        [
          (await client.generateToken({ channel, userId: 'user', appKey: 'not-the-key-of-this-app-0123456789' })).token,
          /hash|key/,
          'ERR_JOIN_BAD_TOKEN',
        ],
        [
          (await client.generateToken({ channel, userId: 'user', appId: 'unknown', appKey: 'some-key-0123456789' }))
            .token,
          /app/,
          'ERR_JOIN_BAD_APPID',
        ],
        [
          (await client.generateToken({ channel: 'another', userId: 'user', format: TokenFormat.LIVEKIT })).token,
          /channel|room/,
          'ERR_JOIN_BAD_TOKEN',
        ],
      ];
      for (const [token, text, reason] of tokens) {
        const number = ERROR_NUMBERS[reason as keyof typeof ERROR_NUMBERS];
        const join = engine.joinChannel({ token, channelId: channel, userId: 'user' });
        await check.rejects(join, { reason, number });
        const { event } = await callbacks.until(`join ${reason}`);
        const value = event.type === 'onJoinChannelResult' ? event.value : undefined;
        check.equal([value?.result, value?.channel, value?.userId], [number, channel, 'user']);
        check.equal(text.test(value?.text ?? ''), true, `"${value?.text ?? ''}" says ${text}`);
        const results = (await callbacks.take()).filter((line) => line.startsWith('join'));
        check.equal(results, [`join ${reason}`], 'one result');
      }
      await scene.join(engine, 'user', MANUAL);
      check.equal((await engine.snapshot())?.state, EngineState.JOINED, 'none of them did harm');
    },
  );

  row(
    'JoinChannel checks ids, the display name and the token before anything else, by name',
    { covers: ['JoinChannel'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const { engine, callbacks } = await newUser(scene);
      const { token } = await scene.client.generateToken({ channel: scene.channel, userId: 'user' });
      const good = { token, channelId: scene.channel, userId: 'user', config: { channelProfile: COMMUNICATION } };
      const wrong: [Partial<typeof good> & { userName?: string }, string][] = [
        [{ channelId: 'a b' }, 'channel_id'],
        [{ channelId: 'x'.repeat(65) }, 'channel_id'],
        [{ userId: 'ü' }, 'user_id'],
        [{ userId: 'x'.repeat(65) }, 'user_id'],
        [{ userName: '名'.repeat(22) }, 'user_name'],
        [{ token: '' }, 'token'],
      ];
      for (const [fields, field] of wrong) await check.rejects(engine.joinChannel({ ...good, ...fields }), { field });
      check.equal(await callbacks.take(), []);
      await engine.joinChannel({ ...good, userName: '名'.repeat(21) });
      check.equal(
        (await callbacks.take('join ERR_OK')).filter((line) => line.startsWith('join')),
        ['join ERR_OK'],
      );
    },
  );

  row(
    'LeaveChannel: result 0 and no callback when in no channel; publishing and users end with it; a join taken back has both results',
    {
      covers: ['LeaveChannel', 'OnLeaveChannelResult', 'OnJoinChannelResult', 'OnVideoPublishStateChanged'],
      peer: 'engine',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const { engine, callbacks } = await newUser(scene);
      await engine.leaveChannel();
      await engine.leaveChannel({ wait: false });
      check.equal(await callbacks.take(), []);
      const other = await joined(scene, 'other');
      await scene.join(engine, 'user', PUBLISHING);
      await callbacks.take('publish camera PUBLISHING>PUBLISHED', 'publish audio PUBLISHING>PUBLISHED');
      await other.callbacks.take('tracks user MIC CAMERA');
      await engine.leaveChannel();
      const left = await callbacks.take('leave ERR_OK');
      check.equal(left.at(-1), 'leave ERR_OK');
      check.equal(left.filter((line) => line.endsWith('>IDLE')).length, 2);
      check.equal(await other.callbacks.take('offline user'), ['tracks user NO NO', 'offline user']);
      const snapshot = await engine.snapshot();
      check.equal(
        [snapshot?.state, snapshot?.remoteUsers, snapshot?.camera],
        [EngineState.READY, [], PublishState.IDLE],
      );
      const taken = check.rejects(scene.join(engine, 'user', MANUAL), { reason: 'ERR_JOIN_FAILED' });
      await Promise.all([taken, callbacks.until('status CONNECTING').then(() => engine.leaveChannel())]).catch(
        () => undefined,
      );
      const results = (await callbacks.take('leave ERR_OK')).filter((line) => /^(join|leave)/.test(line));
      check.equal(results.length, 2);
      check.equal(results.at(-1), 'leave ERR_OK');
    },
  );
});
