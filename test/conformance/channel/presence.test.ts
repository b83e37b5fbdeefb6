import { ClientRole, VideoSource } from '../../../client/index.js';
import { ChannelScene } from '../../support/channel_scene.js';
import { row, type Check } from '../support/row.js';
import { bySubject } from './callbacks.js';
import { LIVE, LISTENING, MANUAL, PUBLISHING, PictureFeed, daemonOfFile, joined, newUser } from './scene.js';

const { INTERACTIVE, LIVE: AUDIENCE } = ClientRole;
const JOINED_LINES = ['status CONNECTING', 'status CONNECTED', 'join ERR_OK'];

describe('conformance: who is there, every callback counted and in order', () => {
  const daemon = daemonOfFile();

  row(
    'an empty channel: the join, the leave, and nothing else; three times over',
    {
      covers: [
        'JoinChannel',
        'LeaveChannel',
        'OnJoinChannelResult',
        'OnLeaveChannelResult',
        'OnConnectionStatusChanged',
      ],
      peer: 'engine',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const { engine, callbacks } = await newUser(scene);
      for (let round = 0; round < 3; round++) {
        await scene.join(engine, 'user', LISTENING);
        check.equal(await callbacks.take('join ERR_OK'), JOINED_LINES);
        await engine.leaveChannel();
        check.equal(await callbacks.take('leave ERR_OK'), ['status DISCONNECTED', 'leave ERR_OK']);
      }
      const [result] = callbacks.all.filter(({ line }) => line === 'join ERR_OK');
      check.equal(result?.event.value, { result: 0, channel: scene.channel, userId: 'user', text: '' });
    },
  );

  row(
    'others already there: after the join result each is told once, then its tracks, then the subscriptions; audience is not',
    {
      covers: [
        'OnJoinChannelResult',
        'OnRemoteUserOnLineNotify',
        'OnRemoteTrackAvailableNotify',
        'OnAudioSubscribeStateChanged',
      ],
      peer: 'engine and @livekit/rtc-node',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const config = { channelProfile: LIVE };
      const talker = await joined(scene, 'talker', config, INTERACTIVE);
      await talker.engine.publishLocalAudioStream(true);
      await joined(scene, 'silent', config, INTERACTIVE);
      await joined(scene, 'audience', config, AUDIENCE);
      const peer = await scene.peer('foreign');
      await peer.call('publish_audio', { frequency: 440 });
      const user = await joined(scene, 'user', { ...config, ...LISTENING });
      const wanted = ['talker', 'foreign'].map((uid) => `audio ${uid} SUBSCRIBING>SUBSCRIBED`);
      const lines = await user.callbacks.take(...wanted);
      check.equal(lines.slice(0, 3), JOINED_LINES, 'the result comes first');
      const groups: Record<string, string[]> = {};
      for (const line of lines.slice(3)) {
        const [what = '', uid = '', ...rest] = line.split(' ');
        (groups[uid] ??= []).push([what, ...rest].join(' '));
      }
      const publishing = ['online', 'tracks MIC NO', 'audio IDLE>SUBSCRIBING', 'audio SUBSCRIBING>SUBSCRIBED'];
      check.equal(groups, { talker: publishing, silent: ['online'], foreign: publishing });
    },
  );

  row(
    'others coming and going: online, every combination of tracks, offline; a leave, a release and a killed process each make one offline',
    {
      covers: ['OnRemoteUserOnLineNotify', 'OnRemoteUserOffLineNotify', 'OnRemoteTrackAvailableNotify', 'Release'],
      peer: 'engine and @livekit/rtc-node',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const { callbacks } = await joined(scene, 'watcher');
      check.equal(await callbacks.take(), JOINED_LINES);
      const { engine } = await joined(scene, 'alice', { ...MANUAL });
      check.equal(await callbacks.take('online alice'), ['online alice']);
      const steps: [() => Promise<unknown>, string][] = [
        [() => engine.publishLocalAudioStream(true), 'MIC NO'],
        [() => engine.publishLocalVideoStream(true), 'MIC CAMERA'],
        [() => engine.publishScreenShareStream(true), 'MIC BOTH'],
        [() => engine.publishLocalAudioStream(false), 'NO BOTH'],
        [() => engine.publishLocalVideoStream(false), 'NO SCREEN'],
        [() => engine.publishLocalAudioStream(true), 'MIC SCREEN'],
        [() => engine.publishScreenShareStream(false), 'MIC NO'],
        [() => engine.publishLocalAudioStream(false), 'NO NO'],
        [() => engine.publishLocalVideoStream(true), 'NO CAMERA'],
        [() => engine.publishLocalVideoStream(false), 'NO NO'],
      ];
      for (const [act, tracks] of steps) {
        await act();
        check.equal(await callbacks.take(`tracks alice ${tracks}`), [`tracks alice ${tracks}`]);
      }
      await engine.leaveChannel();
      check.equal(await callbacks.take('offline alice'), ['offline alice']);
      await scene.join(engine, 'alice', MANUAL);
      check.equal(await callbacks.take('online alice'), ['online alice']);
      await engine.release();
      check.equal(await callbacks.take('offline alice'), ['offline alice']);
      const victim = await joined(scene, 'victim');
      const peer = await scene.peer('foreign');
      check.equal(await callbacks.take('online victim', 'online foreign'), ['online victim', 'online foreign']);
      await peer.call('disconnect', {});
      check.equal(await callbacks.take('offline foreign'), ['offline foreign']);
      process.kill(victim.engine.coreProcessId, 'SIGKILL');
      await callbacks.until('offline victim', 30_000);
      check.equal(await callbacks.take(), ['offline victim']);
    },
  );

  row(
    'somebody who publishes everything at its join: online, then tracks; mute changes nothing for others',
    {
      covers: ['OnRemoteUserOnLineNotify', 'OnRemoteTrackAvailableNotify', 'MuteLocalMic', 'MuteLocalCamera'],
      peer: 'engine',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const { callbacks } = await joined(scene, 'watcher', LISTENING);
      await callbacks.take();
      const alice = await newUser(scene);
      using feed = await PictureFeed.start(alice.engine, VideoSource.CAMERA);
      check.equal(feed !== undefined, true);
      await scene.join(alice.engine, 'alice', PUBLISHING);
      const lines = await callbacks.take('camera alice SUBSCRIBING>SUBSCRIBED', 'audio alice SUBSCRIBING>SUBSCRIBED');
      check.equal(lines[0], 'online alice');
      const groups = bySubject(lines);
      check.equal(groups['tracks alice']?.at(-1), 'MIC CAMERA');
      check.equal(groups['camera alice'], ['IDLE>SUBSCRIBING', 'SUBSCRIBING>SUBSCRIBED']);
      check.equal(groups['audio alice'], ['IDLE>SUBSCRIBING', 'SUBSCRIBING>SUBSCRIBED']);
      for (const mute of [true, false]) {
        await alice.engine.muteLocalMic(mute);
        await alice.engine.muteLocalCamera(mute);
        check.equal(await callbacks.take(), [], `mute ${mute}`);
      }
    },
  );

  row(
    'a role change while publishing, seen by a subscriber: refused without a trace; after the stop tracks, states and offline in order',
    {
      covers: [
        'SetClientRole',
        'OnRemoteTrackAvailableNotify',
        'OnAudioSubscribeStateChanged',
        'OnRemoteUserOffLineNotify',
        'OnAudioPublishStateChanged',
        'OnUpdateRoleNotify',
      ],
      peer: 'engine',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const watcher = await joined(scene, 'watcher', { channelProfile: LIVE, ...LISTENING });
      const user = await joined(scene, 'user', { channelProfile: LIVE }, INTERACTIVE);
      await user.engine.publishLocalAudioStream(true);
      await watcher.callbacks.take('audio user SUBSCRIBING>SUBSCRIBED');
      await user.callbacks.take();
      await check.rejects(user.engine.setClientRole(AUDIENCE), { reason: 'ERR_PUBLISH_INVALID' });
      check.equal(await watcher.callbacks.take(), []);
      await user.engine.publishLocalAudioStream(false);
      await user.engine.setClientRole(AUDIENCE);
      check.equal(await user.callbacks.take('role INTERACTIVE>LIVE'), [
        'publish audio PUBLISHED>NO_PUBLISH',
        'role INTERACTIVE>LIVE',
      ]);
      check.equal(await watcher.callbacks.take('offline user'), [
        'tracks user NO NO',
        'audio user SUBSCRIBED>NO_SUBSCRIBE',
        'audio user NO_SUBSCRIBE>IDLE',
        'offline user',
      ]);
      await user.engine.setClientRole(INTERACTIVE);
      await user.engine.publishLocalAudioStream(true);
      check.equal(await watcher.callbacks.take('audio user SUBSCRIBING>SUBSCRIBED'), [
        'online user',
        'tracks user MIC NO',
        'audio user IDLE>SUBSCRIBING',
        'audio user SUBSCRIBING>SUBSCRIBED',
      ]);
    },
  );
});
