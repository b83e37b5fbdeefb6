import assert from 'node:assert/strict';
import { AlirtcError } from '../../../common/errors.js';
import { VideoSource } from '../../../coreservice/ipc/enums.js';
import { checkId, checkJsonObject, checkPortRange } from '../../../daemon/engine/checks.js';
import { checkJoin, queueCapacity } from '../../../daemon/engine/join_request.js';
import { newEngineId } from '../../../daemon/engine/engine_registry.js';
import { checkAudioChunk, splitAudio } from '../../../daemon/media/audio_checks.js';
import { checkVideoFrame } from '../../../daemon/media/video_checks.js';
import { isAnnexBKeyFrame } from '../../../daemon/media/annexb_key_frame.js';
import { JoinChannelRequest } from '../../../gen/alirtc/v1/engine.js';
import { PublishAvsyncMode, VideoDataFormat as F, VideoDataSample } from '../../../gen/alirtc/v1/types.js';

const bytes = (count: number) => Buffer.alloc(count);
const MAX_STRIDE = 10_000;

type Sample = Partial<VideoDataSample>;
const GOOD: { title: string; frame: Sample; strides: [number, number, number]; bytes: number; screen?: true }[] = [
  {
    title: 'I420 of odd size',
    frame: { format: F.I420, width: 5, height: 3, data: bytes(27) },
    strides: [5, 3, 3],
    bytes: 27,
  },
  {
    title: 'I420 with padding',
    frame: { format: F.I420, width: 4, height: 2, strideY: 8, strideU: 4, strideV: 4, data: bytes(24) },
    strides: [8, 4, 4],
    bytes: 24,
  },
  { title: 'NV12', frame: { format: F.NV12, width: 5, height: 3, data: bytes(27) }, strides: [5, 6, 0], bytes: 27 },
  { title: 'NV21', frame: { format: F.NV21, width: 4, height: 2, data: bytes(12) }, strides: [4, 4, 0], bytes: 12 },
  { title: 'BGRA', frame: { format: F.BGRA, width: 4, height: 2, data: bytes(32) }, strides: [16, 0, 0], bytes: 32 },
  { title: 'RGB24', frame: { format: F.RGB24, width: 4, height: 2, data: bytes(24) }, strides: [12, 0, 0], bytes: 24 },
  { title: 'BGR24', frame: { format: F.BGR24, width: 3, height: 1, data: bytes(9) }, strides: [9, 0, 0], bytes: 9 },
  {
    title: 'a buffer that is longer than the picture',
    frame: { format: F.I420, width: 4, height: 2, data: bytes(100) },
    strides: [4, 2, 2],
    bytes: 12,
  },
  {
    title: 'H.264 without a size',
    frame: { format: F.H264, data: Buffer.from([0, 0, 0, 1, 0x65, 1]) },
    strides: [0, 0, 0],
    bytes: 6,
  },
  {
    title: 'a 4K picture of the screen',
    frame: { format: F.NV12, width: 3840, height: 2160, data: bytes((3840 * 2160 * 3) / 2) },
    strides: [3840, 3840, 0],
    bytes: (3840 * 2160 * 3) / 2,
    screen: true,
  },
];

