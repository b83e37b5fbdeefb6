import { ClientRole, PublishMode, PublishState, VideoSource } from '../../../client/index.js';
import { ERROR_NUMBERS } from '../../../common/error_codes.js';
import { ChannelScene } from '../../support/channel_scene.js';
import { eventually } from '../../support/eventually.js';
import { row, type Check } from '../support/row.js';
import { bySubject } from './callbacks.js';
import { AUDIO, CAMERA, DUAL, LOCAL_STREAMS, SCREEN, ofStream, ready } from './local_streams.js';
import { checkStateTimes } from './state_times.js';
import {
  LISTENING,
  LIVE,
  MANUAL,
  PUBLISHING,
  PictureFeed,
  daemonOfFile,
  joinLimited,
  joined,
  newUser,
} from './scene.js';

const { PUBLISHED, NO_PUBLISH } = PublishState;

describe('conformance: publish states', () => {
  const daemon = daemonOfFile();

  for (const stream of LOCAL_STREAMS) {
    const covers = [stream.call, stream.query, stream.callback];
    row(
      `${stream.name}: Idle, Publishing, Published, NoPublish, Publishing, Published, Idle: once each, with the elapsed time and the channel`,
      { covers: [...covers, 'LeaveChannel'], peer: 'engine' },
      async (check: Check) => {
        await using scene = await ChannelScene.open(daemon());
        const { engine, callbacks } = await ready(scene, stream);
        const edges: string[] = [];
        const step = async (enabled: boolean, state: PublishState, expected: string[]): Promise<void> => {
          check.equal(await stream.set(engine, enabled), state, 'what the call resolves with');
          check.equal(await stream.isSet(engine), enabled, 'the query');
          edges.push(...expected.map((edge) => `publish ${stream.name} ${edge}`));
          check.equal(await callbacks.take(edges.at(-1) ?? ''), edges.splice(0));
        };
        await step(true, PUBLISHED, ['IDLE>PUBLISHING', 'PUBLISHING>PUBLISHED']);
        check.equal(await stream.set(engine, true), PUBLISHED, 'again');
        check.equal(await callbacks.take(), [], 'asking again is no change');
        await step(false, NO_PUBLISH, ['PUBLISHED>NO_PUBLISH']);
        check.equal(await stream.set(engine, false), NO_PUBLISH, 'again');
        check.equal(await callbacks.take(), [], 'stopping again is no change');
        await step(true, PUBLISHED, ['NO_PUBLISH>PUBLISHING', 'PUBLISHING>PUBLISHED']);
        await engine.leaveChannel();
        check.equal(ofStream(await callbacks.take('leave ERR_OK'), stream), ['PUBLISHED>IDLE']);
        check.equal(await stream.isSet(engine), true, 'the setting outlives the channel');
        checkStateTimes(check, callbacks.all, `publish ${stream.name}`, scene.channel);
      },
    );

    row(
      `${stream.name}: NoPublish to Idle on leaving; stopped and left while Publishing: NoPublish and Idle, without an error`,
      { covers, peer: 'engine' },
      async (check: Check) => {
        await using scene = await ChannelScene.open(daemon());
        const { engine, callbacks } = await ready(scene, stream);
        const start = stream.set(engine, true, { wait: false });
        const stop = stream.set(engine, false, { wait: false });
        await Promise.all([start, stop]);
        check.equal(await callbacks.take(`publish ${stream.name} PUBLISHING>NO_PUBLISH`), [
          `publish ${stream.name} IDLE>PUBLISHING`,
          `publish ${stream.name} PUBLISHING>NO_PUBLISH`,
        ]);
        await engine.leaveChannel();
        check.equal(ofStream(await callbacks.take('leave ERR_OK'), stream), ['NO_PUBLISH>IDLE']);

        await scene.join(engine, 'user', MANUAL);
        if (stream === DUAL) await engine.publishLocalVideoStream(true);
        await callbacks.take();
        const again = stream.set(engine, true, { wait: false });
        await Promise.all([again, engine.leaveChannel()]);
        const lines = await callbacks.take('leave ERR_OK');
        check.equal(ofStream(lines, stream), ['IDLE>PUBLISHING', 'PUBLISHING>IDLE']);
        check.equal(
          lines.filter((line) => line.startsWith('error')),
          [],
        );
        check.equal(lines.at(-1), 'leave ERR_OK', 'the leave comes last');
      },
    );

    row(
      `${stream.name}: a server that does not let it publish: Publishing to NoPublish and ${stream.failure}; asked again, tried again`,
      { covers: [stream.call, stream.callback, 'OnError'], peer: 'engine' },
      async (check: Check) => {
        await using scene = await ChannelScene.open(daemon());
        const user = await newUser(scene);
        if (stream === DUAL) await user.engine.publishLocalDualStream(true, { wait: false });
        await joinLimited(scene, user, 'user', { canPublish: false }, {});
        await user.callbacks.take();
        for (const edge of ['IDLE>PUBLISHING', 'NO_PUBLISH>PUBLISHING']) {
          // The small stream goes out with the camera, and fails with it.
          const target = stream === DUAL ? CAMERA : stream;
          await check.rejects(target.set(user.engine, true), { reason: target.failure });
          const { event } = await user.callbacks.until(`error ${stream.failure}`);
          check.equal((event.value as { number: number }).number, ERROR_NUMBERS[stream.failure]);
          const lines = await user.callbacks.take();
          check.equal(ofStream(lines, stream), [edge, 'PUBLISHING>NO_PUBLISH']);
          check.equal(lines.filter((line) => line === `error ${stream.failure}`).length, 1);
          check.equal(
            lines.indexOf(`publish ${stream.name} PUBLISHING>NO_PUBLISH`) < lines.indexOf(`error ${stream.failure}`),
            true,
            'the state, then the error',
          );
        }
      },
    );
  }

  row(
    'the queries answer what was last set: camera and audio on, dual and screen off at first; before, in and after a channel',
    { covers: LOCAL_STREAMS.map(({ query }) => query), peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const { engine } = await newUser(scene);
      const settings = (): Promise<boolean[]> => Promise.all(LOCAL_STREAMS.map((stream) => stream.isSet(engine)));
      check.equal(await settings(), [true, true, false, false]);
      await engine.publishLocalVideoStream(false, { wait: false });
      await engine.publishLocalAudioStream(false, { wait: false });
      await engine.publishLocalDualStream(true, { wait: false });
      check.equal(await settings(), [false, false, false, true]);
      await scene.join(engine, 'user', MANUAL);
      await engine.publishScreenShareStream(true);
      await engine.publishLocalAudioStream(true);
      check.equal(await settings(), [false, true, true, true]);
      await engine.leaveChannel();
      check.equal(await settings(), [false, true, true, true]);
    },
  );

  row(
    'before the join and after a leave: screen share and calls that wait are refused by name, settings are taken',
    { covers: LOCAL_STREAMS.map(({ call }) => call), peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const { engine, callbacks } = await newUser(scene);
      const refused = { reason: 'ERR_PUBLISH_NOT_JOIN_CHANNEL', number: ERROR_NUMBERS.ERR_PUBLISH_NOT_JOIN_CHANNEL };
      const refusals = async (): Promise<void> => {
        await check.rejects(engine.publishScreenShareStream(true, { wait: false }), refused);
        for (const stream of LOCAL_STREAMS) await check.rejects(stream.set(engine, true), refused);
        for (const stream of [CAMERA, AUDIO, DUAL])
          check.equal(await stream.set(engine, true, { wait: false }), PublishState.IDLE);
      };
      await refusals();
      check.equal(await callbacks.take(), []);
      await scene.join(engine, 'user', MANUAL);
      await engine.leaveChannel();
      await callbacks.take();
      await refusals();
      check.equal(await callbacks.take(), []);
    },
  );

  const START = ['IDLE>PUBLISHING', 'PUBLISHING>PUBLISHED'];
  const modes: {
    what: string;
    before: { camera?: boolean; audio?: boolean; dual?: boolean };
    config?: { isAudioOnly?: boolean };
    expected: Record<string, string[]>;
  }[] = [
    { what: 'as it is at first', before: {}, expected: { camera: START, audio: START } },
    { what: 'camera off', before: { camera: false }, expected: { audio: START } },
    { what: 'audio off', before: { audio: false }, expected: { camera: START } },
    { what: 'dual on', before: { dual: true }, expected: { camera: START, audio: START, dual: START } },
    { what: 'dual on, camera off', before: { dual: true, camera: false }, expected: { audio: START } },
    { what: 'all off', before: { camera: false, audio: false }, expected: {} },
    { what: 'audio only', before: { dual: true }, config: { isAudioOnly: true }, expected: { audio: START } },
  ];
  for (const { what, before: settings, config, expected } of modes)
    row(
      `Automatically, ${what}: the join publishes exactly what is enabled; Manually nothing`,
      {
        covers: [
          'JoinChannel',
          'PublishLocalVideoStream',
          'PublishLocalAudioStream',
          'PublishLocalDualStream',
          'OnVideoPublishStateChanged',
          'OnAudioPublishStateChanged',
          'OnDualStreamPublishStateChanged',
        ],
        peer: 'engine',
      },
      async (check: Check) => {
        await using scene = await ChannelScene.open(daemon());
        const { engine, callbacks } = await newUser(scene);
        for (const stream of [CAMERA, AUDIO, DUAL]) {
          const enabled = settings[stream.name as keyof typeof settings];
          if (enabled !== undefined) await stream.set(engine, enabled, { wait: false });
        }
        await scene.join(engine, 'user', { ...PUBLISHING, ...config });
        const wanted = Object.keys(expected).map((name) => `publish ${name} PUBLISHING>PUBLISHED`);
        const lines = await callbacks.take(...wanted);
        check.equal(lines.slice(0, 3), ['status CONNECTING', 'status CONNECTED', 'join ERR_OK']);
        const expectedBySubject = Object.fromEntries(
          Object.entries(expected).map(([name, edges]) => [`publish ${name}`, edges]),
        );
        check.equal(bySubject(lines.slice(3)), expectedBySubject);
        await engine.leaveChannel();
        await callbacks.take('leave ERR_OK');
        await scene.join(engine, 'user', { ...MANUAL, ...config });
        check.equal(await callbacks.take('join ERR_OK'), ['status CONNECTING', 'status CONNECTED', 'join ERR_OK']);
      },
    );

  row(
    'Manually: each stream is published by its own call only, also one that was off; calls for one leave the others alone',
    { covers: LOCAL_STREAMS.flatMap(({ call, callback }) => [call, callback]), peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const { engine, callbacks } = await newUser(scene);
      await engine.publishLocalAudioStream(false, { wait: false });
      await scene.join(engine, 'user', MANUAL);
      await callbacks.take();
      const lines = (name: string): string[] => START.map((edge) => `publish ${name} ${edge}`);
      await engine.publishLocalDualStream(true, { wait: false });
      check.equal(await callbacks.take(), [], 'the small stream waits for the camera');
      for (const stream of [AUDIO, SCREEN]) {
        await stream.set(engine, true);
        check.equal(await callbacks.take(), lines(stream.name));
      }
      await engine.publishLocalVideoStream(true);
      const both = bySubject(await callbacks.take('publish dual PUBLISHING>PUBLISHED'));
      check.equal(both, { 'publish camera': START, 'publish dual': START });
      await engine.publishLocalVideoStream(false);
      check.equal(bySubject(await callbacks.take()), {
        'publish camera': ['PUBLISHED>NO_PUBLISH'],
        'publish dual': ['PUBLISHED>NO_PUBLISH'],
      });
    },
  );

  row(
    'audience with Automatically publishes nothing; as streamer it publishes what is enabled, and after that back at Idle when it leaves',
    {
      covers: ['SetClientRole', 'OnUpdateRoleNotify', 'OnVideoPublishStateChanged', 'OnAudioPublishStateChanged'],
      peer: 'engine',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const { engine, callbacks } = await joined(scene, 'user', { channelProfile: LIVE, ...PUBLISHING });
      check.equal(await callbacks.take(), ['status CONNECTING', 'status CONNECTED', 'join ERR_OK']);
      await engine.setClientRole(ClientRole.INTERACTIVE);
      const lines = await callbacks.take('publish camera PUBLISHING>PUBLISHED', 'publish audio PUBLISHING>PUBLISHED');
      check.equal(lines[0], 'role LIVE>INTERACTIVE');
      check.equal(bySubject(lines.slice(1)), { 'publish camera': START, 'publish audio': START });
      await engine.leaveChannel();
      const left = await callbacks.take('leave ERR_OK');
      check.equal([...left].sort(), [
        'leave ERR_OK',
        'publish audio PUBLISHED>IDLE',
        'publish camera PUBLISHED>IDLE',
        'status DISCONNECTED',
      ]);
      check.equal(left.at(-1), 'leave ERR_OK');
    },
  );

  row(
    'an official SDK sees camera, audio and screen come and go with their sources; the dual stream switched in the call shows no gap in the tracks',
    {
      covers: [
        ...LOCAL_STREAMS.map(({ call }) => call),
        'OnRemoteTrackAvailableNotify',
        'OnVideoSubscribeStateChanged',
      ],
      peer: 'engine and @livekit/rtc-node',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const peer = await scene.peer('foreign');
      const watcher = await joined(scene, 'watcher', LISTENING);
      const { engine } = await joined(scene, 'user');
      using feed = await PictureFeed.start(engine);
      check.equal(feed !== undefined, true);
      const sources = async (): Promise<string[]> => {
        const tracks = (await peer.call('report', {})).participants['user']?.tracks ?? [];
        return tracks.map(({ kind, source }) => `${kind} ${source}`).sort();
      };
      const becomes = (expected: string[]): Promise<void> =>
        eventually(async () => {
          const now = await sources();
          return now.join() === expected.join() ? undefined : `tracks: ${now.join()}`;
        });
      // The numbers of LiveKit's TrackSource: 1 camera, 2 microphone, 3 screen.
      await engine.publishLocalAudioStream(true);
      await becomes(['audio 2']);
      await engine.publishLocalVideoStream(true);
      await becomes(['audio 2', 'video 1']);
      await engine.publishScreenShareStream(true);
      await becomes(['audio 2', 'video 1', 'video 3']);
      await engine.publishScreenShareStream(false);
      await becomes(['audio 2', 'video 1']);
      await watcher.callbacks.take('camera user SUBSCRIBING>SUBSCRIBED');
      for (const enabled of [true, false]) {
        await engine.publishLocalDualStream(enabled);
        const groups = bySubject(await watcher.callbacks.take('camera user SUBSCRIBING>SUBSCRIBED'));
        check.equal(groups['tracks user'], undefined, 'the camera was there all the time');
        check.equal(groups['camera user'], [
          'SUBSCRIBED>NO_SUBSCRIBE',
          'NO_SUBSCRIBE>SUBSCRIBING',
          'SUBSCRIBING>SUBSCRIBED',
        ]);
      }
      await engine.publishLocalAudioStream(false);
      await becomes(['video 1']);
      await engine.publishLocalVideoStream(false);
      await becomes([]);
      check.equal(await sources(), []);
    },
  );

  row(
    'what is published in one channel is published again in the next, with Automatically, screen share too',
    {
      covers: ['JoinChannel', 'LeaveChannel', 'PublishScreenShareStream', 'OnScreenSharePublishStateChanged'],
      peer: 'engine',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon());
      const { engine, callbacks } = await joined(scene, 'user', PUBLISHING);
      await engine.publishScreenShareStream(true);
      await engine.setExternalVideoSource(true, { sourceType: VideoSource.SCREEN_SHARE });
      await engine.leaveChannel();
      await callbacks.take('leave ERR_OK');
      await scene.join(engine, 'user', { publishMode: PublishMode.AUTOMATICALLY });
      const lines = await callbacks.take(
        ...['camera', 'audio', 'screen'].map((one) => `publish ${one} PUBLISHING>PUBLISHED`),
      );
      check.equal(bySubject(lines.filter((line) => line.startsWith('publish'))), {
        'publish camera': START,
        'publish audio': START,
        'publish screen': START,
      });
    },
  );
});
