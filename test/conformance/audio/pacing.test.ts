import { setTimeout as delay } from 'node:timers/promises';
import { BufferDataType, PublishAvsyncMode, PublishMode, VideoDataFormat } from '../../../client/index.js';
import { ChannelScene } from '../../support/channel_scene.js';
import { eventually } from '../../support/eventually.js';
import { NumberedPictures } from '../../support/media/numbered_picture.js';
import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { row, type Check } from '../support/row.js';
import { Edges, RATE, framesOf, pair, remaining, silence, sounds, spanMs, tone } from './bot.js';
import { Ear, peakOf, sender, shareOf, tones, type PcmFrame } from './sound.js';

const WITH_PTS = { publishAvsyncMode: PublishAvsyncMode.WITH_PTS };

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
    'WithPts: a stream that is pushed as fast as it is taken, at any rate and in chunks of odd lengths, is one tone without a hole',
    { covers: ['PushExternalAudioFrame', 'SetExternalAudioSource'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const receiver = await sender(scene, 'receiver', { config: { publishMode: PublishMode.MANUALLY } });
      await Promise.all(
        [12_000, 44_100, 48_000].map(async (sampleRate, index) => {
          const engine = await sender(scene, `bot${index}`, { config: WITH_PTS });
          await engine.setExternalAudioSource(true, { sampleRateHz: sampleRate });
          await using ear = new Ear<PcmFrame>(receiver.audioFrames({ uids: [`bot${index}`] }));
          const push = engine.audioPush();
          // 8 s in chunks of 73 ms or so, their timestamps rounded to milliseconds.
          const step = Math.round(sampleRate * 0.0731);
          for (let at = 0; at < 8 * sampleRate; at += step)
            await push.push({
              data: tones({ sampleRate, frequencies: [600] }, at, step),
              timestampMs: Math.round((at / sampleRate) * 1000),
            });
          await push.end();
          const first = await sounds(ear, 0);
          const last = await silence(ear, first, 15, 15_000);
          check.within(spanMs(ear, first, last), 7900, 8250, `ms of sound at ${sampleRate} Hz`);
          // The first packets of a subscription may be lost at a cluster; a decoder then needs a moment to come up to the level.
          const frames = framesOf(ear, first + 25, last - 5);
          const holes = frames.filter(({ data }) => peakOf(data) < 0.2).length;
          // A receiver on a busy machine may conceal a moment.
          check.within(holes, 0, 6, `silent frames of ${frames.length} at ${sampleRate} Hz`);
          check.within(shareOf(frames, 600), 0.97, 1, `the tone at ${sampleRate} Hz`);
        }),
      );
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
      check.equal(audio.videoBufferFrames, 0, 'pictures were not asked for');
      const video = await engine.getRemainDataBufferSize(BufferDataType.VIDEO_ONLY);
      check.within(video.videoBufferFrames, 12, 20, 'pictures alone');
      check.equal(video.audioBufferMs, 0, 'sound was not asked for');
      await delay(1000);
      const later = await remaining(engine);
      check.within(later.videoBufferFrames * 100 - later.audioBufferMs, -150, 150, 'ms between what waits of both');
      await engine.clearDataBuffer();
      check.equal(await remaining(engine), { audioBufferMs: 0, videoBufferFrames: 0 });
    },
  );
});