const BAD: { title: string; frame: Sample | undefined; field: string }[] = [
  { title: 'no picture', frame: undefined, field: 'frame' },
  { title: 'no format', frame: { width: 4, height: 2, data: bytes(12) }, field: 'frame.format' },
  { title: 'H.265', frame: { format: F.H265, width: 4, height: 2, data: bytes(12) }, field: 'frame.format' },
  {
    title: 'a texture',
    frame: { format: F.I420, bufferType: 3, width: 4, height: 2, data: bytes(12) },
    field: 'frame.buffer_type',
  },
  {
    title: 'a rotation of 45',
    frame: { format: F.I420, rotation: 45, width: 4, height: 2, data: bytes(12) },
    field: 'frame.rotation',
  },
  { title: 'a width of 0', frame: { format: F.I420, width: 0, height: 2, data: bytes(12) }, field: 'frame.width' },
  {
    title: 'a negative height',
    frame: { format: F.I420, width: 4, height: -2, data: bytes(12) },
    field: 'frame.height',
  },
  {
    title: '4K from the camera',
    frame: { format: F.I420, width: 3840, height: 2160, data: bytes(12) },
    field: 'frame.width',
  },
  {
    title: 'a short stride',
    frame: { format: F.I420, width: 4, height: 2, strideY: 3, data: bytes(12) },
    field: 'frame.stride_y',
  },
  {
    title: 'a negative stride',
    frame: { format: F.I420, width: 4, height: 2, strideU: -2, data: bytes(12) },
    field: 'frame.stride_u',
  },
  {
    title: 'a huge stride',
    frame: { format: F.I420, width: 4, height: 2, strideV: MAX_STRIDE, data: bytes(12) },
    field: 'frame.stride_v',
  },
  { title: 'a byte too few', frame: { format: F.I420, width: 4, height: 2, data: bytes(11) }, field: 'frame.data' },
  { title: 'H.264 without a start code', frame: { format: F.H264, data: bytes(9) }, field: 'frame.data' },
  { title: 'H.264 of one byte', frame: { format: F.H264, data: bytes(1) }, field: 'frame.data' },
];

describe('a pushed picture', () => {
  for (const { title, frame, strides, bytes: size, screen } of GOOD)
    it(`is accepted: ${title}`, () => {
      const source = screen === true ? VideoSource.ScreenShare : VideoSource.Camera;
      const { fields, payload } = checkVideoFrame(source, VideoDataSample.fromPartial(frame));
      assert.deepEqual([fields.strideY, fields.strideU, fields.strideV], strides);
      assert.equal(payload.byteLength, size);
    });
  for (const { title, frame, field } of BAD)
    it(`is refused by name: ${title}`, () => {
      const sample = frame === undefined ? undefined : VideoDataSample.fromPartial(frame);
      assert.throws(
        () => checkVideoFrame(VideoSource.Camera, sample),
        (error) => error instanceof AlirtcError && error.field === field && error.class === 'invalid_argument',
      );
    });
});

describe('a pushed chunk of sound', () => {
  const stereo = { sampleRateHz: 44_100, channels: 2 };
  it('has a length in time', () => assert.equal(checkAudioChunk('data', bytes(44_100 * 4), stereo), 1000));
  for (const count of [0, 1, 2, 6])
    it(`is refused with ${count} bytes of stereo`, () => {
      assert.throws(() => checkAudioChunk('data', bytes(count), stereo), {
        reason: 'ERR_AUDIO_DATA_ERROR',
        field: 'data',
      });
    });
  it('is cut on whole samples, without a gap', () => {
    const data = Buffer.from(Array.from({ length: 44_100 * 4 + 8 }, (_, at) => at & 255));
    const pieces = [...splitAudio(data, stereo, 100)];
    assert.deepEqual(Buffer.concat(pieces.map((piece) => piece.data)), data);
    assert.ok(pieces.every((piece) => piece.data.byteLength % 4 === 0 && piece.durationMs <= 100));
    assert.deepEqual(
      pieces.map(({ isLast }) => isLast),
      pieces.map((_, index) => index === pieces.length - 1),
    );
  });
});

