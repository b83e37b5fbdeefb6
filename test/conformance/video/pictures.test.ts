import {
  RenderMode,
  RotationMode,
  VideoDataFormat,
  VideoEncoderOrientationMode,
  VideoMirrorMode,
} from '../../../client/index.js';
import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { row, type Check } from '../support/row.js';
import { openPair } from './support/pair.js';
import { PictureFeed } from './support/picture_feed.js';
import { CLOSE, waitForScene } from './support/receiving.js';
import { drawScene, middle, mirrored, turned, type Mapping, type Scene } from './support/scene_picture.js';

const FORMATS = ['I420', 'NV12', 'NV21', 'BGRA', 'RGB24', 'BGR24'] as const;
const CALLS = ['SetExternalVideoSource', 'PushExternalVideoFrame', 'OnRemoteVideoSample'] as const;
const FRAMES_PER_SECOND = 30;

interface Wanted {
  width: number;
  height: number;
  mapping?: Mapping;
}

type Pair = Awaited<ReturnType<typeof openPair>>;

/** The pictures of one row: what is pushed, one after another, and how each should be seen. */
class Comparison {
  #next = 0;
  #feed: PictureFeed | undefined;

  constructor(
    private readonly check: Check,
    private readonly pair: Pair,
  ) {}

  async expect(
    what: string,
    pushed: { format: VideoDataFormat; width: number; height: number; padding?: number; rotation?: number },
    wanted: Wanted,
  ): Promise<void> {
    const { format, width, height, ...options } = pushed;
    const scene: Scene = { marker: this.#next++ % 16 };
    const frame = drawScene(scene, format, width, height, options);
    if (this.#feed === undefined) this.#feed = new PictureFeed(this.pair.sender, FRAMES_PER_SECOND, () => frame);
    else this.#feed.show(() => frame);
    const seen = await waitForScene(this.pair.receiver, { uid: 'sender' }, { ...wanted, scene });
    this.check.equal(seen.size, `${wanted.width}x${wanted.height}`, `${what}: size`);
    this.check.equal(seen.errors.length, 3, `${what}: no picture`);
    for (const { plane, mean, wrong } of seen.errors) {
      this.check.within(mean, 0, CLOSE.mean, `${what}: mean error of ${plane}`);
      this.check.within(wrong, 0, CLOSE.wrong, `${what}: share of wrong samples of ${plane}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#feed?.stop();
  }
}

describe('conformance: pictures pushed are pictures received', () => {
  let daemon: RunningDaemon;
  before(async () => {
    daemon = await startDaemon();
  });
  after(async () => {
    await daemon.stop();
  });

  const open = async (
    configuration: { width: number; height: number },
    renderMode: RenderMode = RenderMode.AUTO,
  ): Promise<Pair> =>
    openPair(daemon, {
      prepare: async (sender) => {
        await sender.setExternalVideoSource(true, { renderMode });
        await sender.setVideoEncoderConfiguration({ dimensions: configuration, frameRate: 30, bitrateKbps: 800 });
      },
    });

  row(
    'every format that can be pushed arrives as it was drawn, plane by plane',
    { covers: [...CALLS], peer: 'engine' },
    async (check: Check) => {
      await using pair = await open({ width: 320, height: 180 });
      await using comparison = new Comparison(check, pair);
      for (const name of FORMATS)
        await comparison.expect(
          name,
          { format: VideoDataFormat[name], width: 320, height: 180 },
          { width: 320, height: 180 },
        );
    },
  );

  row(
    'odd sizes lose their last column or row and nothing else',
    { covers: [...CALLS], peer: 'engine' },
    async (check: Check) => {
      await using pair = await open({ width: 320, height: 180 });
      await using comparison = new Comparison(check, pair);
      for (const name of FORMATS)
        await comparison.expect(
          name,
          { format: VideoDataFormat[name], width: 321, height: 181 },
          { width: 320, height: 180, mapping: (u, v) => [(u * 320) / 321, (v * 180) / 181] },
        );
    },
  );

  row(
    'padding behind the rows is not seen, also with odd sizes',
    { covers: [...CALLS], peer: 'engine' },
    async (check: Check) => {
      await using pair = await open({ width: 320, height: 180 });
      await using comparison = new Comparison(check, pair);
      for (const [index, name] of FORMATS.entries()) {
        const format = VideoDataFormat[name];
        const padding = 12 * (index + 1) + 1;
        await comparison.expect(name, { format, width: 320, height: 180, padding }, { width: 320, height: 180 });
        await comparison.expect(
          `${name}, odd`,
          { format, width: 319, height: 179, padding },
          { width: 320, height: 180, mapping: (u, v) => [(u * 318) / 319, (v * 178) / 179] },
        );
      }
    },
  );

  row(
    'the rotation of a pushed picture is undone before it is sent',
    { covers: [...CALLS], peer: 'engine' },
    async (check: Check) => {
      await using pair = await open({ width: 320, height: 180 });
      await using comparison = new Comparison(check, pair);
      for (const name of ['I420', 'NV21', 'BGRA'] as const)
        for (const rotation of [0, 90, 180, 270]) {
          const [width, height] = rotation % 180 === 0 ? [320, 180] : [180, 320];
          await comparison.expect(
            `${name} turned by ${rotation}`,
            { format: VideoDataFormat[name], width: 320, height: 180, rotation },
            { width, height, mapping: turned(rotation) },
          );
        }
    },
  );

  row(
    'rotation and mirror of the encoder configuration, each with the rotation of the picture',
    { covers: ['SetVideoEncoderConfiguration', 'PushExternalVideoFrame', 'OnRemoteVideoSample'], peer: 'engine' },
    async (check: Check) => {
      await using pair = await open({ width: 320, height: 180 });
      await using comparison = new Comparison(check, pair);
      const rotations = { ROTATE_0: 0, ROTATE_90: 90, ROTATE_180: 180, ROTATE_270: 270 } as const;
      for (const [name, degrees] of Object.entries(rotations) as [keyof typeof rotations, number][])
        for (const mirror of [false, true]) {
          await pair.sender.setVideoEncoderConfiguration({
            dimensions: { width: 320, height: 180 },
            frameRate: 30,
            bitrateKbps: 800,
            rotationMode: RotationMode[name],
            mirrorMode: mirror ? VideoMirrorMode.ENABLED : VideoMirrorMode.DISABLED,
          });
          const rotation = mirror ? 90 : 0;
          const total = (degrees + rotation) % 360;
          const [width, height] = total % 180 === 0 ? [320, 180] : [180, 320];
          await comparison.expect(
            `${name}, picture ${rotation}, mirror ${mirror}`,
            { format: VideoDataFormat.I420, width: 320, height: 180, rotation },
            { width, height, mapping: mirror ? mirrored(turned(total)) : turned(total) },
          );
        }
    },
  );

  row(
    'orientation: as pushed, always wide, always high',
    { covers: ['SetVideoEncoderConfiguration', 'PushExternalVideoFrame', 'OnRemoteVideoSample'], peer: 'engine' },
    async (check: Check) => {
      await using pair = await open({ width: 320, height: 180 }, RenderMode.STRETCH);
      await using comparison = new Comparison(check, pair);
      const modes = [
        { mode: 'ADAPTIVE', wide: [320, 180], high: [180, 320] },
        { mode: 'FIXED_LANDSCAPE', wide: [320, 180], high: [320, 180] },
        { mode: 'FIXED_PORTRAIT', wide: [180, 320], high: [180, 320] },
      ] as const;
      for (const { mode, wide, high } of modes) {
        await pair.sender.setVideoEncoderConfiguration({
          dimensions: { width: 320, height: 180 },
          frameRate: 30,
          bitrateKbps: 800,
          orientationMode: VideoEncoderOrientationMode[mode],
        });
        for (const [what, size, wanted] of [
          ['a wide picture', [320, 180], wide],
          ['a high picture', [180, 320], high],
        ] as const)
          await comparison.expect(
            `${mode}, ${what}`,
            { format: VideoDataFormat.NV12, width: size[0], height: size[1] },
            { width: wanted[0], height: wanted[1] },
          );
      }
    },
  );

  const renderModes: { mode: 'AUTO' | 'STRETCH' | 'FILL' | 'CROP'; narrow: Wanted; broad: Wanted }[] = [
    { mode: 'AUTO', narrow: { width: 240, height: 180 }, broad: { width: 320, height: 80 } },
    { mode: 'STRETCH', narrow: { width: 320, height: 180 }, broad: { width: 320, height: 180 } },
    {
      mode: 'FILL',
      narrow: { width: 320, height: 180, mapping: middle(320 / 240, 1) },
      broad: { width: 320, height: 180, mapping: middle(1, 180 / 80) },
    },
    {
      mode: 'CROP',
      narrow: { width: 320, height: 180, mapping: middle(1, 180 / 240) },
      broad: { width: 320, height: 180, mapping: middle(80 / 180, 1) },
    },
  ];
  for (const { mode, narrow, broad } of renderModes)
    row(
      `render mode ${mode}: a picture of 4:3 and one of 4:1 in a stream of 16:9`,
      { covers: [...CALLS], peer: 'engine' },
      async (check: Check) => {
        await using pair = await open({ width: 320, height: 180 }, RenderMode[mode]);
        await using comparison = new Comparison(check, pair);
        for (const name of ['I420', 'BGRA'] as const) {
          const format = VideoDataFormat[name];
          await comparison.expect(`${name} 4:3`, { format, width: 400, height: 300 }, narrow);
          await comparison.expect(`${name} 4:1`, { format, width: 640, height: 160 }, broad);
        }
      },
    );
});
