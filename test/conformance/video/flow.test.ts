import {
  BufferDataType,
  PublishAvsyncMode,
  PublishState,
  VideoDataFormat,
  VideoSource,
  VideoTrack,
  VideoTrackType,
  type VideoFrameInput,
} from '../../../client/index.js';
import { eventually } from '../../support/eventually.js';
import { encodePictures } from '../../support/media/encode_pictures.js';
import { NumberedPictures, readPictureNumber } from '../../support/media/numbered_picture.js';
import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { row, type Check } from '../support/row.js';
import { EventRecord } from './support/event_record.js';
import { openPair } from './support/pair.js';
import { PictureFeed } from './support/picture_feed.js';
import { encodedUntil, picturesUntil, waitForScene } from './support/receiving.js';
import { drawScene } from './support/scene_picture.js';

const SIZE = { width: 320, height: 180 };

function numbered(from = 0, size = SIZE): (number: number) => VideoFrameInput {
  const pictures = new NumberedPictures(size.width, size.height, 15);
  return (number) => ({ format: VideoDataFormat.I420, ...size, timestampMs: 0, data: pictures.draw(from + number) });
}

const openCamera = (daemon: RunningDaemon): ReturnType<typeof openPair> =>
  openPair(daemon, {
    prepare: async (sender) => {
      await sender.setExternalVideoSource(true);
      await sender.setVideoEncoderConfiguration({ dimensions: SIZE, frameRate: 30, bitrateKbps: 600 });
    },
  });

/** Largest difference from black (16, 128, 128) in a picture. */
function fromBlack({ width, height, data }: { width: number; height: number; data: Buffer }): number {
  let most = 0;
  for (let i = 0; i < data.length; i++)
    most = Math.max(most, Math.abs((data[i] ?? 0) - (i < width * height ? 16 : 128)));
  return most;
}

