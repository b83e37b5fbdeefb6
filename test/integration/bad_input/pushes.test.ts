import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import {
  ErrorCode,
  PublishMode,
  VideoDataFormat,
  VideoSource,
  type Engine,
  type VideoFrameInput,
} from '../../../client/index.js';
import { refused } from './refused.js';
import { TestBed } from './test_bed.js';

const { BGRA, I420, NV12, NV21, RGB24, BGR24, H264 } = VideoDataFormat;
const VIDEO_ERROR = { reason: 'ERR_VIDEO_DATA_ERROR', number: ErrorCode.VIDEO_DATA_ERROR };
const AUDIO_ERROR = { reason: 'ERR_AUDIO_DATA_ERROR', number: ErrorCode.AUDIO_DATA_ERROR };
const RAW = { I420, NV12, NV21, BGRA, RGB24, BGR24 };

/** Of a picture without padding; chroma is rounded up. */
function bytesOf(format: VideoDataFormat, width: number, height: number): number {
  const half = (length: number): number => Math.ceil(length / 2);
  switch (format) {
    case BGRA:
      return width * height * 4;
    case RGB24:
    case BGR24:
      return width * height * 3;
    default:
      return width * height + 2 * half(width) * half(height);
  }
}

interface PictureRow {
  title: string;
  frame: VideoFrameInput;
  field: string;
  value?: string;
}

const picture = (change: Partial<VideoFrameInput>): VideoFrameInput => ({
  format: I420,
  width: 64,
  height: 48,
  data: Buffer.alloc(bytesOf(I420, 64, 48)),
  ...change,
});

/** The two together; each alone is in table.test.ts. */
const SIZES: [number, number, 'width' | 'height'][] = [
  [0, 0, 'width'],
  [-64, -48, 'width'],
  [100_000, 100_000, 'width'],
  [2_147_483_647, 2_147_483_647, 'width'],
  [1920, 1081, 'width'],
  [1921, 1, 'width'],
];

const PICTURES: PictureRow[] = [
  ...Object.entries(RAW).flatMap(([name, format]): PictureRow[] => {
    const bytes = bytesOf(format, 64, 48);
    const least = format === BGRA ? 256 : format === I420 || format === NV12 || format === NV21 ? 64 : 192;
    const isPlanar = least === 64;
    const half = format === I420 ? 32 : 64;
    return [
      { title: `${name} one byte short`, frame: picture({ format, data: Buffer.alloc(bytes - 1) }), field: 'data' },
      { title: `${name} without data`, frame: picture({ format, data: Buffer.alloc(0) }), field: 'data', value: '0' },
      ...[least - 1, -1, 2_147_483_647, -2_147_483_648].map((strideY) => ({
        title: `${name} with a line of ${strideY} bytes`,
        frame: picture({ format, strideY, data: Buffer.alloc(bytes) }),
        field: 'stride_y',
        value: String(strideY),
      })),
      {
        title: `${name} padded, but its data not`,
        frame: picture({ format, strideY: least + 16, data: Buffer.alloc(bytes) }),
        field: 'data',
      },
      ...(isPlanar
        ? [half - 1, -half, 2_147_483_647].map((strideU) => ({
            title: `${name} with a chroma line of ${strideU} bytes`,
            frame: picture({ format, strideU, data: Buffer.alloc(bytes) }),
            field: 'stride_u',
            value: String(strideU),
          }))
        : []),
      {
        title: `${name} of 33x17 as if chroma were rounded down`,
        frame: picture({
          format,
          width: 33,
          height: 17,
          data: Buffer.alloc(isPlanar ? 33 * 17 + 2 * 16 * 8 : bytesOf(format, 33, 17) - 1),
        }),
        field: 'data',
      },
    ];
  }),
  ...SIZES.map(([width, height, field]) => ({
    title: `a size of ${width}x${height}`,
    frame: picture({ width, height }),
    field,
  })),
  { title: 'H264 of no bytes', frame: picture({ format: H264, data: Buffer.alloc(0) }), field: 'data', value: '0' },
  {
    title: 'H264 without a start code',
    frame: picture({ format: H264, data: Buffer.alloc(99, 7) }),
    field: 'data',
    value: '99',
  },
  {
    title: 'H264 that is a start code alone',
    frame: picture({ format: H264, data: Buffer.from([0, 0, 0, 1]) }),
    field: 'data',
  },
  {
    title: 'H264 of 5 MB',
    frame: picture({
      format: H264,
      data: Buffer.concat([Buffer.from([0, 0, 0, 1, 0x65]), Buffer.alloc(5_000_000, 7)]),
    }),
    field: 'data',
  },
];

