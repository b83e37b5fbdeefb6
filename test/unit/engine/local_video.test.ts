import assert from 'node:assert/strict';
import { ERROR_NUMBERS } from '../../../common/error_codes.js';
import type { CommandFields } from '../../../coreservice/ipc/commands.js';
import { RenderMode, VideoDataFormat } from '../../../coreservice/ipc/enums.js';
import { settle } from './fake_clock.js';
import { ScriptedEngine } from './scripted_engine.js';

const [WIDTH, HEIGHT] = [64, 48];

function push(
  host: ScriptedEngine,
  value: number,
  change: Partial<CommandFields<'PUSH_VIDEO_FRAME'>> = {},
  data?: Buffer,
): void {
  const fields = {
    source: 0,
    format: VideoDataFormat.I420,
    bufferType: 0,
    strideY: 0,
    strideU: 0,
    strideV: 0,
    height: HEIGHT,
    width: WIDTH,
    rotation: 0,
    timestamp: 0,
    ...change,
  };
  host.send('PUSH_VIDEO_FRAME', fields, data ?? Buffer.alloc((WIDTH * HEIGHT * 3) / 2, value));
}

async function publishing(config: object = {}): Promise<ScriptedEngine> {
  const host = new ScriptedEngine();
  host.send('SET_EXTERNAL_VIDEO_SOURCE', { enable: true, source: 0, renderMode: RenderMode.Auto });
  await host.join(config);
  host.send('PUBLISH_LOCAL_VIDEO_STREAM', { enable: true });
  await settle();
  host.take();
  return host;
}

interface Sent {
  width: number;
  height: number;
  luma: number;
  keyFrame: boolean;
}

/** The camera stream is asked for, and the server has not answered before open() is called. */
async function beingPublished(): Promise<{ host: ScriptedEngine; open: () => void }> {
  const host = new ScriptedEngine();
  let open!: () => void;
  const answered = new Promise<void>((resolve) => (open = resolve));
  host.onRoom = (room) => (room.onPublish = () => answered);
  host.send('SET_EXTERNAL_VIDEO_SOURCE', { enable: true, source: 0, renderMode: RenderMode.Auto });
  await host.join();
  host.send('PUBLISH_LOCAL_VIDEO_STREAM', { enable: true });
  host.send('PUBLISH_LOCAL_AUDIO_STREAM', { enable: true });
  await settle();
  host.take();
  return { host, open };
}

function sent(host: ScriptedEngine): Sent[] {
  return host.room.track('camera').sent.map(({ data }) => JSON.parse(data.toString()) as Sent);
}