describe('conformance: the flow of pictures', () => {
  let daemon: RunningDaemon;
  before(async () => {
    daemon = await startDaemon();
  });
  after(async () => {
    await daemon.stop();
  });

  row(
    'camera and screen at once: each under its own kind with its own size and content, and the tracks are told',
    {
      covers: ['PublishScreenShareStream', 'SetExternalVideoSource', 'PushExternalVideoFrame', 'OnRemoteVideoSample'],
      peer: 'engine and @livekit/rtc-node',
    },
    async (check: Check) => {
      await using pair = await openCamera(daemon);
      const { sender, receiver } = pair;
      using events = new EventRecord(receiver);
      await sender.setExternalVideoSource(true, { sourceType: VideoSource.SCREEN_SHARE });
      check.equal(await sender.publishScreenShareStream(true), PublishState.PUBLISHED);
      const both = await events.first(
        'onRemoteTrackAvailableNotify',
        ({ videoTrack }) => videoTrack === VideoTrack.BOTH,
      );
      check.equal(both.uid, 'sender');
      const [camera, screen] = [{ marker: 5 }, { marker: 10 }];
      const draw = (scene: typeof camera, width: number, height: number) => () =>
        drawScene(scene, VideoDataFormat.I420, width, height);
      await using _camera = new PictureFeed(sender, 15, draw(camera, 320, 180));
      await using _screen = new PictureFeed(sender, 10, draw(screen, 400, 300), VideoSource.SCREEN_SHARE);
      const peer = await pair.scene.peer('alice');
      for (const [track, scene, width, height] of [
        [VideoTrackType.CAMERA_LARGE, camera, 320, 180],
        [VideoTrackType.SCREEN_SHARE, screen, 400, 300],
      ] as const) {
        const seen = await waitForScene(receiver, { uid: 'sender', tracks: [track] }, { scene, width, height });
        check.ok(seen.within, `track ${track}: ${JSON.stringify(seen)}`);
      }
      await eventually(async () => {
        const video = (await peer.call('report', {})).participants['sender']?.video ?? [];
        const sizes = video.filter(({ pictures }) => pictures > 0).map(({ width, height }) => `${width}x${height}`);
        return sizes.sort().join() === '320x180,400x300' ? undefined : `the other one sees ${sizes.join()}`;
      });
      await sender.muteLocalCamera(true);
      await picturesUntil(receiver, { uid: 'sender', tracks: [VideoTrackType.CAMERA_LARGE] }, (p) => fromBlack(p) <= 6);
      const shown = await waitForScene(
        receiver,
        { uid: 'sender', tracks: [VideoTrackType.SCREEN_SHARE] },
        { scene: screen, width: 400, height: 300 },
      );
      check.ok(shown.within, `the screen beside a muted camera: ${JSON.stringify(shown)}`);
      await sender.muteLocalCamera(false);
      check.equal(await sender.publishScreenShareStream(false), PublishState.NO_PUBLISH);
      await events.first('onRemoteTrackAvailableNotify', ({ videoTrack }) => videoTrack === VideoTrack.CAMERA);
      const seen = await waitForScene(receiver, { uid: 'sender' }, { scene: camera, width: 320, height: 180 });
      check.ok(seen.within, `the camera goes on: ${JSON.stringify(seen)}`);
    },
  );

  row(
    'a muted camera is black pictures at the same rate and size, also of access units larger than the configuration, with no change of tracks or states; then it goes on',
    { covers: ['MuteLocalCamera', 'OnRemoteVideoSample'], peer: 'engine' },
    async (check: Check) => {
      await using pair = await openCamera(daemon);
      const { sender, receiver } = pair;
      await using feed = new PictureFeed(sender, 15, numbered());
      await picturesUntil(receiver, { uid: 'sender' }, (_, index) => index === 5);
      using there = new EventRecord(receiver);
      using here = new EventRecord(sender);
      const readable = (picture: { data: Buffer; width: number; height: number }): boolean =>
        readPictureNumber(picture.data, picture.width, picture.height) !== undefined;
      const becomesBlack = async (what: string, size: { width: number; height: number }): Promise<void> => {
        await sender.muteLocalCamera(true);
        let blackSince = 0;
        await picturesUntil(receiver, { uid: 'sender' }, (picture) => {
          check.equal([picture.width, picture.height], [size.width, size.height], `${what}: size`);
          if (fromBlack(picture) > 6) blackSince = 0;
          else if (++blackSince === 1) return false;
          return blackSince === 15;
        });
        check.equal(blackSince, 15, `${what}: black pictures in succession`);
        await sender.muteLocalCamera(false);
        await picturesUntil(receiver, { uid: 'sender' }, readable);
      };
      await becomesBlack('pictures', SIZE);
      for (const size of [SIZE, { width: 2 * SIZE.width, height: 2 * SIZE.height }]) {
        const units = encodePictures('h264', new NumberedPictures(size.width, size.height, 15), 30, 15);
        const data = (i: number): Buffer => units[i % units.length]?.data ?? Buffer.alloc(0);
        feed.show((i) => ({ format: VideoDataFormat.H264, ...size, timestampMs: 0, data: data(i) }));
        await encodedUntil(receiver, { uid: 'sender' }, ({ width, keyFrame }) => keyFrame && width === size.width);
        await becomesBlack(`access units of ${size.width}x${size.height}`, size);
      }
      const told = [...there.all, ...here.all].map(({ type }) => type);
      const changes = told.filter((type) => /TrackAvailable|PublishState|SubscribeState|OffLine|onError/.test(type));
      check.equal(changes, [], 'changes of tracks or states');
      check.equal((await sender.snapshot())?.camera, PublishState.PUBLISHED);
    },
  );

  row(
    'a callback period lets through at most one picture in that time; 0 gives all again; access units are not thinned out',
    { covers: ['SetVideoCallbackPeriod', 'OnRemoteVideoSample'], peer: 'engine' },
    async (check: Check) => {
      await using pair = await openCamera(daemon);
      const { sender, receiver } = pair;
      await using _feed = new PictureFeed(sender, 20, numbered());
      await picturesUntil(receiver, { uid: 'sender' }, (_, index) => index === 3);
      await receiver.setVideoCallbackPeriod(400);
      const arrivals: number[] = [];
      const [, units] = await Promise.all([
        picturesUntil(receiver, { uid: 'sender' }, (picture) => {
          const number = readPictureNumber(picture.data, picture.width, picture.height);
          check.ok(number !== undefined, 'a picture that is not readable');
          return arrivals.push(performance.now()) === 6;
        }),
        encodedUntil(receiver, { uid: 'sender' }, (_, index) => index === 30),
      ]);
      // The first one may be from before the call.
      const gaps = arrivals.slice(2).map((at, i) => at - (arrivals[i + 1] ?? at));
      for (const gap of gaps) check.within(gap, 350, 600, 'ms between pictures');
      const spanMs = ((units.at(-1)?.captureTimeUs ?? 0) - (units[0]?.captureTimeUs ?? 0)) / 1000;
      check.within(spanMs / 30, 40, 60, 'ms between access units');
      await receiver.setVideoCallbackPeriod(0);
      const all: number[] = [];
      await picturesUntil(receiver, { uid: 'sender' }, () => all.push(performance.now()) === 25);
      check.within(((all.at(-1) ?? 0) - (all[4] ?? 0)) / 20, 35, 65, 'ms between pictures without a period');
    },
  );

  row(
    'WithPts: a full cache refuses the picture whole and tells once; half empty is told once; pictures come by their timestamps',
    { covers: ['OnPushVideoFrameBufferFull', 'PushExternalVideoFrame'], peer: 'engine' },
    async (check: Check) => {
      const cache = 20;
      await using pair = await openPair(daemon, {
        prepare: async (sender) => {
          await sender.setExternalVideoSource(true);
          await sender.setVideoEncoderConfiguration({ dimensions: SIZE, frameRate: 20, bitrateKbps: 500 });
        },
        senderConfig: {
          publishAvsyncMode: PublishAvsyncMode.WITH_PTS,
          publishAvsyncWithPtsMaxVideoCacheSize: cache,
        },
      });
      const { sender, receiver } = pair;
      using events = new EventRecord(sender);
      const draw = numbered();
      const push = (number: number, timestampMs = number * 50): Promise<void> =>
        sender.pushExternalVideoFrame({ ...draw(number), timestampMs });
      const numbers: { number: number; timeMs: number }[] = [];
      const reading = picturesUntil(receiver, { uid: 'sender' }, (picture) => {
        const number = readPictureNumber(picture.data, picture.width, picture.height) ?? -1;
        numbers.push({ number, timeMs: picture.captureTimeUs / 1000 });
        return number === 900;
      });
      const { accepted, refused, tookMs } = await fill(push, 6 * cache);
      check.within(accepted, cache, cache + tookMs / 50 + 2, `pictures accepted in ${tookMs} ms`);
      check.ok(refused >= 2, `pictures refused: ${refused}`);
      await events.first('onPushVideoFrameBufferFull', ({ isFull }) => isFull);
      await events.first('onPushVideoFrameBufferFull', ({ isFull }) => !isFull);
      const { videoBufferFrames } = await sender.getRemainDataBufferSize(BufferDataType.VIDEO_ONLY);
      check.within(videoBufferFrames, cache / 2 - 2, cache / 2, 'pictures queued when it is told that half is free');
      // One more as the end.
      await eventually(async () => {
        const { videoBufferFrames: left } = await sender.getRemainDataBufferSize(BufferDataType.VIDEO_ONLY);
        return left === 0 ? undefined : `${left} pictures left`;
      });
      await push(900, accepted * 50);
      await reading;
      check.equal(
        events.of('onPushVideoFrameBufferFull').map(({ value }) => value.isFull),
        [true, false],
        'edges',
      );
      const sent = numbers.filter(({ number }) => number < 900);
      check.ok(
        sent.every(({ number }) => number >= 0 && number < accepted),
        'what was refused does not come',
      );
      for (const [i, { number }] of sent.entries())
        if (i > 0) check.ok(number > (sent[i - 1]?.number ?? 0), 'in order');
      // A machine that is busy may put one off, beyond 100 ms together with all behind it; most keep their distance.
      const gaps = sent.slice(1).map(({ number, timeMs }, i) => {
        const before = sent[i];
        return (timeMs - (before?.timeMs ?? 0)) / (number - (before?.number ?? 0));
      });
      const median = gaps.sort((x, y) => x - y)[Math.floor(gaps.length / 2)] ?? 0;
      check.within(median, 45, 55, 'ms between pictures whose timestamps are 50 ms apart');
      const spanMs = (sent.at(-1)?.timeMs ?? 0) - (sent[0]?.timeMs ?? 0);
      check.ok(spanMs > 50 * ((sent.at(-1)?.number ?? 0) - (sent[0]?.number ?? 0)) - 160, `over ${spanMs} ms`);
    },
  );
});

/** Pushes without a pause; the first ones are accepted, then they are refused by name. */
async function fill(
  push: (number: number) => Promise<void>,
  count: number,
): Promise<{ accepted: number; refused: number; tookMs: number }> {
  const beganAt = performance.now();
  let accepted = 0;
  let refused = 0;
  while (accepted + refused < count && refused < 3) {
    try {
      await push(accepted);
      accepted++;
    } catch (error) {
      if ((error as { reason?: string }).reason !== 'ERR_AUDIO_BUFFER_FULL') throw error;
      refused++;
    }
  }
  return { accepted, refused, tookMs: performance.now() - beganAt };
}
