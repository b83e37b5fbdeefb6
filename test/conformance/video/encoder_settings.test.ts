import {
  VideoDataFormat,
  VideoSource,
  VideoTrackType,
  type EncodedPicture,
  type Engine,
  type VideoFrameInput,
} from '../../../client/index.js';
import { NumberedPictures } from '../../support/media/numbered_picture.js';
import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { row, sideBySide, type Check } from '../support/row.js';
import { openPair } from './support/pair.js';
import { PictureFeed } from './support/picture_feed.js';
import { encodedUntil } from './support/receiving.js';

const MEASURED_MS = 5000;

interface Setting {
  width: number;
  height: number;
  frameRate: number;
  bitrateKbps: number;
  keyFrameIntervalMs?: number;
}

/** Pictures with a moving texture, which an encoder cannot make much smaller than it is asked to. */
function texture(width: number, height: number): (number: number) => VideoFrameInput {
  const pictures = new NumberedPictures(width, height, 30);
  return (number) => ({ format: VideoDataFormat.I420, width, height, timestampMs: 0, data: pictures.draw(number) });
}

interface Measured {
  /** From the call to the arrival of the first access unit of the new size. */
  effectiveAfterMs: number;
  size: string;
  framesPerSecond: number;
  kbps: number;
  longestKeyFrameIntervalMs: number;
}

/** Calls `change`, waits for the first access unit of that size and measures over the five seconds from a second after. */
async function measure(
  receiver: Engine,
  track: VideoTrackType,
  size: { width: number; height: number },
  change: () => Promise<void>,
): Promise<Measured> {
  const isNew = (unit: EncodedPicture): boolean => unit.width === size.width && unit.height === size.height;
  let effectiveAfterMs = Infinity;
  let beginUs = Infinity;
  const from = { uid: 'sender', tracks: [track], timeoutMs: 12_000 };
  const calledAt = performance.now();
  const [all] = await Promise.all([
    encodedUntil(receiver, from, (unit) => {
      if (!isNew(unit)) return false;
      if (effectiveAfterMs === Infinity) {
        effectiveAfterMs = performance.now() - calledAt;
        beginUs = unit.captureTimeUs + 1_000_000;
      }
      return unit.captureTimeUs >= beginUs + MEASURED_MS * 1000;
    }),
    change(),
  ]);
  const units = all.filter(
    (unit) => isNew(unit) && unit.captureTimeUs >= beginUs && unit.captureTimeUs < beginUs + MEASURED_MS * 1000,
  );
  const bytes = units.reduce((sum, unit) => sum + unit.data.length, 0);
  const keyTimes = all.filter((unit) => isNew(unit) && unit.keyFrame).map((unit) => unit.captureTimeUs / 1000);
  const intervals = keyTimes.slice(1).map((time, i) => time - (keyTimes[i] ?? time));
  return {
    effectiveAfterMs,
    size: [...new Set(units.map((unit) => `${unit.width}x${unit.height}`))].join(),
    framesPerSecond: units.length / (MEASURED_MS / 1000),
    kbps: (bytes * 8) / MEASURED_MS,
    longestKeyFrameIntervalMs: Math.max(...intervals),
  };
}

function checkMeasured(check: Check, wanted: Setting, found: Measured): void {
  const name = `${wanted.width}x${wanted.height} at ${wanted.frameRate}`;
  check.within(found.effectiveAfterMs, 0, 1000, `${name}: ms until effective`);
  check.equal(found.size, `${wanted.width}x${wanted.height}`, `${name}: size`);
  check.within(found.framesPerSecond, wanted.frameRate * 0.95, wanted.frameRate * 1.05, `${name}: frames per second`);
  check.within(found.kbps, wanted.bitrateKbps * 0.85, wanted.bitrateKbps * 1.15, `${name}: kbit/s over 5 s`);
  const { keyFrameIntervalMs } = wanted;
  if (keyFrameIntervalMs === undefined) return;
  const shortest = keyFrameIntervalMs - 2 * (1000 / wanted.frameRate);
  check.within(found.longestKeyFrameIntervalMs, shortest, keyFrameIntervalMs + 5, `${name}: key frame interval, ms`);
}

describe('conformance: encoder settings', () => {
  let daemon: RunningDaemon;
  before(async () => {
    daemon = await startDaemon();
  });
  after(async () => {
    await daemon.stop();
  });

  sideBySide(() => {
    row(
      'of the camera, changed in the call: effective in a second; size, rate, bit rate and key frame interval measured over 5 s each',
      { covers: ['SetVideoEncoderConfiguration', 'OnRemoteVideoEncodedSample'], peer: 'engine' },
      async (check: Check) => {
        await using pair = await openPair(daemon, { prepare: (sender) => sender.setExternalVideoSource(true) });
        await using _feed = new PictureFeed(pair.sender, 30, texture(640, 360));
        const settings: Setting[] = [
          { width: 320, height: 180, frameRate: 30, bitrateKbps: 600, keyFrameIntervalMs: 1000 },
          { width: 640, height: 360, frameRate: 15, bitrateKbps: 512, keyFrameIntervalMs: 2000 },
          { width: 480, height: 270, frameRate: 10, bitrateKbps: 300, keyFrameIntervalMs: 3000 },
        ];
        for (const { width, height, ...rest } of settings) {
          const measured = await measure(pair.receiver, VideoTrackType.CAMERA_LARGE, { width, height }, () =>
            pair.sender.setVideoEncoderConfiguration({ dimensions: { width, height }, ...rest }),
          );
          checkMeasured(check, { width, height, ...rest }, measured);
        }
      },
    );

    row(
      'of the screen, changed in the call beside the camera: effective in a second; size, rate and bit rate measured over 5 s',
      {
        covers: ['SetScreenShareEncoderConfiguration', 'PublishScreenShareStream', 'OnRemoteVideoEncodedSample'],
        peer: 'engine',
      },
      async (check: Check) => {
        await using pair = await openPair(daemon, {
          prepare: async (sender) => {
            await sender.setExternalVideoSource(true, { sourceType: VideoSource.CAMERA });
            await sender.setExternalVideoSource(true, { sourceType: VideoSource.SCREEN_SHARE });
          },
        });
        await pair.sender.publishScreenShareStream(true);
        await using _camera = new PictureFeed(pair.sender, 15, texture(320, 240));
        await using _screen = new PictureFeed(pair.sender, 30, texture(640, 360), VideoSource.SCREEN_SHARE);
        const track = VideoTrackType.SCREEN_SHARE;
        // As captured is what it begins with.
        const first = await encodedUntil(pair.receiver, { uid: 'sender', tracks: [track] }, (_, index) => index === 3);
        check.equal([first[0]?.width, first[0]?.height], [640, 360], 'as captured');
        const wanted = { width: 480, height: 270, frameRate: 15, bitrateKbps: 500 };
        const { width, height, ...rest } = wanted;
        const measured = await measure(pair.receiver, track, { width, height }, () =>
          pair.sender.setScreenShareEncoderConfiguration({ dimensions: { width, height }, ...rest }),
        );
        checkMeasured(check, wanted, measured);
        const camera = await encodedUntil(
          pair.receiver,
          { uid: 'sender', tracks: [VideoTrackType.CAMERA_LARGE] },
          (_, index) => index === 5,
        );
        for (const unit of camera) check.equal([unit.width, unit.height], [640, 480], 'the camera keeps its own');
      },
    );
  });
});
