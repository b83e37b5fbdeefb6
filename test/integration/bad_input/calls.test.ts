import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { ErrorCode, PublishState, type VideoSource, VideoTrack, type Engine } from '../../../client/index.js';
import { refused, type Refusal } from './refused.js';
import { newChannel, TestBed } from './test_bed.js';

const invalid = { code: status.INVALID_ARGUMENT, reason: 'INVALID_FIELD' };
const audioError = {
  code: status.INVALID_ARGUMENT,
  reason: 'ERR_AUDIO_DATA_ERROR',
  number: ErrorCode.AUDIO_DATA_ERROR,
};

interface CallRow {
  title: string;
  call: (engine: Engine) => Promise<unknown>;
  refusal: Refusal;
}

const values = <T>(list: readonly T[], row: (value: T) => CallRow): CallRow[] => list.map(row);

const ROWS: CallRow[] = [
  ...values([-1, 101, 2_147_483_647], (volume) => ({
    title: `volume ${volume}`,
    call: (engine) => engine.setExternalAudioPublishVolume(volume),
    refusal: { ...invalid, field: 'volume', value: String(volume) },
  })),
  ...values([12_345, 0, -48_000, 192_000], (sampleRateHz) => ({
    title: `a pushed sample rate of ${sampleRateHz}`,
    call: (engine) => engine.setExternalAudioSource(true, { sampleRateHz }),
    refusal: { ...audioError, field: 'sample_rate_hz', value: String(sampleRateHz) },
  })),
  ...values([0, 3, -1], (channels) => ({
    title: `${channels} pushed channels`,
    call: (engine) => engine.setExternalAudioSource(true, { channels }),
    refusal: { ...audioError, field: 'channels_per_frame', value: String(channels) },
  })),
  ...values([0, 4097, 1_000_000], (bytes) => ({
    title: `a media extension message of ${bytes} bytes`,
    call: (engine) => engine.sendMediaExtensionMsg(Buffer.alloc(bytes)),
    refusal: { ...invalid, field: 'message', value: String(bytes) },
  })),
  ...values([-2, 2_147_483_647], (repeatCount) => ({
    title: `a media extension message of ${repeatCount} copies`,
    call: (engine) => engine.sendMediaExtensionMsg(Buffer.alloc(1), { repeatCount }),
    refusal: { ...invalid, field: 'repeat_count', value: String(repeatCount) },
  })),
  {
    title: 'a media extension message without a camera stream',
    call: (engine) => engine.sendMediaExtensionMsg(Buffer.alloc(4096)),
    refusal: {
      code: status.FAILED_PRECONDITION,
      reason: 'ERR_PUBLISH_INVALID',
      number: ErrorCode.PUBLISH_INVALID,
    },
  },
  ...values(['{', '', 'null', '[]', '"text"', '7', '{"a":1}}', '\u0000'], (params) => ({
    title: `the parameter ${JSON.stringify(params)}`,
    call: (engine) => engine.setParameter(params),
    refusal: { ...invalid, field: 'params', value: params },
  })),
  {
    title: 'a parameter of a megabyte',
    call: (engine) => engine.setParameter({ text: 'x'.repeat(1_000_000) }),
    refusal: { ...invalid, field: 'params' },
  },
  {
    title: 'a parameter that is between daemon and core',
    call: (engine) => engine.setParameter({ alirtcd: { demand: {} } }),
    refusal: { ...invalid, field: 'params', value: 'demand' },
  },
  ...values(['', 'x'.repeat(257)], (uid) => ({
    title: `a subscription to a user of ${uid.length} characters`,
    call: (engine) => engine.subscribeRemoteAudioStream(uid, true),
    refusal: { ...invalid, field: 'uid' },
  })),
  {
    title: 'a subscription to sound before the join',
    call: (engine) => engine.subscribeRemoteAudioStream('you', true),
    refusal: {
      code: status.FAILED_PRECONDITION,
      reason: 'ERR_SUBSCRIBE_NOT_JOIN_CHANNEL',
      number: ErrorCode.SUBSCRIBE_NOT_JOIN_CHANNEL,
    },
  },
  {
    title: 'a subscription to pictures before the join, also without waiting',
    call: (engine) => engine.subscribeRemoteVideoStream('you', VideoTrack.CAMERA, true, { wait: false }),
    refusal: {
      code: status.FAILED_PRECONDITION,
      reason: 'ERR_SUBSCRIBE_NOT_JOIN_CHANNEL',
      number: ErrorCode.SUBSCRIBE_NOT_JOIN_CHANNEL,
    },
  },
  {
    title: 'a subscription to a track that does not exist',
    call: (engine) => engine.subscribeRemoteVideoStream('you', 77 as VideoTrack, true),
    refusal: { ...invalid, field: 'video_track', value: '77' },
  },
  ...(
    [
      'publishLocalVideoStream',
      'publishLocalAudioStream',
      'publishLocalDualStream',
      'publishScreenShareStream',
    ] as const
  ).map((name) => ({
    title: `${name} with wait before the join`,
    call: (engine: Engine) => engine[name](true, { wait: true }),
    refusal: {
      code: status.FAILED_PRECONDITION,
      reason: 'ERR_PUBLISH_NOT_JOIN_CHANNEL',
      number: ErrorCode.PUBLISH_NOT_JOIN_CHANNEL,
    },
  })),
  {
    title: 'the screen stream before the join, also without waiting',
    call: (engine) => engine.publishScreenShareStream(true, { wait: false }),
    refusal: {
      code: status.FAILED_PRECONDITION,
      reason: 'ERR_PUBLISH_NOT_JOIN_CHANNEL',
      number: ErrorCode.PUBLISH_NOT_JOIN_CHANNEL,
    },
  },
  {
    title: 'a video source that does not exist',
    call: (engine) => engine.setExternalVideoSource(true, { sourceType: 77 as VideoSource }),
    refusal: { ...invalid, field: 'source_type', value: '77' },
  },
  {
    title: 'a negative picture size for the encoder',
    call: (engine) => engine.setVideoEncoderConfiguration({ dimensions: { width: -640, height: 480 } }),
    refusal: { ...invalid, field: 'config.dimensions.width', value: '-640' },
  },
  {
    title: 'a period of a minute and a millisecond',
    call: (engine) => engine.setVideoCallbackPeriod(60_001),
    refusal: { ...invalid, field: 'period_ms', value: '60001' },
  },
  {
    title: 'a data channel message before the join',
    call: (engine) => engine.sendDataChannelMessage({ type: 3, data: Buffer.from('x') }),
    refusal: {
      code: status.FAILED_PRECONDITION,
      reason: 'ERR_PUBLISH_NOT_JOIN_CHANNEL',
      number: ErrorCode.PUBLISH_NOT_JOIN_CHANNEL,
    },
  },
  {
    title: 'a data channel message of 20,000 bytes',
    call: (engine) => engine.sendDataChannelMessage({ type: 3, data: Buffer.alloc(20_000) }),
    refusal: { ...invalid, field: 'ctrl_msg.data', value: '20000' },
  },
  {
    title: 'a stream of pictures with a queue of 65',
    call: (engine) => engine.pictures({ queueFrames: 65 }).next(),
    refusal: { ...invalid, field: 'queue_frames', value: '65' },
  },
  {
    title: 'a stream of pictures with a negative queue',
    call: (engine) => engine.pictures({ queueFrames: -1 }).next(),
    refusal: { ...invalid, field: 'queue_frames', value: '-1' },
  },
  {
    title: 'a stream of sound of 12,345 Hz',
    call: (engine) => engine.audioFrames({ sampleRateHz: 12_345 }).next(),
    refusal: { ...invalid, field: 'sample_rate_hz', value: '12345' },
  },
  {
    title: 'a stream of mixed sound with 3 channels',
    call: (engine) => engine.mixedAudio({ channels: 3 }).next(),
    refusal: { ...invalid, field: 'channels', value: '3' },
  },
  {
    title: 'a stream of pictures of 300 users',
    call: (engine) => engine.pictures({ uids: Array.from({ length: 300 }, (_, i) => `u${i}`) }).next(),
    refusal: { ...invalid, field: 'uids', value: '300' },
  },
  {
    title: 'events from a number that was not sent yet',
    call: (engine) => engine.events({ fromSequence: 1_000_000, resume: false }).next(),
    refusal: { code: status.OUT_OF_RANGE, reason: 'EVENTS_OUT_OF_RANGE', field: 'from_sequence', value: '1000000' },
  },
];

