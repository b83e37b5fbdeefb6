import {
  PublishState,
  VideoCodec,
  VideoDataFormat,
  VideoSource,
  VideoTrackType,
  type VideoFrameInput,
} from '../../../client/index.js';
import { splitAnnexB } from '../../../rtp/h264.js';
import { encodePictures, type EncodedUnit } from '../../support/media/encode_pictures.js';
import { NumberedPictures, readPictureNumber } from '../../support/media/numbered_picture.js';
import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { row, type Check } from '../support/row.js';
import { openPair } from './support/pair.js';
import { PictureFeed } from './support/picture_feed.js';
import { encodedUntil, picturesUntil } from './support/receiving.js';

const SIZE = { width: 320, height: 180 };
/** Pictures of one round; the first of each is a key frame. */
const ROUND = 30;

function accessUnit(data: Buffer): VideoFrameInput {
  return { format: VideoDataFormat.H264, ...SIZE, timestampMs: 0, data };
}

/** An access unit of these NAL units; the start code of each has so many bytes. */
function withStartCodes(nals: readonly Buffer[], length: (index: number) => 3 | 4): Buffer {
  const startCode = Buffer.from([0, 0, 0, 1]);
  return Buffer.concat(nals.flatMap((nal, index) => [startCode.subarray(4 - length(index)), nal]));
}

/** RTP carries NAL units without their start codes: received ones all have the long form, so those that are pushed have it too. */
function encodeRound(pictures: NumberedPictures): EncodedUnit[] {
  return encodePictures('h264', pictures, ROUND, 15).map(({ data, keyFrame }) => ({
    keyFrame,
    data: withStartCodes(splitAnnexB(data), () => 4),
  }));
}

