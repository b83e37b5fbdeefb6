import {
  PublishState,
  VideoDataFormat,
  VideoStreamType,
  VideoTrackType,
  type Engine,
  type VideoFrameInput,
} from '../../../client/index.js';
import { ChannelScene } from '../../support/channel_scene.js';
import { eventually } from '../../support/eventually.js';
import { NumberedPictures, readPictureNumber } from '../../support/media/numbered_picture.js';
import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { row, type Check } from '../support/row.js';
import { EventRecord } from './support/event_record.js';
import { openPair } from './support/pair.js';
import { PictureFeed } from './support/picture_feed.js';

const LARGE = { width: 640, height: 360 };
const { HIGH, LOW, NONE } = VideoStreamType;

function numbered(width = LARGE.width, height = LARGE.height): (number: number) => VideoFrameInput {
  const pictures = new NumberedPictures(width, height, 15);
  return (number) => ({ format: VideoDataFormat.I420, width, height, timestampMs: 0, data: pictures.draw(number) });
}

interface Seen {
  number: number | undefined;
  width: number;
  height: number;
  track: VideoTrackType;
  atMs: number;
}

/** Reads all pictures of one user until it is disposed: nothing broken is missed. */
class Watch implements Disposable {
  readonly seen: Seen[] = [];
  readonly #stream: ReturnType<Engine['pictures']>;

  constructor(engine: Engine, uid: string) {
    this.#stream = engine.pictures({ uids: [uid] });
    void this.#run();
  }

  async #run(): Promise<void> {
    for await (const { width, height, track, data, release } of this.#stream) {
      this.seen.push({ number: readPictureNumber(data, width, height), width, height, track, atMs: performance.now() });
      release();
    }
  }

  /** Waits until so many pictures in succession are of this width. */
  async steady(width: number, count = 8): Promise<void> {
    await eventually(() => {
      const last = this.seen.slice(-count);
      const right = last.length === count && last.every((picture) => picture.width === width);
      return right ? undefined : `widths: ${last.map((picture) => picture.width).join()}, wanted ${width}`;
    });
  }

  [Symbol.dispose](): void {
    this.#stream.cancel();
  }
}

function checkReadable(check: Check, { seen }: Watch): void {
  const broken = seen.flatMap(({ number, width, height }, index) =>
    number === undefined ? [`${index}: ${width}x${height}`] : [],
  );
  check.equal(broken, [], `pictures of ${seen.length} that are not readable`);
}

/** Every number readable and in order; the sizes one after another; the kind of stream as the size says. */
function checkWatched(check: Check, watch: Watch, sizes: string[], longestGapMs: number): void {
  checkReadable(check, watch);
  const found: string[] = [];
  for (const [index, { number, width, height, track, atMs }] of watch.seen.entries()) {
    const before = watch.seen[index - 1];
    // The first picture of the other size may be the last one once more.
    const least = (before?.number ?? -1) + (before?.width === width ? 1 : 0);
    check.ok(number !== undefined && number >= least, `picture ${number}, wanted ${least} or later`);
    if (before !== undefined) check.within(atMs - before.atMs, 0, longestGapMs, `gap before picture ${index}, ms`);
    const size = `${width}x${height}`;
    if (found.at(-1) !== size) found.push(size);
    const kind = width === LARGE.width ? VideoTrackType.CAMERA_LARGE : VideoTrackType.CAMERA_SMALL;
    check.equal(track, kind, `kind of stream of a picture of ${size}`);
  }
  check.equal(found, sizes, 'sizes one after another');
}

function checkTypeChanges(check: Check, events: EventRecord, wanted: [VideoStreamType, VideoStreamType][]): void {
  const changes = events
    .of('onSubscribeStreamTypeChanged')
    .map(({ value }) => [value.oldStreamType, value.newStreamType]);
  check.equal(changes, wanted, 'changes of the stream type');
}

