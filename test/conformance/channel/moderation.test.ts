import { EngineServiceService } from '../../../gen/alirtc/v1/engine.js';
import { ClientRole, EngineState, ErrorCode } from '../../../client/index.js';
import { ERROR_NUMBERS } from '../../../common/error_codes.js';
import { ChannelScene } from '../../support/channel_scene.js';
import { row, type Check } from '../support/row.js';
import { LIVE, MANUAL, daemonOfFile, joined, newUser, type User } from './scene.js';

const { INTERACTIVE, LIVE: AUDIENCE } = ClientRole;
const CONFIG = { channelProfile: LIVE, ...MANUAL };
const JOINED_LINES = ['status CONNECTING', 'status CONNECTED', 'join ERR_OK'];
/** A join without waiting for anybody takes less than this, on a busy machine. */
const QUICK_MS = 900;

/** Joins without waiting; resolves with the milliseconds until the result and the callbacks. */
async function timedJoin(
  scene: ChannelScene,
  user: User,
  uid: string,
  timeoutMs = 12_000,
): Promise<{ ms: number; lines: string[] }> {
  const startedAt = performance.now();
  const failed = await scene.join(user.engine, uid, CONFIG).then(
    () => false,
    () => true,
  );
  await user.callbacks.until(failed ? 'join -1' : 'join ERR_OK', timeoutMs);
  const ms = performance.now() - startedAt;
  return { ms, lines: await user.callbacks.take() };
}