describe('conformance: H.264 goes through as it is', () => {
  let daemon: RunningDaemon;
  const pictures = new NumberedPictures(SIZE.width, SIZE.height, 30);
  const units = encodeRound(pictures);
  before(async () => {
    daemon = await startDaemon();
  });
  after(async () => {
    await daemon.stop();
  });

  row(
    'pushed access units arrive bit by bit as they were, in order, and decode to their pictures',
    { covers: ['PushExternalVideoFrame', 'OnRemoteVideoEncodedSample', 'OnRemoteVideoSample'], peer: 'engine' },
    async (check: Check) => {
      await using pair = await openPair(daemon, { prepare: (sender) => sender.setExternalVideoSource(true) });
      await using feed = new PictureFeed(pair.sender, 30, (i) => accessUnit(units[i % ROUND]?.data ?? Buffer.alloc(0)));
      const [received] = await Promise.all([
        encodedUntil(pair.receiver, { uid: 'sender' }, (_, index) => index === 2 * ROUND),
        picturesUntil(pair.receiver, { uid: 'sender' }, (picture, index) => {
          const number = readPictureNumber(picture.data, picture.width, picture.height);
          check.ok(number !== undefined && number < ROUND, `picture ${index}: number ${number}`);
          return index === ROUND;
        }),
      ]);
      check.ok(received[0]?.keyFrame, 'the first access unit is a key frame');
      const begin = units.findIndex(({ data }) => received[0]?.data.equals(data));
      check.ok(begin >= 0, 'the first access unit is none of those that were pushed');
      for (const [index, unit] of received.entries()) {
        const pushed = units[(begin + index) % ROUND];
        check.ok(pushed?.data.equals(unit.data) === true, `access unit ${index} is not what was pushed`);
        check.equal(unit.keyFrame, pushed?.keyFrame, `access unit ${index}: key frame`);
      }
      check.equal([received[0]?.width, received[0]?.height], [SIZE.width, SIZE.height]);
      check.equal(received[0]?.codec, VideoCodec.H264);
      check.equal(received[0]?.track, VideoTrackType.CAMERA_LARGE);
      check.ok(feed.pushed > 2 * ROUND, 'pictures pushed');
    },
  );

  row(
    'start codes of three and four bytes: the NAL units of an access unit arrive bit by bit and in order, each behind one of four bytes',
    { covers: ['PushExternalVideoFrame', 'OnRemoteVideoEncodedSample'], peer: 'engine' },
    async (check: Check) => {
      await using pair = await openPair(daemon, { prepare: (sender) => sender.setExternalVideoSource(true) });
      const short = units.map(({ data }) => withStartCodes(splitAnnexB(data), (nal) => (nal === 0 ? 4 : 3)));
      check.ok(
        short.some((data, index) => data.length < (units[index]?.data.length ?? 0)),
        'some start codes are short',
      );
      await using _feed = new PictureFeed(pair.sender, 30, (i) => accessUnit(short[i % ROUND] ?? Buffer.alloc(0)));
      const received = await encodedUntil(pair.receiver, { uid: 'sender' }, (_, index) => index === ROUND);
      const nals = units.map(({ data }) => splitAnnexB(data).map((nal) => nal.toString('base64')));
      const got = received.map(({ data }) => splitAnnexB(data).map((nal) => nal.toString('base64')));
      const begin = nals.findIndex((unit) => unit.join() === got[0]?.join());
      check.ok(begin >= 0, 'the first access unit is none of those that were pushed');
      for (const [index, unit] of received.entries()) {
        check.equal(got[index], nals[(begin + index) % ROUND], `NAL units of access unit ${index}`);
        check.ok(unit.data.equals(withStartCodes(splitAnnexB(unit.data), () => 4)), `start codes of unit ${index}`);
      }
    },
  );

  row(
    'one by one: the unary call pushes access units and pictures too',
    { covers: ['PushExternalVideoFrame', 'OnRemoteVideoEncodedSample'], peer: 'engine' },
    async (check: Check) => {
      await using pair = await openPair(daemon, { prepare: (sender) => sender.setExternalVideoSource(true) });
      let index = 0;
      let pushing = true;
      const pushes = (async () => {
        for (; pushing; index++) {
          await pair.sender.pushExternalVideoFrame(accessUnit(units[index % ROUND]?.data ?? Buffer.alloc(0)));
          await new Promise((resolve) => setTimeout(resolve, 30));
        }
      })();
      const received = await encodedUntil(pair.receiver, { uid: 'sender' }, (_, count) => count === ROUND);
      for (const unit of received)
        check.ok(
          units.some(({ data }) => data.equals(unit.data)),
          'an access unit that was not pushed',
        );
      pushing = false;
      await pushes;
      // Pictures take over from access units.
      pushing = true;
      const raw = (async () => {
        for (; pushing; index++) {
          const data = pictures.draw(1000 + index);
          await pair.sender.pushExternalVideoFrame({ format: VideoDataFormat.I420, ...SIZE, timestampMs: 0, data });
          await new Promise((resolve) => setTimeout(resolve, 60));
        }
      })();
      let last = -1;
      await picturesUntil(pair.receiver, { uid: 'sender' }, (picture) => {
        const number = readPictureNumber(picture.data, picture.width, picture.height) ?? -1;
        if (number >= 1000) check.ok(number > last, `number ${number} after ${last}`);
        last = number;
        return number >= 1010;
      });
      pushing = false;
      await raw;
    },
  );

  row(
    'the screen takes access units as well, beside pictures of the camera',
    { covers: ['PushExternalVideoFrame', 'PublishScreenShareStream', 'OnRemoteVideoEncodedSample'], peer: 'engine' },
    async (check: Check) => {
      await using pair = await openPair(daemon, {
        prepare: async (sender) => {
          await sender.setExternalVideoSource(true);
          await sender.setExternalVideoSource(true, { sourceType: VideoSource.SCREEN_SHARE });
        },
      });
      check.equal(await pair.sender.publishScreenShareStream(true), PublishState.PUBLISHED);
      const raw = (number: number): VideoFrameInput => ({
        format: VideoDataFormat.I420,
        ...SIZE,
        timestampMs: 0,
        data: pictures.draw(number),
      });
      await using _camera = new PictureFeed(pair.sender, 15, raw);
      await using _screen = new PictureFeed(
        pair.sender,
        15,
        (i) => accessUnit(units[i % ROUND]?.data ?? Buffer.alloc(0)),
        VideoSource.SCREEN_SHARE,
      );
      const screenOnly = { uid: 'sender', tracks: [VideoTrackType.SCREEN_SHARE] };
      const cameraOnly = { uid: 'sender', tracks: [VideoTrackType.CAMERA_LARGE] };
      const [screen, camera] = await Promise.all([
        encodedUntil(pair.receiver, screenOnly, (_, index) => index === ROUND),
        encodedUntil(pair.receiver, cameraOnly, (_, index) => index === ROUND),
      ]);
      for (const unit of screen)
        check.ok(
          units.some(({ data }) => data.equals(unit.data)),
          'an access unit of the screen that was not pushed',
        );
      for (const unit of camera)
        check.ok(
          !units.some(({ data }) => data.equals(unit.data)),
          'an access unit of the screen in the camera stream',
        );
    },
  );
});
