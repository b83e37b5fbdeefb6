import {
  VideoBufferType,
  VideoDataFormat,
  VideoSource,
  VideoTrackType,
  type Engine,
  type VideoFrameInput,
} from '../../../client/index.js';
import { eventually } from '../../support/eventually.js';
import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { row, type Check } from '../support/row.js';
import { EventRecord } from './support/event_record.js';
import { openPair } from './support/pair.js';
import { PictureFeed } from './support/picture_feed.js';
import { picturesUntil } from './support/receiving.js';

/** Of one grey level. */
function grey(width: number, height: number, level: number): VideoFrameInput {
  const data = Buffer.alloc((width * height * 3) / 2, 128);
  data.fill(level, 0, width * height);
  return { format: VideoDataFormat.I420, width, height, timestampMs: 0, data };
}

const { CAMERA, SCREEN_SHARE } = VideoSource;

describe('conformance: what can be pushed and what not', () => {
  let daemon: RunningDaemon;
  before(async () => {
    daemon = await startDaemon();
  });
  after(async () => {
    await daemon.stop();
  });

  row(
    'malformed pictures are refused by the field at fault, nothing of them is kept, and the next one goes through',
    { covers: ['PushExternalVideoFrame', 'SetExternalVideoSource'], peer: 'engine' },
    async (check: Check) => {
      await using pair = await openPair(daemon);
      const { sender } = pair;
      const good = grey(320, 180, 100);
      const refuse = (frame: VideoFrameInput, field: string, sourceType = CAMERA): Promise<void> =>
        check.rejects(sender.pushExternalVideoFrame(frame, { sourceType }), {
          reason: 'ERR_VIDEO_DATA_ERROR',
          field: `frame.${field}`,
        });
      await check.rejects(sender.pushExternalVideoFrame(good), { reason: 'ERR_VIDEO_DATA_ERROR' });
      await sender.setExternalVideoSource(true);
      await refuse({ ...good, data: good.data.subarray(1) }, 'data');
      await refuse({ ...good, data: Buffer.alloc(0) }, 'data');
      await refuse({ ...good, strideY: 319 }, 'stride_y');
      await refuse({ ...good, strideU: 159 }, 'stride_u');
      await refuse({ ...good, strideV: 1 }, 'stride_v');
      await refuse({ ...good, rotation: 45 }, 'rotation');
      await refuse({ ...good, width: 0 }, 'width');
      await refuse({ ...good, height: -2 }, 'height');
      await refuse({ ...good, format: VideoDataFormat.H265 }, 'format');
      await refuse({ ...good, bufferType: VideoBufferType.TEXTURE }, 'buffer_type');
      await refuse(grey(1922, 1080, 100), 'width');
      await check.rejects(sender.pushExternalVideoFrame(good, { sourceType: SCREEN_SHARE }), {
        reason: 'ERR_VIDEO_DATA_ERROR',
      });
      check.equal((await sender.getRemainDataBufferSize(1)).videoBufferFrames, 0, 'pictures kept');
      await using _feed = new PictureFeed(sender, 15, () => good);
      await picturesUntil(pair.receiver, { uid: 'sender' }, ({ data }) => Math.abs((data[1000] ?? 0) - 100) < 3);
      await sender.setExternalVideoSource(false, { sourceType: SCREEN_SHARE });
    },
  );

  row(
    'the largest: 1920x1080 of the camera in either orientation, 3840x2160 of the screen',
    {
      covers: ['PushExternalVideoFrame', 'SetVideoEncoderConfiguration', 'SetScreenShareEncoderConfiguration'],
      peer: 'engine',
    },
    async (check: Check) => {
      await using pair = await openPair(daemon, {
        prepare: async (sender) => {
          await sender.setExternalVideoSource(true);
          await sender.setExternalVideoSource(true, { sourceType: SCREEN_SHARE });
          await sender.setVideoEncoderConfiguration({
            dimensions: { width: 1920, height: 1080 },
            frameRate: 5,
            bitrateKbps: 0,
          });
        },
      });
      const { sender, receiver } = pair;
      const arrives = async (width: number, height: number, track: VideoTrackType): Promise<void> => {
        const source = track === VideoTrackType.SCREEN_SHARE ? SCREEN_SHARE : CAMERA;
        const level = 60 + (height % 100);
        const picture = grey(width, height, level);
        await using _feed = new PictureFeed(sender, 4, () => picture, source);
        await picturesUntil(receiver, { uid: 'sender', tracks: [track] }, ({ data, ...size }) => {
          if (size.width !== width || size.height !== height) return false;
          check.within(data[width * (height - 1)] ?? 0, level - 3, level + 3, `${width}x${height}: level`);
          return true;
        });
      };
      await arrives(1920, 1080, VideoTrackType.CAMERA_LARGE);
      await arrives(1080, 1920, VideoTrackType.CAMERA_LARGE);
      await sender.publishScreenShareStream(true);
      await arrives(3840, 2160, VideoTrackType.SCREEN_SHARE);
    },
  );

  row(
    'NoDelay: what does not fit behind the encoder is refused by name; full and drained are told once each; the stream waits instead',
    { covers: ['OnPushVideoFrameBufferFull', 'PushExternalVideoFrame'], peer: 'engine' },
    async (check: Check) => {
      await using pair = await openPair(daemon, {
        prepare: async (sender) => {
          await sender.setExternalVideoSource(true);
          await sender.setVideoEncoderConfiguration({
            dimensions: { width: 1280, height: 720 },
            frameRate: 30,
            bitrateKbps: 0,
          });
        },
      });
      const { sender } = pair;
      using events = new EventRecord(sender);
      const picture = grey(1280, 720, 90);
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, () => sender.pushExternalVideoFrame(picture)),
      );
      const refusals = results.flatMap((result) =>
        result.status === 'rejected' ? [(result.reason as { reason?: string }).reason] : [],
      );
      check.within(refusals.length, 1, 15, 'refused of 20 at once');
      check.ok(
        refusals.every((reason) => reason === 'ERR_AUDIO_BUFFER_FULL'),
        `reasons: ${refusals.join()}`,
      );
      await drained(sender);
      await events.first('onPushVideoFrameBufferFull', ({ isFull }) => !isFull);
      const edges = (): boolean[] => events.of('onPushVideoFrameBufferFull').map(({ value }) => value.isFull);
      check.equal(edges().slice(0, 2), [true, false], 'edges');
      const told = edges().length;
      const push = sender.videoPush();
      for (let i = 0; i < 12; i++) await push.push(picture);
      check.equal((await push.end()).acceptedFrames, 12, 'pictures that the stream took');
      await drained(sender);
      check.equal(edges().length, told, 'edges, after the stream');
    },
  );
});

function drained(engine: Engine): Promise<void> {
  return eventually(async () => {
    const { videoBufferFrames } = await engine.getRemainDataBufferSize(1);
    return videoBufferFrames === 0 ? undefined : `${videoBufferFrames} pictures queued`;
  });
}
