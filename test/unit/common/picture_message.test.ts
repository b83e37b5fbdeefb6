import assert from 'node:assert/strict';
import { encodePictureMessage, protoTrackType, type PictureMessage } from '../../../common/picture_message.js';
import { VideoTrackType } from '../../../coreservice/ipc/enums.js';
import { videoTrackType } from '../../../daemon/conversions.js';
import { OnRemoteVideoSampleResponse } from '../../../gen/alirtc/v1/media.js';

const ZERO: PictureMessage = {
  sequence: 0,
  captureTimeUs: 0,
  droppedBefore: 0,
  uid: '',
  track: -1,
  frameMs: 0,
  frameNum: 0,
  width: 0,
  height: 0,
  qp: 0,
  sliceType: 0,
};
const USUAL: PictureMessage = {
  sequence: 7,
  captureTimeUs: 1_795_412_345_678_901,
  droppedBefore: 2,
  uid: 'alice',
  track: VideoTrackType.CameraSmall,
  frameMs: 123_456,
  frameNum: 4711,
  width: 1920,
  height: 1080,
  qp: 0,
  sliceType: 2,
  localFrame: { path: '/proc/1234/fd/29', offset: 37_400_000, length: 3_110_400, generation: 2 ** 47 - 5 },
};
/** Each length of a varint, at both its ends. */
const EDGES = [1, 7, 14, 21, 28, 31, 32, 35, 42, 49, 53].flatMap((bits) => [2 ** bits - 1, 2 ** bits]);
const SAFE = EDGES.filter((value) => Number.isSafeInteger(value));

function decoded(bytes: Buffer): OnRemoteVideoSampleResponse {
  assert.equal(bytes.readUInt32BE(), bytes.length - 4, 'the length in front');
  const message = OnRemoteVideoSampleResponse.decode(bytes.subarray(4));
  return { ...message, data: Buffer.from(message.data) };
}

function assertRoundTrip(message: PictureMessage): void {
  const { sequence, captureTimeUs, droppedBefore, track, data, localFrame, ...same } = message;
  assert.deepEqual(decoded(encodePictureMessage(message)), {
    ...same,
    header: { sequence, captureTimeUs, droppedBefore, discontinuity: false },
    track: videoTrackType.toProto(track),
    localFrame,
    lane: undefined,
    data: Buffer.from(data ?? []),
  });
}

describe('a picture message written by hand', () => {
  it('is what the generated code would write, byte by byte', () => {
    const bytes = encodePictureMessage(USUAL);
    assert.deepEqual(
      bytes.subarray(4),
      Buffer.from(OnRemoteVideoSampleResponse.encode(OnRemoteVideoSampleResponse.decode(bytes.subarray(4))).finish()),
    );
    assertRoundTrip(USUAL);
  });

  it('has no field for a zero but its header', () => {
    assertRoundTrip(ZERO);
    assert.deepEqual(encodePictureMessage(ZERO), Buffer.from([0, 0, 0, 2, 10, 0]));
    assertRoundTrip({ ...ZERO, localFrame: { path: '', offset: 0, length: 0, generation: 0 } });
  });

  it('carries whole numbers of every length', () => {
    for (const value of SAFE) {
      assertRoundTrip({ ...USUAL, sequence: value, captureTimeUs: value, droppedBefore: value });
      assertRoundTrip({ ...USUAL, frameMs: value, frameNum: value });
      assertRoundTrip({ ...USUAL, localFrame: { path: '/p', offset: value, length: value, generation: value } });
      if (value < 2 ** 31) assertRoundTrip({ ...USUAL, width: value, height: value, qp: value, sliceType: value });
    }
  });

  it('carries negative numbers as 64 bits', () => {
    for (const value of SAFE.map((one) => -one)) {
      assertRoundTrip({ ...USUAL, captureTimeUs: value, frameMs: value, frameNum: value });
      if (value >= -(2 ** 31)) assertRoundTrip({ ...USUAL, qp: value, sliceType: value });
    }
    assertRoundTrip({ ...USUAL, qp: -1, sliceType: -1 });
  });

  it('carries user ids and paths of any script and length', () => {
    for (const text of [
      'a',
      'Zoë',
      '王小明',
      '👩‍👩‍👧',
      'x'.repeat(127),
      'x'.repeat(128),
      'é'.repeat(256),
      '界'.repeat(3000),
    ]) {
      assertRoundTrip({ ...USUAL, uid: text });
      assertRoundTrip({ ...USUAL, localFrame: { path: `/${text}`, offset: 4088, length: 1, generation: 9 } });
    }
    assertRoundTrip(USUAL);
  });

  it('carries the picture itself where there is no shared memory', () => {
    for (const length of [1, 127, 128, 16_384, 3_110_400]) {
      const data = Buffer.alloc(length, length % 251);
      assertRoundTrip({ ...USUAL, localFrame: undefined, data });
    }
  });

  it('does not change when the next one is made', () => {
    const first = encodePictureMessage(USUAL);
    const copy = Buffer.from(first);
    encodePictureMessage({ ...USUAL, uid: 'bob', sequence: 99 });
    assert.deepEqual(first, copy);
  });

  it('refuses what is no whole number', () => {
    for (const value of [0.5, NaN, Infinity, 2 ** 53])
      assert.throws(() => encodePictureMessage({ ...USUAL, captureTimeUs: value }), RangeError);
  });

  it('names the track as the daemon does', () => {
    for (let track = -2; track <= 300; track++)
      assert.equal(protoTrackType(track), videoTrackType.toProto(track), `track ${track}`);
    assert.deepEqual(
      Object.values(VideoTrackType).map((track) => protoTrackType(track)),
      [1, 2, 3, 4],
    );
  });
});
