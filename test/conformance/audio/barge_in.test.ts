import { PublishAvsyncMode } from '../../../client/index.js';
import { ChannelScene } from '../../support/channel_scene.js';
import { eventually } from '../../support/eventually.js';
import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { row, type Check } from '../support/row.js';
import { Edges, RATE, framesOf, pair, remaining, silence, sounds, spanMs, tone } from './bot.js';
import { sender, shareOf } from './sound.js';

const WITH_PTS = { publishAvsyncMode: PublishAvsyncMode.WITH_PTS };

describe('audio: barge-in and sentences', () => {
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