describe('a join', () => {
  const joinOf = (partial: object) => checkJoin(JoinChannelRequest.fromPartial(partial), 0);
  const token = { $case: 'token', value: 'x' };

  it('has the defaults of the interface', () => {
    const { config } = joinOf({ credential: token, channelId: 'a', userId: 'b' });
    assert.deepEqual(config, {
      isAudioOnly: false,
      channelProfile: 1,
      publishMode: 1,
      subscribeMode: 1,
      publishAvsyncMode: 0,
      publishAvsyncWithPtsMaxAudioCacheSize: 300,
      publishAvsyncWithPtsMaxVideoCacheSize: 100,
      subscribeVideoFormat: 1,
      subscribeAudioFormat: 1,
      ttsVad: false,
    });
    assert.deepEqual(queueCapacity(config), { audioMs: 200, pictures: 5 });
  });

  it('holds what the caches say with WithPts', () => {
    const config = { publishAvsyncMode: PublishAvsyncMode.WITH_PTS, publishAvsyncWithPtsMaxAudioCacheSize: 50 };
    const join = joinOf({ credential: token, channelId: 'a', userId: 'b', config });
    assert.deepEqual(queueCapacity(join.config), { audioMs: 500, pictures: 100 });
  });

  it('takes channel and user from its token when it does not say them', () => {
    const value = Buffer.from(
      JSON.stringify({ appid: 'x', channelid: 'c', userid: 'u', nonce: '', timestamp: 1, token: 'y' }),
    ).toString('base64');
    const { channel, userId } = joinOf({ credential: { $case: 'token', value } });
    assert.deepEqual([channel, userId], ['c', 'u']);
  });

  for (const [title, partial, reason] of [
    ['an empty token', { channelId: 'a', userId: 'b' }, 'ERR_JOIN_CONFIG_INVALID'],
    ['a channel with a space', { credential: token, channelId: 'a b', userId: 'b' }, 'ERR_JOIN_BAD_PARAM'],
    ['a user of 65 letters', { credential: token, channelId: 'a', userId: 'b'.repeat(65) }, 'ERR_JOIN_BAD_PARAM'],
    [
      'a name of 65 bytes',
      { credential: token, channelId: 'a', userId: 'b', userName: 'é'.repeat(33) },
      'ERR_JOIN_BAD_PARAM',
    ],
    [
      'an empty cache',
      { credential: token, channelId: 'a', userId: 'b', config: { publishAvsyncWithPtsMaxAudioCacheSize: 0 } },
      'ERR_JOIN_BAD_PARAM',
    ],
  ] as const)
    it(`is refused with ${title}`, () => assert.throws(() => joinOf(partial), { class: 'invalid_argument', reason }));
});

describe('small checks', () => {
  it('know ids', () => {
    for (const good of ['a', 'A-z_09', 'x'.repeat(64)]) assert.equal(checkId('f', good), good);
    for (const bad of ['', 'ä', 'a/b', 'x'.repeat(65), 'a\n']) assert.throws(() => checkId('f', bad), { field: 'f' });
  });
  it('know JSON objects', () => {
    assert.deepEqual(checkJsonObject('f', ' {"a":1} ', false), { a: 1 });
    assert.deepEqual(checkJsonObject('f', '', true), {});
    for (const bad of ['', 'null', '[]', '"x"', '{', '7'])
      assert.throws(() => checkJsonObject('f', bad, false), { field: 'f' });
  });
  it('know port ranges', () => {
    assert.deepEqual(checkPortRange(0, 0, { low: 1, high: 2 }), { low: 1, high: 2 });
    assert.deepEqual(checkPortRange(5, 5, { low: 1, high: 2 }), { low: 5, high: 5 });
    for (const [low, high] of [
      [0, 5],
      [5, 0],
      [6, 5],
      [-1, 5],
      [5, 65_536],
    ] as const)
      assert.throws(() => checkPortRange(low, high, { low: 1, high: 2 }), { class: 'invalid_argument' });
  });
  it('know the key frames of Annex B', () => {
    assert.equal(isAnnexBKeyFrame(Buffer.from([0, 0, 0, 1, 9, 0xf0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x65])), true);
    assert.equal(isAnnexBKeyFrame(Buffer.from([0, 0, 1, 0x65])), true);
    assert.equal(isAnnexBKeyFrame(Buffer.from([0, 0, 1, 0x41, 0, 0, 1, 0x65])), false);
    for (const bad of [[], [0, 0, 1], [1, 2, 3]]) assert.equal(isAnnexBKeyFrame(Buffer.from(bad)), false);
  });
  it('make engine ids that do not repeat', () => {
    const ids = new Set(Array.from({ length: 1000 }, newEngineId));
    assert.equal(ids.size, 1000);
    for (const id of ids) assert.match(id, /^eng_[a-z2-7]{12}$/);
  });
});
