import {
  PublishMode,
  SubscribeMode,
  SubscribeState,
  VideoSource,
  VideoStreamType,
  VideoTrack,
} from '../../../client/index.js';
import { ERROR_NUMBERS } from '../../../common/error_codes.js';
import { ChannelScene } from '../../support/channel_scene.js';
import { eventually } from '../../support/eventually.js';
import { row, type Check } from '../support/row.js';
import { bySubject } from './callbacks.js';
import { AUDIO, CAMERA, REMOTE_STREAMS, edgesOf, published, type RemoteStream } from './remote_streams.js';
import { checkStateTimes } from './state_times.js';
import {
  COMMUNICATION,
  LISTENING,
  MANUAL,
  PUBLISHING,
  PictureFeed,
  daemonOfFile,
  joinLimited,
  joined,
  newUser,
} from './scene.js';

const { SUBSCRIBED, NO_SUBSCRIBE, IDLE } = SubscribeState;

describe('conformance: subscribe states', () => {
  const daemon = daemonOfFile();

  for (const stream of REMOTE_STREAMS) {
    const covers = [stream.call, stream.callback];
    row(
      `${stream.name}: Idle, Subscribing, Subscribed, NoSubscribe by the call and by the publisher, and back; Idle when it goes; elapsed times and channel`,
      { covers: [...covers, 'OnRemoteTrackAvailableNotify', 'OnRemoteUserOffLineNotify'], peer: 'engine' },
      async (check: Check) => {
        await using scene = await ChannelScene.open(daemon());
        const { alice, bob, feed: pictures } = await published(scene, stream);
        using feed = pictures;
        check.equal(feed !== undefined, true);
        check.equal(await stream.set(bob.engine, 'alice', true), SUBSCRIBED, 'what the call resolves with');
        check.equal(edgesOf(await bob.callbacks.take(), stream), ['IDLE>SUBSCRIBING', 'SUBSCRIBING>SUBSCRIBED']);
        check.equal(await stream.set(bob.engine, 'alice', true), SUBSCRIBED, 'again');
        check.equal(await bob.callbacks.take(), [], 'asking again is no change');
        check.equal(await stream.set(bob.engine, 'alice', false), NO_SUBSCRIBE);
        check.equal(edgesOf(await bob.callbacks.take(), stream), ['SUBSCRIBED>NO_SUBSCRIBE']);
        check.equal(await stream.set(bob.engine, 'alice', true), SUBSCRIBED);
        const again = ['NO_SUBSCRIBE>SUBSCRIBING', 'SUBSCRIBING>SUBSCRIBED'];
        check.equal(edgesOf(await bob.callbacks.take(), stream), again);

        await stream.publish(alice.engine, false);
        const gone = await bob.callbacks.take('tracks alice NO NO');
        check.equal(edgesOf(gone, stream), ['SUBSCRIBED>NO_SUBSCRIBE'], 'the publisher stopped');
        check.equal(gone[0], 'tracks alice NO NO', 'first the tracks');
        await stream.publish(alice.engine, true);
        check.equal(edgesOf(await bob.callbacks.take(`${stream.name} alice SUBSCRIBING>SUBSCRIBED`), stream), again);

        await alice.engine.leaveChannel();
        const left = await bob.callbacks.take('offline alice');
        check.equal(edgesOf(left, stream).at(-1)?.endsWith('>IDLE'), true, left.join(', '));
        check.equal(left.at(-1), 'offline alice', 'offline comes last');
        checkStateTimes(check, bob.callbacks.all, `${stream.name} alice`, scene.channel);
      },
    );

    row(
      `${stream.name}: NoSubscribe to Idle when the user goes; Subscribed to Idle when we leave`,
      { covers: [...covers, 'LeaveChannel'], peer: 'engine' },
      async (check: Check) => {
        await using scene = await ChannelScene.open(daemon());
        const { alice, bob, feed: pictures } = await published(scene, stream);
        using feed = pictures;
        check.equal(feed !== undefined, true);
        await stream.set(bob.engine, 'alice', true);
        await bob.callbacks.take();
        await bob.engine.leaveChannel();
        const left = await bob.callbacks.take('leave ERR_OK');
        check.equal(edgesOf(left, stream), ['SUBSCRIBED>IDLE']);
        check.equal(left.at(-1), 'leave ERR_OK');
        check.equal(left.includes('offline alice'), false, 'nobody went: we did');

        await scene.join(bob.engine, 'bob', MANUAL);
        await bob.callbacks.take('online alice');
        check.equal(await stream.set(bob.engine, 'alice', true), SUBSCRIBED, 'what was said before is forgotten');
        await stream.set(bob.engine, 'alice', false);
        await bob.callbacks.take();
        await alice.engine.leaveChannel();
        check.equal(edgesOf(await bob.callbacks.take('offline alice'), stream), ['NO_SUBSCRIBE>IDLE']);
      },
    );

    row(
      `${stream.name}: stopped before media came: Subscribing to NoSubscribe; left before it came: Subscribing to Idle`,
      { covers, peer: 'engine' },
      async (check: Check) => {
        await using scene = await ChannelScene.open(daemon());
        const { bob, feed } = await published(scene, stream, false);
        feed[Symbol.dispose]();
        const start = stream.set(bob.engine, 'alice', true, { wait: false });
        await Promise.all([start, stream.set(bob.engine, 'alice', false, { wait: false })]);
        check.equal(edgesOf(await bob.callbacks.take(), stream), ['IDLE>SUBSCRIBING', 'SUBSCRIBING>NO_SUBSCRIBE']);
        await stream.set(bob.engine, 'alice', true, { wait: false });
        await bob.engine.leaveChannel();
        check.equal(edgesOf(await bob.callbacks.take('leave ERR_OK'), stream), [
          'NO_SUBSCRIBE>SUBSCRIBING',
          'SUBSCRIBING>IDLE',
        ]);
      },
    );

    row(
      `${stream.name}: a server that does not let it subscribe: Subscribing to NoSubscribe and ${stream.failure}; asked again, tried again`,
      { covers: [...covers, 'OnError'], peer: 'engine' },
      async (check: Check) => {
        await using scene = await ChannelScene.open(daemon());
        const alice = await joined(scene, 'alice');
        await stream.publish(alice.engine, true);
        const bob = await newUser(scene);
        await joinLimited(scene, bob, 'bob', { canSubscribe: false }, {});
        await bob.callbacks.take('online alice');
        for (const state of ['IDLE', 'NO_SUBSCRIBE']) {
          await check.rejects(stream.set(bob.engine, 'alice', true), { reason: stream.failure });
          const { event } = await bob.callbacks.until(`error ${stream.failure}`);
          check.equal((event.value as { number: number }).number, ERROR_NUMBERS[stream.failure]);
          check.equal(await bob.callbacks.take(), [
            `${stream.name} alice ${state}>SUBSCRIBING`,
            `${stream.name} alice SUBSCRIBING>NO_SUBSCRIBE`,
            `error ${stream.failure}`,
          ]);
        }
      },
    );
  }

  const MODES: { mode: SubscribeMode; isAudioOnly?: boolean; takes: RemoteStream['name'][] }[] = [
    { mode: SubscribeMode.AUTOMATICALLY, takes: ['audio', 'camera', 'screen'] },
    { mode: SubscribeMode.MANUALLY, takes: [] },
    { mode: SubscribeMode.AUDIO_AUTO_AND_ONLY, takes: ['audio'] },
    { mode: SubscribeMode.CAMERA_AUTO_AND_ONLY, takes: ['camera'] },
    { mode: SubscribeMode.AUTOMATICALLY, isAudioOnly: true, takes: ['audio'] },
  ];
  row(
    'every subscribe mode takes exactly its kinds, of those already there and of those who come; single users are overridden, both ways',
    { covers: ['JoinChannel', 'SubscribeRemoteAudioStream', 'SubscribeRemoteVideoStream'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const alice = await newUser(scene);
      using camera = await PictureFeed.start(alice.engine);
      using screen = await PictureFeed.start(alice.engine, VideoSource.SCREEN_SHARE);
      check.equal(camera !== screen, true);
      await scene.join(alice.engine, 'alice', PUBLISHING);
      await alice.engine.publishScreenShareStream(true);
      const bob = await newUser(scene);
      for (const { mode, isAudioOnly = false, takes } of MODES) {
        await scene.join(bob.engine, 'bob', { publishMode: PublishMode.MANUALLY, subscribeMode: mode, isAudioOnly });
        const wanted = takes.map((name) => `${name} alice SUBSCRIBING>SUBSCRIBED`);
        const groups = bySubject(await bob.callbacks.take('online alice', ...wanted));
        for (const { name } of REMOTE_STREAMS)
          check.equal(
            groups[`${name} alice`],
            takes.includes(name) ? ['IDLE>SUBSCRIBING', 'SUBSCRIBING>SUBSCRIBED'] : undefined,
            `${name} in mode ${SubscribeMode[mode]}`,
          );
        for (const stream of isAudioOnly ? [AUDIO] : REMOTE_STREAMS) {
          const takesIt = takes.includes(stream.name);
          const state = await stream.set(bob.engine, 'alice', !takesIt);
          check.equal(state, takesIt ? NO_SUBSCRIBE : SUBSCRIBED, `${stream.name} overridden`);
        }
        await bob.engine.leaveChannel();
        await bob.callbacks.take('leave ERR_OK');
      }
    },
  );

  row(
    'a user that comes later is taken by the mode, and by what was said for it before it came',
    { covers: ['SubscribeRemoteAudioStream', 'SubscribeRemoteVideoStream'], peer: 'engine and @livekit/rtc-node' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const bob = await joined(scene, 'bob', LISTENING);
      await bob.engine.subscribeRemoteVideoStream('alice', VideoTrack.BOTH, false, { wait: false });
      const peer = await scene.peer('alice');
      await peer.call('publish_audio', { frequency: 440 });
      await peer.call('publish_video', { width: 320, height: 180, framesPerSecond: 10 });
      const lines = await bob.callbacks.take('audio alice SUBSCRIBING>SUBSCRIBED', 'tracks alice MIC CAMERA');
      check.equal(edgesOf(lines, AUDIO), ['IDLE>SUBSCRIBING', 'SUBSCRIBING>SUBSCRIBED']);
      check.equal(edgesOf(lines, CAMERA), []);
      check.equal(await CAMERA.set(bob.engine, 'alice', true), SUBSCRIBED);
      check.equal(edgesOf(await bob.callbacks.take(), CAMERA), ['IDLE>SUBSCRIBING', 'SUBSCRIBING>SUBSCRIBED']);
    },
  );

  row(
    'subscribing before the join and after a leave is refused by name; VideoTrackNo does nothing; somebody unknown stays Idle',
    { covers: ['SubscribeRemoteAudioStream', 'SubscribeRemoteVideoStream'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const refused = {
        reason: 'ERR_SUBSCRIBE_NOT_JOIN_CHANNEL',
        number: ERROR_NUMBERS.ERR_SUBSCRIBE_NOT_JOIN_CHANNEL,
      };
      const bob = await newUser(scene);
      const refusals = async (): Promise<void> => {
        for (const stream of REMOTE_STREAMS)
          for (const wait of [true, false])
            await check.rejects(stream.set(bob.engine, 'alice', true, { wait }), refused);
      };
      await refusals();
      await scene.join(bob.engine, 'bob', MANUAL);
      const alice = await joined(scene, 'alice', PUBLISHING);
      await alice.callbacks.until('publish camera PUBLISHING>PUBLISHED');
      await bob.callbacks.take('tracks alice MIC CAMERA');
      const nothing = await bob.engine.subscribeRemoteVideoStream('alice', VideoTrack.NO, true);
      check.equal(nothing, { camera: IDLE, screen: IDLE });
      check.equal(await AUDIO.set(bob.engine, 'nobody', true, { wait: false }), IDLE);
      check.equal(await AUDIO.set(bob.engine, 'nobody', false), IDLE);
      check.equal(await bob.callbacks.take(), []);
      await bob.engine.leaveChannel();
      await refusals();
    },
  );

  row(
    'stream type: None, High with the camera, Low and High as asked when they really come, None when it stops; elapsed times',
    {
      covers: ['SetRemoteVideoStreamType', 'OnSubscribeStreamTypeChanged', 'PublishLocalDualStream'],
      peer: 'engine',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const { alice, bob, feed: pictures } = await published(scene, CAMERA);
      using feed = pictures;
      check.equal(feed !== undefined, true);
      await alice.engine.publishLocalDualStream(true);
      await bob.callbacks.take();
      const type = (lines: string[]): string[] => edgesOf(lines, { name: 'type' });
      const typeAfter = async (edge: string): Promise<string[]> => type(await bob.callbacks.take(`type alice ${edge}`));
      await CAMERA.set(bob.engine, 'alice', true);
      check.equal(await typeAfter('NONE>HIGH'), ['NONE>HIGH']);
      await bob.engine.setRemoteVideoStreamType('alice', VideoStreamType.NONE);
      await bob.engine.setRemoteVideoStreamType('alice', VideoStreamType.HIGH);
      check.equal(await bob.callbacks.take(), [], 'None is no wish, and High comes already');
      await bob.engine.setRemoteVideoStreamType('alice', VideoStreamType.LOW);
      check.equal(await typeAfter('HIGH>LOW'), ['HIGH>LOW']);
      await CAMERA.set(bob.engine, 'alice', false);
      check.equal(await typeAfter('LOW>NONE'), ['LOW>NONE']);
      await CAMERA.set(bob.engine, 'alice', true);
      check.equal((await typeAfter('NONE>LOW')).at(-1), 'NONE>LOW', 'what was said for the user is kept');
      await bob.engine.setRemoteVideoStreamType('alice', VideoStreamType.HIGH);
      check.equal(await typeAfter('LOW>HIGH'), ['LOW>HIGH']);
      await CAMERA.set(bob.engine, 'alice', false);
      check.equal(await typeAfter('HIGH>NONE'), ['HIGH>NONE']);
      checkStateTimes(check, bob.callbacks.all, 'type alice', scene.channel);
    },
  );

  row(
    'the default stream type: before the join, in the call, and the single user before the default; without a dual stream always High',
    {
      covers: ['SetRemoteDefaultVideoStreamType', 'SetRemoteVideoStreamType', 'OnSubscribeStreamTypeChanged'],
      peer: 'engine',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const [alice, single] = [await newUser(scene), await newUser(scene)];
      using feed = await PictureFeed.start(alice.engine);
      using other = await PictureFeed.start(single.engine);
      check.equal(feed !== other, true);
      await alice.engine.publishLocalDualStream(true, { wait: false });
      await scene.join(alice.engine, 'alice', PUBLISHING);
      await scene.join(single.engine, 'single', PUBLISHING);
      await alice.callbacks.until('publish dual PUBLISHING>PUBLISHED');
      const bob = await newUser(scene);
      await bob.engine.setRemoteDefaultVideoStreamType(VideoStreamType.LOW);
      await scene.join(bob.engine, 'bob', LISTENING);
      // A LiveKit server sends the large one until it has seen the small one.
      await eventually(() => {
        const last = bob.callbacks.lines.findLast((line) => line.startsWith('type alice'));
        return last?.endsWith('>LOW') === true ? undefined : (last ?? 'no type of alice yet');
      });
      await bob.callbacks.take('type single NONE>HIGH');
      await bob.engine.setRemoteDefaultVideoStreamType(VideoStreamType.HIGH);
      check.equal(await bob.callbacks.take('type alice LOW>HIGH'), ['type alice LOW>HIGH']);
      await bob.engine.setRemoteVideoStreamType('alice', VideoStreamType.HIGH);
      await bob.engine.setRemoteDefaultVideoStreamType(VideoStreamType.LOW);
      check.equal(await bob.callbacks.take(), [], 'the single user before the default');
      await bob.engine.setRemoteVideoStreamType('alice', VideoStreamType.LOW);
      check.equal(await bob.callbacks.take('type alice HIGH>LOW'), ['type alice HIGH>LOW']);
      check.equal((await bob.engine.snapshot())?.remoteUsers.map(({ uid, streamType }) => [uid, streamType]).sort(), [
        ['alice', VideoStreamType.LOW],
        ['single', VideoStreamType.HIGH],
      ]);
      // The small stream ends: the large one comes, since it is all that there is.
      await alice.engine.publishLocalDualStream(false);
      await bob.callbacks.until('camera alice SUBSCRIBING>SUBSCRIBED');
      check.equal(
        edgesOf(await bob.callbacks.take(), { name: 'type' })
          .at(-1)
          ?.endsWith('>HIGH'),
        true,
      );
    },
  );

  row(
    "a LiveKit participant's audio, camera and screen go through the same states; the camera is High",
    {
      covers: [
        'SubscribeRemoteAudioStream',
        'SubscribeRemoteVideoStream',
        'OnAudioSubscribeStateChanged',
        'OnVideoSubscribeStateChanged',
        'OnScreenShareSubscribeStateChanged',
        'OnSubscribeStreamTypeChanged',
      ],
      peer: '@livekit/rtc-node',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const bob = await joined(scene, 'bob', { channelProfile: COMMUNICATION, ...LISTENING });
      const peer = await scene.peer('alice');
      const picture = { width: 320, height: 180, framesPerSecond: 10 };
      const audio = await peer.call('publish_audio', { frequency: 440 });
      await bob.callbacks.until('tracks alice MIC NO');
      const camera = await peer.call('publish_video', picture);
      await bob.callbacks.until('tracks alice MIC CAMERA');
      const screen = await peer.call('publish_video', { source: 'screen', ...picture });
      const sids = [audio, camera, screen];
      const wanted = REMOTE_STREAMS.map(({ name }) => `${name} alice SUBSCRIBING>SUBSCRIBED`);
      const groups = bySubject(await bob.callbacks.take(...wanted));
      for (const { name } of REMOTE_STREAMS)
        check.equal(groups[`${name} alice`], ['IDLE>SUBSCRIBING', 'SUBSCRIBING>SUBSCRIBED'], name);
      check.equal(groups['type alice'], ['NONE>HIGH']);
      check.equal(groups['tracks alice'], ['MIC NO', 'MIC CAMERA', 'MIC BOTH']);
      for (const [index, { sid }] of sids.entries()) {
        await peer.call('unpublish', { sid });
        const name = REMOTE_STREAMS[index]?.name ?? 'audio';
        check.equal(edgesOf(await bob.callbacks.take(`${name} alice SUBSCRIBED>NO_SUBSCRIBE`), { name }), [
          'SUBSCRIBED>NO_SUBSCRIBE',
        ]);
      }
      await peer.call('disconnect', {});
      const left = bySubject(await bob.callbacks.take('offline alice'));
      for (const { name } of REMOTE_STREAMS) check.equal(left[`${name} alice`], ['NO_SUBSCRIBE>IDLE'], name);
    },
  );
});