describe('bad input: calls of an engine', () => {
  let bed: TestBed;
  let engine: Engine;
  before(async () => {
    bed = await TestBed.open();
    engine = await bed.engine();
  });
  after(async () => {
    await engine.release();
    await bed.nothingIsLeft();
    await bed[Symbol.asyncDispose]();
  });

  for (const { title, call, refusal } of ROWS)
    it(`${title} is refused`, async () => void (await refused(call(engine), refusal)));

  it('leave nothing changed when they are refused', async () => {
    await engine.setExternalAudioPublishVolume(42);
    for (const { call } of ROWS) await call(engine).catch(() => undefined);
    assert.equal(await engine.getExternalAudioPublishVolume(), 42);
    assert.equal(await engine.isLocalScreenPublishEnabled(), false);
    assert.equal(await engine.isDualStreamPublished(), false);
    assert.equal((await engine.snapshot())?.camera, PublishState.IDLE);
  });

  it('in a channel: a subscription to a user who is not there does not hang, and the client may give it up', async () => {
    const channel = newChannel();
    const joined = await bed.joined(channel, 'me');
    await joined.subscribeRemoteAudioStream('nobody', true, { wait: false });
    await joined.subscribeRemoteVideoStream('nobody', VideoTrack.BOTH, true, { wait: false });
    await assert.rejects(joined.subscribeRemoteAudioStream('nobody', true, { deadlineMs: 300 }), {
      codeName: 'DEADLINE_EXCEEDED',
    });
    await joined.release();
  });
});