describe('conformance: dual stream', () => {
  let daemon: RunningDaemon;
  before(async () => {
    daemon = await startDaemon();
  });
  after(async () => {
    await daemon.stop();
  });

  const openDual = (): ReturnType<typeof openPair> =>
    openPair(daemon, {
      prepare: async (sender) => {
        await sender.setExternalVideoSource(true);
        await sender.setVideoEncoderConfiguration({ dimensions: LARGE, frameRate: 15, bitrateKbps: 600 });
        await sender.publishLocalDualStream(true, { wait: false });
      },
    });

  row(
    'High, Low and High again per user: the switch is real, told once, and every picture stays readable',
    {
      covers: [
        'PublishLocalDualStream',
        'SetRemoteVideoStreamType',
        'OnSubscribeStreamTypeChanged',
        'OnRemoteVideoSample',
      ],
      peer: 'engine',
    },
    async (check: Check) => {
      await using pair = await openDual();
      using events = new EventRecord(pair.receiver);
      using watch = new Watch(pair.receiver, 'sender');
      await using _feed = new PictureFeed(pair.sender, 15, numbered());
      await watch.steady(640);
      for (const [type, width] of [
        [LOW, 320],
        [HIGH, 640],
      ] as const) {
        const calledAt = performance.now();
        await pair.receiver.setRemoteVideoStreamType('sender', type);
        await eventually(() => (watch.seen.at(-1)?.width === width ? undefined : 'not switched'));
        check.within(performance.now() - calledAt, 0, 2000, 'ms until switched');
        await events.first(
          'onSubscribeStreamTypeChanged',
          ({ uid, newStreamType }) => uid === 'sender' && newStreamType === type,
        );
        await watch.steady(width);
      }
      checkWatched(check, watch, ['640x360', '320x180', '640x360'], 1000);
      checkTypeChanges(check, events, [
        [NONE, HIGH],
        [HIGH, LOW],
        [LOW, HIGH],
      ]);
    },
  );

  row(
    'Low by default for all, and High for one user against it; unsubscribing is None',
    {
      covers: ['SetRemoteDefaultVideoStreamType', 'SetRemoteVideoStreamType', 'OnSubscribeStreamTypeChanged'],
      peer: 'engine',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const [one, two, receiver] = await Promise.all([scene.engine(), scene.engine(), scene.engine()]);
      using events = new EventRecord(receiver);
      await receiver.setRemoteDefaultVideoStreamType(LOW);
      await scene.join(receiver, 'receiver');
      for (const [engine, uid] of [
        [one, 'one'],
        [two, 'two'],
      ] as const) {
        await engine.setExternalVideoSource(true);
        await engine.setVideoEncoderConfiguration({ dimensions: LARGE, frameRate: 10, bitrateKbps: 400 });
        await engine.publishLocalDualStream(true, { wait: false });
        await scene.join(engine, uid);
        check.equal(await engine.publishLocalVideoStream(true), PublishState.PUBLISHED);
      }
      using watchOne = new Watch(receiver, 'one');
      using watchTwo = new Watch(receiver, 'two');
      await using _one = new PictureFeed(one, 10, numbered());
      await using _two = new PictureFeed(two, 10, numbered());
      await Promise.all([watchOne.steady(320), watchTwo.steady(320)]);
      await receiver.setRemoteVideoStreamType('two', HIGH);
      await watchTwo.steady(640);
      check.equal(watchOne.seen.at(-1)?.width, 320, 'the other user stays as it was');
      await receiver.setRemoteDefaultVideoStreamType(HIGH);
      await watchOne.steady(640);
      await receiver.setRemoteDefaultVideoStreamType(LOW);
      await watchOne.steady(320);
      check.equal(watchTwo.seen.at(-1)?.width, 640, 'a choice of its own goes before the default');
      await receiver.subscribeRemoteVideoStream('one', 2, false);
      await events.first(
        'onSubscribeStreamTypeChanged',
        ({ uid, newStreamType }) => uid === 'one' && newStreamType === NONE,
      );
      checkReadable(check, watchOne);
      checkReadable(check, watchTwo);
    },
  );

  row(
    'switched on and off while published: the receiver goes back to High by itself, and the callbacks tell of it',
    {
      covers: ['PublishLocalDualStream', 'OnDualStreamPublishStateChanged', 'OnSubscribeStreamTypeChanged'],
      peer: 'engine',
    },
    async (check: Check) => {
      await using pair = await openPair(daemon, {
        prepare: async (sender) => {
          await sender.setExternalVideoSource(true);
          await sender.setVideoEncoderConfiguration({ dimensions: LARGE, frameRate: 15, bitrateKbps: 600 });
        },
      });
      using events = new EventRecord(pair.sender);
      using watch = new Watch(pair.receiver, 'sender');
      await using _feed = new PictureFeed(pair.sender, 15, numbered());
      await pair.receiver.setRemoteVideoStreamType('sender', LOW);
      await watch.steady(640);
      check.equal(await pair.sender.publishLocalDualStream(true), PublishState.PUBLISHED);
      await watch.steady(320);
      check.equal(await pair.sender.publishLocalDualStream(false), PublishState.NO_PUBLISH);
      await watch.steady(640);
      const states = events.of('onDualStreamPublishStateChanged').map(({ value }) => value.newState);
      check.equal(states, [PublishState.PUBLISHING, PublishState.PUBLISHED, PublishState.NO_PUBLISH]);
      checkReadable(check, watch);
    },
  );

  row(
    'the kind of stream is right also when the large one becomes small: by settings in the call, or by the shape of what is pushed',
    {
      covers: ['PublishLocalDualStream', 'SetVideoEncoderConfiguration', 'OnSubscribeStreamTypeChanged'],
      peer: 'engine',
    },
    async (check: Check) => {
      await using pair = await openDual();
      using events = new EventRecord(pair.receiver);
      using watch = new Watch(pair.receiver, 'sender');
      await using feed = new PictureFeed(pair.sender, 15, numbered());
      await watch.steady(640);
      feed.show(numbered(640, 128));
      await watch.steady(640);
      await eventually(() => (watch.seen.at(-1)?.height === 128 ? undefined : 'the flat picture has not come'));
      check.equal(watch.seen.at(-1)?.track, VideoTrackType.CAMERA_LARGE, 'a flat picture');
      feed.show(numbered());
      await pair.sender.setVideoEncoderConfiguration({
        dimensions: { width: 320, height: 180 },
        frameRate: 15,
        bitrateKbps: 300,
      });
      await watch.steady(320);
      check.equal(
        watch.seen.at(-1)?.track,
        VideoTrackType.CAMERA_LARGE,
        'large, by settings as small as the small one was',
      );
      checkTypeChanges(check, events, [[NONE, HIGH]]);
      await pair.receiver.setRemoteVideoStreamType('sender', LOW);
      await watch.steady(160);
      check.equal(watch.seen.at(-1)?.track, VideoTrackType.CAMERA_SMALL, 'half of it is the small one');
      checkTypeChanges(check, events, [
        [NONE, HIGH],
        [HIGH, LOW],
      ]);
    },
  );

  row(
    'a dual stream is simulcast to an official SDK: it receives it in order and readable',
    { covers: ['PublishLocalDualStream', 'PushExternalVideoFrame'], peer: '@livekit/rtc-node' },
    async (check: Check) => {
      await using pair = await openDual();
      const peer = await pair.scene.peer('alice');
      await using _feed = new PictureFeed(pair.sender, 15, numbered());
      await peer.waitFor((event) => event.event === 'first_picture' && event.identity === 'sender');
      let pictures = 0;
      await eventually(async () => {
        const video = (await peer.call('report', {})).participants['sender']?.video[0];
        check.equal(video?.outOfOrder, 0, 'pictures out of order');
        check.equal(video?.readable, video?.pictures, 'readable pictures');
        pictures += video?.pictures ?? 0;
        return pictures >= 30 ? undefined : `${pictures} pictures`;
      });
    },
  );

  row(
    'a simulcast publisher of an official SDK whose layers have one size: High, Low and High are told as they were asked for',
    {
      covers: ['SetRemoteVideoStreamType', 'OnSubscribeStreamTypeChanged', 'OnRemoteVideoSample'],
      peer: '@livekit/rtc-node',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const receiver = await scene.engine();
      using events = new EventRecord(receiver);
      await scene.join(receiver, 'receiver');
      using watch = new Watch(receiver, 'alice');
      const peer = await scene.peer('alice');
      // rtc-node declares, and sends, both layers of this size in full size.
      await peer.call('publish_video', { ...LARGE, framesPerSecond: 15, codec: 'h264', simulcast: true });
      await watch.steady(640);
      for (const [type, track] of [
        [LOW, VideoTrackType.CAMERA_SMALL],
        [HIGH, VideoTrackType.CAMERA_LARGE],
      ] as const) {
        await receiver.setRemoteVideoStreamType('alice', type);
        await eventually(() => (watch.seen.at(-1)?.track === track ? undefined : `${type} does not come`));
      }
      checkTypeChanges(check, events, [
        [NONE, HIGH],
        [HIGH, LOW],
        [LOW, HIGH],
      ]);
      checkReadable(check, watch);
    },
  );

  for (const codec of ['vp8', 'h264'] as const)
    row(
      `High and Low of a simulcast publisher of an official SDK, ${codec}`,
      {
        covers: ['SetRemoteVideoStreamType', 'OnSubscribeStreamTypeChanged', 'OnRemoteVideoSample'],
        peer: '@livekit/rtc-node',
      },
      async (check: Check) => {
        await using scene = await ChannelScene.open(daemon);
        const receiver = await scene.engine();
        using events = new EventRecord(receiver);
        await scene.join(receiver, 'receiver');
        using watch = new Watch(receiver, 'alice');
        const peer = await scene.peer('alice');
        await peer.call('publish_video', { width: 960, height: 540, framesPerSecond: 15, codec, simulcast: true });
        await watch.steady(960);
        // LiveKit may begin with the lowest layer, whose first picture the SDK encodes with the few bits it dares to send.
        watch.seen.splice(0);
        await receiver.setRemoteVideoStreamType('alice', LOW);
        await eventually(() => ((watch.seen.at(-1)?.width ?? 960) < 960 ? undefined : 'not switched'));
        await events.first('onSubscribeStreamTypeChanged', ({ newStreamType }) => newStreamType === LOW);
        await watch.steady(watch.seen.at(-1)?.width ?? 0);
        check.equal(watch.seen.at(-1)?.track, VideoTrackType.CAMERA_SMALL);
        await receiver.setRemoteVideoStreamType('alice', HIGH);
        await watch.steady(960);
        await events.first('onSubscribeStreamTypeChanged', ({ oldStreamType }) => oldStreamType === LOW);
        checkReadable(check, watch);
      },
    );
});