describe('conformance: moderation helpers', () => {
  const daemon = daemonOfFile();

  row(
    'SetPeriodForCheckPeople(1) and nobody there: OnError(ERR_NO_PEOPLE) and OnJoinChannelResult(-1) after a second; audience is nobody; the engine is out and may join again',
    { covers: ['SetPeriodForCheckPeople', 'OnError', 'OnJoinChannelResult'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      await joined(scene, 'somebody', CONFIG);
      const user = await newUser(scene);
      await user.engine.setPeriodForCheckPeople(1);
      const { ms, lines } = await timedJoin(scene, user, 'user');
      check.within(ms, 950, 1000 + QUICK_MS, 'until the result');
      check.equal(lines, ['status CONNECTING', 'error ERR_NO_PEOPLE', 'status FAILED', 'join -1']);
      const error = user.callbacks.all.find(({ line }) => line.startsWith('error'))?.event;
      check.equal(error?.type === 'onError' ? error.value.errorCode : undefined, ErrorCode.NO_PEOPLE);
      const snapshot = await user.engine.snapshot();
      check.equal([snapshot?.state, snapshot?.channel], [EngineState.READY, '']);
      await check.rejects(user.engine.publishLocalAudioStream(true), { reason: 'ERR_PUBLISH_NOT_JOIN_CHANNEL' });
      await user.engine.setPeriodForCheckPeople(0);
      check.equal((await timedJoin(scene, user, 'user')).lines, JOINED_LINES);
    },
  );

  row(
    'SetPeriodForCheckPeople with a streamer there: the join is confirmed at once, and then the streamer is told',
    { covers: ['SetPeriodForCheckPeople', 'OnJoinChannelResult'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      await joined(scene, 'streamer', CONFIG, INTERACTIVE);
      const user = await newUser(scene);
      await user.engine.setPeriodForCheckPeople(5);
      const { ms, lines } = await timedJoin(scene, user, 'user');
      check.within(ms, 0, QUICK_MS, 'until the result');
      check.equal(lines, [...JOINED_LINES, 'online streamer']);
      await check.rejects(user.engine.setPeriodForCheckPeople(1), { reason: 'ERR_SDK_INVALID_STATE' });
    },
  );

  row(
    'SetPeriodForCheckPeople: a streamer that comes while it waits, and audience that becomes one, confirm the join at that moment',
    {
      covers: ['SetPeriodForCheckPeople', 'OnJoinChannelResult', 'SetClientRole'],
      peer: 'engine and @livekit/rtc-node',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const listener = await joined(scene, 'listener', CONFIG);
      const first = await newUser(scene);
      await first.engine.setPeriodForCheckPeople(8);
      const join = timedJoin(scene, first, 'first');
      await first.callbacks.until('status CONNECTING');
      check.equal((await first.engine.snapshot())?.state, EngineState.JOINING);
      const askedAt = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 600));
      check.equal(first.callbacks.lines.includes('join ERR_OK'), false, 'nobody is there yet');
      await listener.engine.setClientRole(INTERACTIVE);
      check.equal((await join).lines, [...JOINED_LINES, 'online listener']);
      check.within(performance.now() - askedAt, 600, 600 + 2 * QUICK_MS, 'until the confirmation');
      await listener.engine.setClientRole(AUDIENCE);

      const second = await newUser(scene);
      await second.engine.setPeriodForCheckPeople(8);
      const other = timedJoin(scene, second, 'second');
      await second.callbacks.until('status CONNECTING');
      await scene.peer('foreign');
      check.equal((await other).lines, [...JOINED_LINES, 'online foreign']);
    },
  );

  row(
    'SetPeriodForCheckPeople: 0, less, and never called are off; called without a number it is 5 s; a leave ends the wait',
    {
      covers: ['SetPeriodForCheckPeople', 'OnJoinChannelResult', 'LeaveChannel', 'OnLeaveChannelResult'],
      peer: 'engine',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const users = await Promise.all(Array.from({ length: 3 }, () => newUser(scene)));
      const [off, five, leaving] = users as [User, User, User];
      await scene.client.rawCall(EngineServiceService.setPeriodForCheckPeople, { engineId: five.engine.engineId });
      const slow = timedJoin(scene, five, 'five');
      const never = await timedJoin(scene, off, 'off');
      check.within(never.ms, 0, 2 * QUICK_MS, 'never called');
      for (const seconds of [0, -1]) {
        await off.engine.leaveChannel();
        await off.callbacks.take('leave ERR_OK');
        await off.engine.setPeriodForCheckPeople(seconds);
        const { ms, lines } = await timedJoin(scene, off, 'off');
        check.within(ms, 0, QUICK_MS, `${seconds} s`);
        check.equal(lines, JOINED_LINES);
      }
      await leaving.engine.setPeriodForCheckPeople(60);
      const taken = check.rejects(scene.join(leaving.engine, 'leaving', CONFIG), { reason: 'ERR_JOIN_FAILED' });
      await leaving.callbacks.until('status CONNECTING');
      await leaving.engine.leaveChannel();
      await taken;
      const ends = (await leaving.callbacks.take('leave ERR_OK')).filter((line) => /^(join|leave|error)/.test(line));
      check.equal(ends, ['join ERR_JOIN_FAILED', 'leave ERR_OK']);
      const { ms, lines } = await slow;
      check.within(ms, 4950, 5000 + QUICK_MS, 'without a number');
      check.equal(lines, ['status CONNECTING', 'error ERR_NO_PEOPLE', 'status FAILED', 'join -1']);
    },
  );

  row(
    'LeaveOnceNoStreamer(true), as audience: OnError(ERR_NO_PEOPLE) at once when the last streamer goes, not before; the engine stays',
    {
      covers: ['LeaveOnceNoStreamer', 'OnError', 'OnRemoteUserOffLineNotify'],
      peer: 'engine and @livekit/rtc-node',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const user = await newUser(scene);
      await user.engine.leaveOnceNoStreamer(true);
      await scene.join(user.engine, 'user', CONFIG);
      check.equal(await user.callbacks.take(), JOINED_LINES, 'an empty channel is not left by anybody');
      const changing = await joined(scene, 'changing', CONFIG, INTERACTIVE);
      const leaving = await joined(scene, 'leaving', CONFIG, INTERACTIVE);
      const peer = await scene.peer('foreign');
      await user.callbacks.take('online changing', 'online leaving', 'online foreign');
      await peer.call('disconnect', {});
      check.equal(await user.callbacks.take('offline foreign'), ['offline foreign']);
      await leaving.engine.leaveChannel();
      check.equal(await user.callbacks.take('offline leaving'), ['offline leaving']);
      await changing.engine.setClientRole(AUDIENCE);
      const { event: error } = await user.callbacks.until('error ERR_NO_PEOPLE');
      const { event: offline } = await user.callbacks.until('offline changing');
      check.within((error.timeUs - offline.timeUs) / 1000, 0, 200, 'between the two callbacks');
      check.equal((error.value as { number: number }).number, ERROR_NUMBERS.ERR_NO_PEOPLE);
      check.equal(await user.callbacks.take(), ['offline changing', 'error ERR_NO_PEOPLE']);
      check.equal((await user.engine.snapshot())?.state, EngineState.JOINED, 'it does not leave by itself');
      await changing.engine.setClientRole(INTERACTIVE);
      check.equal(await user.callbacks.take('online changing'), ['online changing']);
      await changing.engine.release();
      check.equal(
        await user.callbacks.take('error ERR_NO_PEOPLE'),
        ['offline changing', 'error ERR_NO_PEOPLE'],
        'again',
      );
    },
  );

  row(
    'LeaveOnceNoStreamer: off at first and with false, also in the call; nothing for a streamer; stopping to publish is not going',
    { covers: ['LeaveOnceNoStreamer'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const off = await joined(scene, 'off', CONFIG);
      const streamer = await newUser(scene);
      await streamer.engine.leaveOnceNoStreamer(true);
      await streamer.engine.setClientRole(INTERACTIVE);
      const other = await joined(scene, 'other', CONFIG, INTERACTIVE);
      await other.engine.publishLocalAudioStream(true);
      const on = await joined(scene, 'on', CONFIG);
      await on.engine.leaveOnceNoStreamer(true);
      await on.callbacks.take('tracks other MIC NO');
      await other.engine.publishLocalAudioStream(false);
      check.equal(await on.callbacks.take('tracks other NO NO'), ['tracks other NO NO']);
      await other.engine.leaveChannel();
      check.equal(
        await on.callbacks.take('offline other'),
        ['offline other', 'error ERR_NO_PEOPLE'],
        'set in the call',
      );
      check.equal((await off.callbacks.take('offline other')).includes('error ERR_NO_PEOPLE'), false, 'never called');
      await on.engine.leaveOnceNoStreamer(false);
      await scene.join(streamer.engine, 'streamer', CONFIG);
      await scene.join(other.engine, 'other', CONFIG);
      await on.callbacks.take('online other', 'online streamer');
      await other.engine.leaveChannel();
      check.equal(
        (await streamer.callbacks.take('offline other')).includes('error ERR_NO_PEOPLE'),
        false,
        'a streamer',
      );
      await streamer.engine.leaveChannel();
      check.equal(await on.callbacks.take('offline streamer'), ['offline other', 'offline streamer'], 'false');
    },
  );
});