describe('bad input: pushing', function () {
  this.timeout(10_000);
  let bed: TestBed;
  before(async () => void (bed = await TestBed.open()));
  after(async () => {
    await bed.nothingIsLeft();
    await bed[Symbol.asyncDispose]();
  });

  describe('before the source is declared', () => {
    let engine: Engine;
    before(async () => void (engine = await bed.engine()));
    after(() => engine.release());
    const undeclared = { code: status.FAILED_PRECONDITION };

    for (const [name, source] of Object.entries({ camera: VideoSource.CAMERA, screen: VideoSource.SCREEN_SHARE })) {
      const refusal = { ...undeclared, ...VIDEO_ERROR, text: new RegExp(`SetExternalVideoSource.*${name}`) };
      it(`a ${name} picture is refused, unary and as a stream`, async () => {
        const error = await refused(engine.pushExternalVideoFrame(picture({}), { sourceType: source }), refusal);
        assert.match(error.remedy ?? '', /SetExternalVideoSource/);
        const push = engine.videoPush({ source });
        await refused(push.push(picture({})), refusal);
        await refused(push.end(), refusal);
      });
    }

    it('sound is refused, unary with and without ids, and as a stream', async () => {
      const refusal = { ...undeclared, ...AUDIO_ERROR, text: /SetExternalAudioSource/ };
      const error = await refused(engine.pushExternalAudioFrameRawData(Buffer.alloc(960)), refusal);
      assert.match(error.remedy ?? '', /SetExternalAudioSource/);
      await refused(engine.pushExternalAudioFrame({ data: Buffer.alloc(960) }), refusal);
      await refused(engine.audioPush({ sampleRateHz: 48_000, channels: 1 }).push({ data: Buffer.alloc(960) }), refusal);
    });

    it('the other source does not count as declared', async () => {
      await engine.setExternalVideoSource(true, { sourceType: VideoSource.SCREEN_SHARE });
      await refused(engine.pushExternalVideoFrame(picture({})), { ...undeclared, ...VIDEO_ERROR, text: /camera/ });
      await engine.pushExternalVideoFrame(picture({}), { sourceType: VideoSource.SCREEN_SHARE });
      await engine.setExternalVideoSource(false, { sourceType: VideoSource.SCREEN_SHARE });
      await refused(engine.pushExternalVideoFrame(picture({}), { sourceType: VideoSource.SCREEN_SHARE }), {
        ...undeclared,
        ...VIDEO_ERROR,
        text: /screen/,
      });
    });

    it('a source that was taken back ends the stream that pushes', async () => {
      await engine.setExternalAudioSource(true);
      const push = engine.audioPush();
      await engine.setExternalAudioSource(false);
      await refused(
        (async () => {
          await push.push({ data: Buffer.alloc(960) });
          await push.end();
        })(),
        { ...undeclared, ...AUDIO_ERROR },
      );
    });
  });

  describe('when declared', () => {
    let engine: Engine;
    before(async () => {
      engine = await bed.engine();
      await engine.setExternalVideoSource(true);
      await engine.setExternalVideoSource(true, { sourceType: VideoSource.SCREEN_SHARE });
      await engine.setExternalAudioSource(true, { sampleRateHz: 48_000, channels: 2 });
      // Only what is published is taken off the queue.
      await bed.join(engine, 'pushing', 'me', { publishMode: PublishMode.AUTOMATICALLY });
      await engine.publishScreenShareStream(true);
    });
    after(() => engine.release());

    for (const { title, frame, field, value } of PICTURES)
      it(`${title} is refused`, async () => {
        const refusal = {
          code: status.INVALID_ARGUMENT,
          ...VIDEO_ERROR,
          field: `frame.${field}`,
          ...(value === undefined ? {} : { value }),
        };
        await refused(engine.pushExternalVideoFrame(frame), refusal);
        const push = engine.videoPush();
        await push.push(picture({})).catch(() => undefined);
        await push.push(frame).catch(() => undefined);
        const error = await refused(push.end(), refusal);
        assert.equal(error.metadata['sequence'], '2');
      });

    it('a screen of more than 3840x2160 is refused, of 3840x2160 is not', async () => {
      const screen = (width: number, height: number) =>
        engine.pushExternalVideoFrame(picture({ width, height, data: Buffer.alloc(bytesOf(I420, width, height)) }), {
          sourceType: VideoSource.SCREEN_SHARE,
        });
      await refused(screen(3840, 2161), { code: status.INVALID_ARGUMENT, ...VIDEO_ERROR, field: 'frame.width' });
      await screen(3840, 2160);
    });

    it('odd sizes of every raw format are taken', async () => {
      for (const format of Object.values(RAW))
        for (const [width, height] of [
          [1, 1],
          [33, 17],
          [1, 1080],
        ] as const) {
          const push = engine.videoPush();
          await push.push(picture({ format, width, height, data: Buffer.alloc(bytesOf(format, width, height)) }));
          assert.equal((await push.end()).acceptedFrames, 1);
        }
    });

    it('half a stereo sample is refused', async () => {
      const refusal = { code: status.INVALID_ARGUMENT, ...AUDIO_ERROR, value: '962' };
      const data = Buffer.alloc(962);
      await refused(engine.pushExternalAudioFrameRawData(data), { ...refusal, field: 'audio_samples' });
      await refused(engine.pushExternalAudioFrame({ data }), { ...refusal, field: 'frame.data' });
      const push = engine.audioPush();
      await push.push({ data: Buffer.alloc(960) });
      await push.push({ data }).catch(() => undefined);
      const error = await refused(push.end(), { ...refusal, field: 'frame.data' });
      assert.equal(error.metadata['sequence'], '2');
    });

    it('sound that never fits the queue is refused by name, and goes through the stream', async () => {
      const second = Buffer.alloc(192_000);
      await refused(engine.pushExternalAudioFrameRawData(second), {
        code: status.RESOURCE_EXHAUSTED,
        reason: 'ERR_AUDIO_BUFFER_FULL',
        number: ErrorCode.AUDIO_BUFFER_FULL,
        field: 'audio_samples',
      });
    });

    it('the engine works as before', async () => {
      await engine.pushExternalVideoFrame(picture({}));
      assert.match(await engine.getSdkVersion(), /./);
    });
  });
});
