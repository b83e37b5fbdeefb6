import { setTimeout as delay } from 'node:timers/promises';
import {
  BufferDataType,
  PublishAvsyncMode,
  PublishMode,
  VideoDataFormat,
  type AlirtcEvent,
  type Engine,
  type EventType,
} from '../../../client/index.js';
import { ChannelScene } from '../../support/channel_scene.js';
import { eventually } from '../../support/eventually.js';
import { NumberedPictures } from '../../support/media/numbered_picture.js';
import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { row, type Check } from '../support/row.js';
import { Ear, peakOf, sender, shareOf, tones, type PcmFrame } from './sound.js';

const WITH_PTS = { publishAvsyncMode: PublishAvsyncMode.WITH_PTS };
const RATE = 16_000;

describe('audio: pushing and time', () => {
  let daemon: RunningDaemon;
  before(async function () {
    this.timeout(20_000);
    daemon = await startDaemon();
  });
  after(async function () {
    this.timeout(20_000);
    await daemon.stop();
  });

  row(
    'WithPts: two seconds of sound pushed at once leave over two seconds, gaps between timestamps are silence, and time goes on over unpublish and publish',
    {
      covers: ['PushExternalAudioFrameRawData', 'GetRemainDataBufferSize', 'PublishLocalAudioStream'],
      peer: 'engine',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const { engine, ear } = await pair(scene, WITH_PTS);
      await using _ear = ear;
      const from = ear.heard.length;
      const pushedAt = performance.now();
      await engine.pushExternalAudioFrameRawData(tone(600, 2), 1000);
      check.within(performance.now() - pushedAt, 0, 300, 'ms until the push was taken');
      check.within((await remaining(engine)).audioBufferMs, 1700, 2000, 'ms that wait just after the push');
      await delay(1000);
      check.within((await remaining(engine)).audioBufferMs, 800, 1150, 'ms that wait a second later');
      const first = await sounds(ear, from);
      const last = await silence(ear, first);
      check.within(spanMs(ear, first, last), 1930, 2080, 'ms of sound');
      check.within((ear.heard[first]?.atMs ?? 0) - pushedAt, 20, 400, 'ms until it was heard');
      check.within(shareOf(framesOf(ear, first + 5, last - 5), 600), 0.95, 1, 'the tone');
      check.equal((await remaining(engine)).audioBufferMs, 0);

      // 100 ms of sound, 300 ms of nothing, 100 ms of sound.
      await engine.pushExternalAudioFrameRawData(tone(600, 0.1), 5000);
      await engine.pushExternalAudioFrameRawData(tone(600, 0.1), 5400);
      const one = await sounds(ear, last + 1);
      const oneEnd = await silence(ear, one, 5);
      const two = await sounds(ear, oneEnd + 1);
      await silence(ear, two, 5);
      check.within(spanMs(ear, one, two), 370, 430, 'ms between two sounds whose timestamps are 400 ms apart');

      await engine.pushExternalAudioFrameRawData(tone(600, 0.2), 9000);
      const before = await silence(ear, await sounds(ear, two + 15), 5);
      await engine.publishLocalAudioStream(false);
      await engine.publishLocalAudioStream(true);
      const again = before + 1;
      await engine.pushExternalAudioFrameRawData(tone(600, 0.2), 9600);
      await engine.pushExternalAudioFrameRawData(tone(600, 0.2), 10_000);
      const three = await sounds(ear, again);
      const four = await sounds(ear, (await silence(ear, three, 5)) + 1);
      check.within(spanMs(ear, three, four), 360, 440, 'ms between timestamps after publishing again');
    },
  );

  row(
    'NoDelay: what is pushed is heard at once and without regard to timestamps',
    { covers: ['PushExternalAudioFrameRawData', 'JoinChannel'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const { engine, ear } = await pair(scene, {});
      await using _ear = ear;
      const delays: number[] = [];
      for (const [index, timestampMs] of [50_000, 0, 900_000, 7, 3].entries()) {
        const from = ear.heard.length;
        const pushedAt = performance.now();
        await engine.pushExternalAudioFrameRawData(tone(600, 0.1), timestampMs);
        const first = await sounds(ear, from);
        delays.push((ear.heard[first]?.atMs ?? Infinity) - pushedAt);
        const last = await silence(ear, first, 5);
        check.within(spanMs(ear, first, last), 70, 150, `ms of sound number ${index}`);
        await delay(37);
      }
      delays.sort((a, b) => a - b);
      check.within(delays[2] ?? Infinity, 0, 150, 'median ms from the push to the ear');
    },
  );

  row(
    'the audio buffer says once that it is full and once that it has drained to half; what does not fit is refused whole; NoDelay holds 200 ms, WithPts what the join says',
    {
      covers: ['OnPushAudioFrameBufferFull', 'PushExternalAudioFrameRawData', 'GetRemainDataBufferSize'],
      peer: 'engine',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const cases = [
        { config: {}, pushMs: 60, fit: 3, capacityMs: 200 },
        { config: { ...WITH_PTS, publishAvsyncWithPtsMaxAudioCacheSize: 100 }, pushMs: 300, fit: 3, capacityMs: 1000 },
        { config: WITH_PTS, pushMs: 900, fit: 3, capacityMs: 3000 },
      ];
      for (const [index, { config, pushMs, fit, capacityMs }] of cases.entries()) {
        const engine = await sender(scene, `sender${index}`, { config });
        await engine.setExternalAudioSource(true, { sampleRateHz: RATE });
        const edges = new Edges(engine, ['onPushAudioFrameBufferFull']);
        const pushes = [];
        for (let n = 0; n < fit + 4; n++)
          pushes.push(engine.pushExternalAudioFrameRawData(tone(500, pushMs / 1000), n * pushMs));
        const results = await Promise.allSettled(pushes);
        const accepted = results.filter(({ status }) => status === 'fulfilled').length;
        check.equal(accepted, fit, `chunks of ${pushMs} ms that fit into ${capacityMs} ms`);
        const refused = results.findIndex(({ status }) => status === 'rejected');
        await check.rejects(pushes[refused] ?? Promise.resolve(), {
          reason: 'ERR_AUDIO_BUFFER_FULL',
          number: 0x01060106,
        });
        check.within((await remaining(engine)).audioBufferMs, accepted * pushMs - 150, accepted * pushMs, 'ms kept');
        await eventually(() => (edges.list.length >= 2 ? undefined : 'no second edge'));
        const left = (await remaining(engine)).audioBufferMs;
        check.within(left, capacityMs / 2 - 160, capacityMs / 2, 'ms that wait when it says that it has drained');
        await eventually(async () => ((await remaining(engine)).audioBufferMs === 0 ? undefined : 'not empty'));
        check.equal(
          edges.list.map((event) => (event.type === 'onPushAudioFrameBufferFull' ? event.value.isFull : undefined)),
          [true, false],
          `edges of ${capacityMs} ms`,
        );
        await edges.stop();
      }
    },
  );

  row(
    'ClearDataBuffer silences a bot within 100 ms at the receiver; the next push starts cleanly on a time line of its own',
    { covers: ['ClearDataBuffer', 'PushExternalAudioFrame'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const { engine, ear } = await pair(scene, WITH_PTS);
      await using _ear = ear;
      const tails: number[] = [];
      for (let round = 0; round < 5; round++) {
        const from = ear.heard.length;
        const old = 600;
        await engine.pushExternalAudioFrame({
          data: tone(old, 2.5),
          timestampMs: 77 + 500 + 300,
          sentenceId: round + 1,
        });
        const first = await sounds(ear, from);
        await ear.until((_frame, index) => index >= first + 40);
        const clearedAt = performance.now();
        await engine.clearDataBuffer();
        check.equal((await remaining(engine)).audioBufferMs, 0);
        const last = await silence(ear, first);
        tails.push((ear.heard[last]?.atMs ?? Infinity) - clearedAt);
        // A timestamp that has nothing to do with the ones before.
        const pushedAt = performance.now();
        await engine.pushExternalAudioFrame({ data: tone(1000, 0.5), timestampMs: 77, sentenceId: round + 100 });
        const next = await sounds(ear, last + 1);
        check.within((ear.heard[next]?.atMs ?? Infinity) - pushedAt, 0, 400, 'ms until the next push is heard');
        const end = await silence(ear, next);
        check.within(spanMs(ear, next, end), 460, 560, 'ms of the next push');
        const heard = framesOf(ear, next + 1, end - 1);
        check.within(shareOf(heard, 1000), 0.95, 1, 'the next tone');
        check.within(shareOf(heard, old), 0, 0.02, 'rest of the old tone');
      }
      tails.sort((a, b) => a - b);
      check.within(tails[2] ?? Infinity, -50, 100, 'ms of sound after a barge-in, median of five');
      check.within(tails[4] ?? Infinity, -50, 250, 'ms of sound after a barge-in, longest of five');
    },
  );

  row(
    'remaining buffer sizes are right for sound, pictures and both',
    { covers: ['GetRemainDataBufferSize', 'ClearDataBuffer'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const engine = await scene.engine();
      await engine.setExternalAudioSource(true, { sampleRateHz: RATE });
      await engine.setExternalVideoSource(true);
      check.equal(await remaining(engine), { audioBufferMs: 0, videoBufferFrames: 0 });
      await scene.join(engine, 'sender', WITH_PTS);
      await eventually(async () =>
        (await engine.snapshot())?.camera === 4 ? undefined : 'the camera is not published',
      );
      const pictures = new NumberedPictures(320, 180, 10);
      const frame = { width: 320, height: 180, format: VideoDataFormat.I420 };
      for (let n = 0; n < 20; n++)
        await engine.pushExternalVideoFrame({ ...frame, timestampMs: n * 100, data: pictures.draw(n) });
      await engine.pushExternalAudioFrameRawData(tone(500, 2), 0);
      const both = await engine.getRemainDataBufferSize(BufferDataType.BOTH_AUDIO_AND_VIDEO);
      check.within(both.audioBufferMs, 1500, 2000, 'ms of sound');
      check.within(both.videoBufferFrames, 14, 20, 'pictures');
      const audio = await engine.getRemainDataBufferSize(BufferDataType.AUDIO_ONLY);
      check.within(audio.audioBufferMs, 1400, 2000, 'ms of sound alone');
      const video = await engine.getRemainDataBufferSize(BufferDataType.VIDEO_ONLY);
      check.within(video.videoBufferFrames, 12, 20, 'pictures alone');
      await delay(1000);
      const later = await remaining(engine);
      check.within(later.videoBufferFrames * 100 - later.audioBufferMs, -150, 150, 'ms between what waits of both');
      await engine.clearDataBuffer();
      check.equal(await remaining(engine), { audioBufferMs: 0, videoBufferFrames: 0 });
    },
  );

  row(
    'sentences tell when their first sound leaves and when their last has left, once each, with their ids; one that is cleared does not end',
    { covers: ['PushExternalAudioFrame', 'ClearDataBuffer'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const engine = await sender(scene, 'sender', { config: WITH_PTS });
      await engine.setExternalAudioSource(true, { sampleRateHz: RATE });
      const edges = new Edges(engine, ['onPushAudioSentenceBegin', 'onPushAudioSentenceEnd']);
      const pushedAt = performance.now();
      for (let n = 0; n < 12; n++)
        await engine.pushExternalAudioFrame({
          data: tone(500, 0.1),
          timestampMs: n * 100,
          frameId: `frame-${n}`,
          sentenceId: n < 6 ? 41 : 42,
          sequenceId: 7 + (n % 6),
          isEndFrame: n % 6 === 5,
        });
      await eventually(() => (edges.list.length >= 4 ? undefined : `${edges.list.length} edges`));
      const told = edges.list.map((event) => [event.type, event.value]);
      check.equal(told, [
        ['onPushAudioSentenceBegin', { sentenceId: 41, sequenceId: 7 }],
        ['onPushAudioSentenceEnd', { sentenceId: 41, sequenceId: 12 }],
        ['onPushAudioSentenceBegin', { sentenceId: 42, sequenceId: 7 }],
        ['onPushAudioSentenceEnd', { sentenceId: 42, sequenceId: 12 }],
      ]);
      const at = edges.times.map((time) => time - (edges.times[0] ?? 0));
      check.within((edges.times[0] ?? 0) - pushedAt, 0, 1000, 'ms until the first begins');
      check.within(at[1] ?? 0, 540, 680, 'ms until the first ends');
      check.within(at[2] ?? 0, 540, 720, 'ms until the second begins');
      check.within(at[3] ?? 0, 1140, 1290, 'ms until the second ends');
      // Barge-in: what was cleared does not end, the next one begins.
      await engine.pushExternalAudioFrame({ data: tone(500, 2), timestampMs: 3000, sentenceId: 50, isEndFrame: true });
      await eventually(() => (edges.list.length >= 5 ? undefined : 'sentence 50 does not begin'));
      await engine.clearDataBuffer();
      await engine.pushExternalAudioFrame({ data: tone(500, 0.1), timestampMs: 0, sentenceId: 51, isEndFrame: true });
      await eventually(() => (edges.list.length >= 7 ? undefined : `${edges.list.length} edges`));
      const rest = edges.list.slice(4).map((event) => [event.type, (event.value as { sentenceId: number }).sentenceId]);
      check.equal(rest, [
        ['onPushAudioSentenceBegin', 50],
        ['onPushAudioSentenceBegin', 51],
        ['onPushAudioSentenceEnd', 51],
      ]);
      await edges.stop();
    },
  );
});

function tone(frequency: number, seconds: number): Buffer {
  return tones({ sampleRate: RATE, frequencies: [frequency] }, 0, Math.round(seconds * RATE));
}

/** A bot that is published, and somebody who listens to it. */
async function pair(
  scene: ChannelScene,
  config: Parameters<ChannelScene['join']>[2],
): Promise<{ engine: Engine; ear: Ear<PcmFrame> }> {
  const receiver = await sender(scene, 'receiver', { config: { publishMode: PublishMode.MANUALLY } });
  const ear = new Ear<PcmFrame>(receiver.audioFrames());
  const engine = await sender(scene, 'bot', config === undefined ? {} : { config });
  await engine.setExternalAudioSource(true, { sampleRateHz: RATE });
  await ear.more(30);
  return { engine, ear };
}

async function remaining(engine: Engine): Promise<{ audioBufferMs: number; videoBufferFrames: number }> {
  return await engine.getRemainDataBufferSize();
}

/** The first frame with sound from there on. */
function sounds(ear: Ear<PcmFrame>, from: number): Promise<number> {
  return ear.until((frame) => peakOf(frame.data) > 0.03, from);
}

/** The last frame with sound before `frames` silent ones. */
async function silence(ear: Ear<PcmFrame>, from: number, frames = 15): Promise<number> {
  let quiet = 0;
  const end = await ear.until((frame) => {
    quiet = peakOf(frame.data) > 0.03 ? 0 : quiet + 1;
    return quiet >= frames;
  }, from);
  return end - frames;
}

function framesOf(ear: Ear<PcmFrame>, from: number, to: number): PcmFrame[] {
  return ear.heard.slice(from, to + 1).map(({ frame }) => frame);
}

/** From the beginning of a frame to the beginning of another by their number, 10 ms each. */
function spanMs(ear: Ear<PcmFrame>, from: number, to: number): number {
  return ((ear.heard[to]?.frame.sequence ?? 0) - (ear.heard[from]?.frame.sequence ?? 0)) * 10;
}

/** Events of some kinds and when they came. */
class Edges {
  readonly list: AlirtcEvent[] = [];
  readonly times: number[] = [];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(engine: Engine, types: readonly EventType[]) {
    this.#running = (async () => {
      for await (const event of engine.events({ signal: this.#stop.signal })) {
        if (!types.includes(event.type)) continue;
        this.list.push(event);
        this.times.push(performance.now());
      }
    })();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