describe('a pushed picture', () => {
  it('goes out at once as H.264 with the time of its push, the first one as a key frame', async () => {
    const host = await publishing();
    await host.clock.pass(100);
    push(host, 50);
    await settle();
    await host.clock.pass(67);
    push(host, 51);
    await settle();
    assert.deepEqual(
      sent(host).map(({ luma, keyFrame }) => [luma, keyFrame]),
      [
        [50, true],
        [51, false],
      ],
    );
    assert.deepEqual(
      host.room.track('camera').sent.map(({ captureTimeUs }) => captureTimeUs),
      [1_000_100_000, 1_000_167_000],
    );
    assert.deepEqual(host.lines(), []);
  });

  it('is dropped when it comes faster than the configured frame rate, evenly', async () => {
    const host = await publishing();
    for (let i = 0; i < 60; i++) {
      push(host, i);
      await host.clock.pass(1000 / 30);
    }
    assert.equal(sent(host).length, 30);
    assert.deepEqual(
      sent(host).map(({ luma }) => luma % 2),
      new Array(30).fill(0),
    );
  });

  it('comes out black while the camera is muted, and as it is again afterwards', async () => {
    const host = await publishing();
    for (const mute of [false, true, false]) {
      host.send('MUTE_LOCAL_CAMERA', { mute });
      push(host, 77);
      await host.clock.pass(100);
    }
    assert.deepEqual(
      sent(host).map(({ luma }) => luma),
      [77, 16, 77],
    );
    assert.deepEqual(host.lines(), []);
  });

  it('is a key frame after a request, and after somebody wants the stream again', async () => {
    const host = await publishing();
    const step = async (): Promise<void> => {
      push(host, 1);
      await host.clock.pass(100);
    };
    await step();
    await step();
    host.room.track('camera').emit('key_frame_requested', 'high');
    await step();
    host.room.track('camera').emit('layers_wanted', new Set());
    await step();
    host.room.track('camera').emit('layers_wanted', new Set(['high'] as const));
    await step();
    assert.deepEqual(
      sent(host).map(({ keyFrame }) => keyFrame),
      [true, false, true, true],
    );
  });

  it('waits with four others for a slow encoder; the next is refused, told once, and told again at half', async () => {
    const host = await publishing();
    let open = (): void => undefined;
    host.codecs.gate = new Promise((resolve) => (open = resolve));
    push(host, 0);
    await settle();
    for (let i = 1; i <= 8; i++) push(host, i);
    assert.deepEqual(host.lines(), ['video full true']);
    open();
    await settle();
    assert.deepEqual(host.lines(), ['video full false']);
  });

  it('waits while the stream is being published', async () => {
    const { host, open } = await beingPublished();
    push(host, 9);
    await settle();
    open();
    await settle();
    assert.deepEqual(
      sent(host).map(({ luma }) => luma),
      [9],
    );
  });

  it('is dropped while the stream is not published, told by nothing but its credit', async () => {
    const host = await publishing();
    host.send('SET_PARAMETER', { param: '{"alirtcd":{"credits":true}}' });
    push(host, 1);
    await host.clock.pass(100);
    host.send('PUBLISH_LOCAL_VIDEO_STREAM', { enable: false });
    await settle();
    host.take();
    for (let i = 0; i < 20; i++) push(host, 2);
    await host.clock.pass(10);
    const told = host.take();
    assert.deepEqual(new Set(told.map(({ name }) => name)), new Set(['REMAIN_BUFFER']));
    assert.deepEqual(told.at(-1)?.fields['alirtcd'], { audioConsumedMs: 0, cameraConsumed: 21, screenConsumed: 0 });
    host.send('PUBLISH_LOCAL_VIDEO_STREAM', { enable: true });
    await settle();
    push(host, 3);
    await host.clock.pass(100);
    assert.deepEqual(
      sent(host).map(({ luma }) => luma),
      [3],
    );
  });

  it('that waits is dropped when publishing is taken back', async () => {
    const { host, open } = await beingPublished();
    for (let i = 0; i < 7; i++) push(host, i);
    assert.deepEqual(host.lines(), ['video full true']);
    host.send('PUBLISH_LOCAL_VIDEO_STREAM', { enable: false });
    assert.ok(host.lines().includes('video full false'));
    open();
    await settle();
    assert.deepEqual(
      host.take().filter(({ name }) => name === 'VIDEO_BUFFER_FULL'),
      [],
    );
  });

  const refusals: [title: string, change: Partial<CommandFields<'PUSH_VIDEO_FRAME'>>, bytes: number, reason: string][] =
    [
      ['a short buffer', {}, 100, 'VIDEO_DATA_DATA'],
      ['a stride shorter than a row', { strideY: 10 }, 4608, 'VIDEO_DATA_STRIDE_Y'],
      ['an unknown format', { format: 5 }, 4608, 'VIDEO_DATA_FORMAT'],
      ['a texture', { bufferType: 2 }, 4608, 'VIDEO_DATA_BUFFER_TYPE'],
      ['an odd rotation', { rotation: 45 }, 4608, 'VIDEO_DATA_ROTATION'],
      ['2K', { width: 2048, height: 1080 }, 2048 * 1080 * 2, 'VIDEO_DATA_WIDTH'],
    ];
  for (const [title, change, bytes, reason] of refusals)
    it(`with ${title} is refused by name`, async () => {
      const host = await publishing();
      push(host, 0, change, Buffer.alloc(bytes));
      await settle();
      assert.deepEqual(host.lines(), [`error ${ERROR_NUMBERS.ERR_VIDEO_DATA_ERROR} ${reason}`]);
      assert.equal(sent(host).length, 0);
    });

  it('of an undeclared source is refused, told once a second however many come', async () => {
    const host = await publishing();
    for (let i = 0; i < 30; i++) {
      push(host, 0, { source: 1 });
      await host.clock.pass(50);
    }
    assert.deepEqual(
      host.lines(),
      new Array(2).fill(`error ${ERROR_NUMBERS.ERR_VIDEO_DATA_ERROR} VIDEO_SOURCE_NOT_DECLARED`),
    );
  });

  const shapes: [title: string, configuration: object, rotation: number, renderMode: number, target: object][] = [
    [
      'landscape fills the configured size',
      {},
      0,
      1,
      { width: 640, height: 480, fit: 'stretch', rotation: 0, mirror: false },
    ],
    [
      'turned by 90 is portrait when the orientation is as pushed',
      {},
      90,
      2,
      { width: 480, height: 640, fit: 'fill', rotation: 90, mirror: false },
    ],
    [
      'stays landscape when that is fixed',
      { orientationMode: 1 },
      90,
      3,
      { width: 640, height: 480, fit: 'crop', rotation: 90, mirror: false },
    ],
    [
      'becomes portrait when that is fixed',
      { orientationMode: 2 },
      0,
      0,
      { width: 480, height: 640, fit: 'auto', rotation: 0, mirror: false },
    ],
    [
      'adds the configured rotation',
      { rotationMode: 180 },
      270,
      0,
      { width: 480, height: 640, fit: 'auto', rotation: 90, mirror: false },
    ],
    ['is mirrored', { mirrorMode: 1 }, 0, 0, { width: 640, height: 480, fit: 'auto', rotation: 0, mirror: true }],
  ];
  for (const [title, configuration, rotation, renderMode, target] of shapes)
    it(title, async () => {
      const host = await publishing();
      host.send('SET_EXTERNAL_VIDEO_SOURCE', { enable: true, source: 0, renderMode });
      host.send('SET_VIDEO_ENCODER_CONFIGURATION', { ...CONFIGURATION, ...configuration });
      push(host, 0, { rotation });
      await settle();
      assert.deepEqual(host.codecs.targets, [target]);
    });
});

