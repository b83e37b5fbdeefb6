import { status } from '@grpc/grpc-js';
import { ErrorCode, PublishMode, VideoDataFormat, type Engine } from '../../../client/index.js';
import { residentBytes } from './footprint.js';
import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually.js';
import { eventOf, refused, within } from './refused.js';
import { newChannel, TestBed } from './test_bed.js';

const VIDEO_ERROR = {
  code: status.INVALID_ARGUMENT,
  reason: 'ERR_VIDEO_DATA_ERROR',
  number: ErrorCode.VIDEO_DATA_ERROR,
};
const PICTURE = { format: VideoDataFormat.I420, width: 64, height: 48, data: Buffer.alloc(64 * 48 * 1.5) };

describe('bad input: pushes that go beyond', function () {
  this.timeout(15_000);
  let bed: TestBed;
  let engine: Engine;
  before(async () => {
    bed = await TestBed.open();
    engine = await bed.engine();
    await engine.setExternalVideoSource(true);
    await engine.setExternalAudioSource(true);
  });
  after(() => bed[Symbol.asyncDispose]());

  for (const [width, height, field] of [
    [-1, 48, 'width'],
    [64, -1, 'height'],
    [100_000, 48, 'width'],
  ] as const)
    it(`an H264 access unit of ${width}x${height} is refused`, () =>
      refused(
        engine.pushExternalVideoFrame({
          format: VideoDataFormat.H264,
          width,
          height,
          data: Buffer.from([0, 0, 0, 1, 0x65, 1, 2, 3]),
        }),
        { ...VIDEO_ERROR, field: `frame.${field}` },
      ).then(() => undefined));

  it('into streams that nobody published are taken as fast as they come, and no buffer is full', async () => {
    await bed.join(engine, newChannel(), 'me', { publishMode: PublishMode.MANUALLY });
    await using events = engine.events();
    await eventOf(events, 'snapshot');
    const pictures = engine.videoPush();
    const sound = engine.audioPush();
    const second = Buffer.alloc(96_000);
    for (let i = 0; i < 100; i++) await pictures.push(PICTURE);
    for (let i = 0; i < 20; i++) await sound.push({ data: second });
    assert.equal((await within(pictures.end(), 5_000, () => 'the pictures stand still')).acceptedFrames, 100);
    assert.equal((await within(sound.end(), 5_000, () => 'the sound stands still')).acceptedFrames, 20);
    await eventually(async () => {
      const { audioBufferMs, videoBufferFrames } = await engine.getRemainDataBufferSize();
      return audioBufferMs + videoBufferFrames === 0 ? undefined : `${audioBufferMs} ms, ${videoBufferFrames} pictures`;
    });
    await engine.leaveChannel();
    const seen: string[] = [];
    for await (const { type } of events) {
      seen.push(type);
      if (type === 'onLeaveChannelResult') break;
    }
    assert.ok(!seen.some((type) => type.endsWith('BufferFull')), seen.join(', '));
  });

  it('a timestamp beyond what a number holds is refused by name', async () => {
    const call = engine.pushExternalVideoFrame({ ...PICTURE, timestampMs: Number.MAX_SAFE_INTEGER });
    await call;
    assert.ok((await engine.getSdkVersion()).length > 0);
  });

  it('parameters with ever new keys do not make the daemon grow', async function () {
    this.timeout(60_000);
    const text = 'x'.repeat(60_000);
    const set = async (count: number, prefix: string): Promise<void> => {
      for (let i = 0; i < count; i++) await engine.setParameter({ [`${prefix}${i}`]: text });
    };
    // The heap finds its size first: texts wait for a full collection.
    await set(1000, 'a');
    const before = residentBytes(bed.pid);
    await set(4000, 'b');
    const grownMb = (residentBytes(bed.pid) - before) / 1e6;
    assert.ok(grownMb < 120, `240 MB of parameters made the daemon grow by ${Math.round(grownMb)} MB`);
  });
});