const CONFIGURATION = {
  dimensions: { width: 640, height: 480 },
  frameRate: 15,
  bitrate: 512,
  mirrorMode: 0,
  rotationMode: 0,
  orientationMode: 0,
  keyFrameInterval: 0,
  minBitrate: 0,
};

describe('pushed H.264', () => {
  const KEY = Buffer.from([0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 1, 0, 0, 0, 1, 0x65, 0x88, 9]);
  const DELTA = Buffer.from([0, 0, 0, 1, 0x41, 0x9a, 9]);
  const FORMAT = { format: VideoDataFormat.H264 };

  it('is sent on bit by bit from the first key frame on, which is asked for once', async () => {
    const host = await publishing();
    for (const unit of [DELTA, DELTA, KEY, DELTA]) {
      push(host, 0, FORMAT, unit);
      await host.clock.pass(40);
    }
    assert.deepEqual(
      host.room.track('camera').sent.map(({ data, keyFrame }) => [data, keyFrame]),
      [
        [KEY, true],
        [DELTA, false],
      ],
    );
    assert.deepEqual(host.lines(), ['EXTERNAL_ENCODER_FRAME {"videoTrack":0,"frameType":1,"dropFrame":false}']);
  });

  it('comes out as black pictures while the camera is muted, and begins again with a key frame', async () => {
    const host = await publishing();
    const step = async (unit: Buffer): Promise<void> => {
      push(host, 0, FORMAT, unit);
      await host.clock.pass(100);
    };
    await step(KEY);
    host.send('MUTE_LOCAL_CAMERA', { mute: true });
    await step(DELTA);
    await step(DELTA);
    host.send('MUTE_LOCAL_CAMERA', { mute: false });
    await step(DELTA);
    await step(KEY);
    host.send('MUTE_LOCAL_CAMERA', { mute: true });
    await step(DELTA);
    const units = host.room.track('camera').sent.map(({ data }) => data);
    assert.equal(units.length, 5);
    assert.ok(units[0]?.equals(KEY) && units[3]?.equals(KEY));
    const black = [1, 2, 4].map((at) => JSON.parse(String(units[at])) as Sent);
    assert.deepEqual(
      black.map(({ luma, keyFrame }) => [luma, keyFrame]),
      [
        [16, true],
        [16, false],
        [16, true],
      ],
    );
  });

  it('hands a request for a key frame to the host', async () => {
    const host = await publishing();
    push(host, 0, FORMAT, KEY);
    await settle();
    host.room.track('camera').emit('key_frame_requested', 'high');
    assert.equal(host.lines().length, 1);
  });
});

describe('credits', () => {
  it('tell at most every 10 ms how much has left the queues, everything once', async () => {
    const host = await publishing();
    host.send('SET_EXTERNAL_AUDIO_SOURCE', { enable: true, sampleRate: 48_000, channelsPerFrame: 1 });
    host.send('SET_PARAMETER', { param: '{"alirtcd":{"credits":true}}' });
    await host.clock.pass(20);
    host.take();
    push(host, 1);
    push(host, 2);
    push(host, 3, {}, Buffer.alloc(3));
    await settle();
    await host.clock.pass(9);
    assert.deepEqual(
      host.take().filter(({ name }) => name === 'REMAIN_BUFFER'),
      [],
    );
    await host.clock.pass(1);
    assert.deepEqual(
      host
        .take()
        .filter(({ name }) => name === 'REMAIN_BUFFER')
        .map(({ fields }) => fields),
      [
        {
          audioBufferSize: 0,
          videoBufferSize: 0,
          alirtcd: { audioConsumedMs: 0, cameraConsumed: 3, screenConsumed: 0 },
        },
      ],
    );
  });

  it('count what is cleared and what is refused', async () => {
    const { host } = await beingPublished();
    host.send('SET_PARAMETER', { param: '{"alirtcd":{"credits":true}}' });
    host.send('SET_EXTERNAL_AUDIO_SOURCE', { enable: true, sampleRate: 8000, channelsPerFrame: 2 });
    for (let i = 0; i < 7; i++) push(host, i);
    for (let i = 0; i < 11; i++) pushAudio(host, Buffer.alloc(640));
    host.send('CLEAR_EXTERNAL_DATA', {});
    await host.clock.pass(10);
    const last = host.take().findLast(({ name }) => name === 'REMAIN_BUFFER');
    assert.deepEqual(last?.fields['alirtcd'], { audioConsumedMs: 220, cameraConsumed: 7, screenConsumed: 0 });
  });
});

function pushAudio(host: ScriptedEngine, pcm: Buffer): void {
  host.send('PUSH_AUDIO_FRAME', { timestamp: 0, isEndFrame: 0, frameID: '', sentenceID: 0, sequenceID: 0 }, pcm);
}
