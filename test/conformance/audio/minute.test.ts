import {
  AudioQualityMode,
  PublishAvsyncMode,
  PublishMode,
  VideoDataFormat,
  type Engine,
  type Picture,
} from '../../../client/index.js';
import { ChannelScene } from '../../support/channel_scene.js';
import { NumberedPictures, bodyLevel } from '../../support/media/numbered_picture.js';
import { ToneSource, level, toneShare } from '../../support/media/tones.js';
import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { row, type Check } from '../support/row.js';
import { Ear, joined, sender, type PcmFrame } from './sound.js';

const FPS = 25;
const SECONDS = 62;
const SIZE = { width: 320, height: 180 };
const BEEP_HZ = 2000;

describe('audio: a minute', () => {
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
    'over a minute WithPts: frames of the user and of the mix every 10 ms, counted and by their capture times, and flash and beep under 20 ms apart to the end',
    {
      covers: [
        'OnSubscribeAudioFrame',
        'OnSubscribeMixAudioFrame',
        'OnRemoteVideoSample',
        'PushExternalVideoFrame',
        'PushExternalAudioFrame',
      ],
      peer: 'engine',
      timeoutMs: 120_000,
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const receiver = await sender(scene, 'receiver', { config: { publishMode: PublishMode.MANUALLY } });
      const bot = await scene.engine();
      await bot.setAudioProfile(AudioQualityMode.HIGH);
      await scene.join(bot, 'bot', { publishAvsyncMode: PublishAvsyncMode.WITH_PTS });
      await using user = new Ear<PcmFrame>(receiver.audioFrames({ queueFrames: 500 }));
      await using mixed = new Ear<PcmFrame>(receiver.mixedAudio({ queueFrames: 500 }));
      const flashes = new Flashes(receiver);
      await feed(bot);
      // Three seconds of it still wait in the bot.
      await mixed.more(500);
      await flashes.stop();

      everyTenMs(check, 'mix', mixed, true);
      everyTenMs(check, 'user', user, false);
      const beeps = beepTimesUs(user);
      const offsets = flashes.timesUs.flatMap((flash) => {
        const near = beeps.filter((beep) => Math.abs(beep - flash) < 400_000);
        return near.length === 1 ? [((near[0] ?? 0) - flash) / 1000] : [];
      });
      check.within(flashes.timesUs.length, SECONDS - 6, SECONDS + 1, 'flashes');
      check.within(offsets.length, SECONDS - 10, SECONDS + 1, 'flashes with their beep');
      for (const [name, part] of [
        ['first ten', offsets.slice(0, 10)],
        ['all', offsets],
        ['last ten', offsets.slice(-10)],
      ] as const)
        check.within(median(part), -20, 20, `ms from flash to beep, median of ${name}`);
    },
  );
});

/** Pushes as fast as it is taken: the timestamps alone say when what goes out. */
async function feed(bot: Engine): Promise<void> {
  await bot.setExternalAudioSource(true, { sampleRateHz: 48_000 });
  await bot.setExternalVideoSource(true);
  await bot.setVideoEncoderConfiguration({ dimensions: SIZE, frameRate: FPS, bitrateKbps: 300 });
  const pictures = new NumberedPictures(SIZE.width, SIZE.height, FPS);
  const tone = new ToneSource({ sampleRate: 48_000, channels: 1, frequency: 500, beepFrequency: BEEP_HZ });
  const video = bot.videoPush();
  const audio = bot.audioPush();
  await Promise.all([
    (async () => {
      for (let n = 0; n < SECONDS * FPS; n++)
        await video.push({
          ...SIZE,
          format: VideoDataFormat.I420,
          timestampMs: Math.round((n * 1000) / FPS),
          data: pictures.draw(n),
        });
      await video.end();
    })(),
    (async () => {
      for (let ms = 0; ms < SECONDS * 1000; ms += 100) {
        const data = Buffer.from(tone.next(4800).buffer);
        await audio.push({ data, timestampMs: ms });
      }
      await audio.end();
    })(),
  ]);
}

/** Capture times at which the picture turned white. */
class Flashes {
  readonly timesUs: number[] = [];
  readonly #stream: AsyncIterable<Picture> & { cancel: () => void };
  readonly #running: Promise<void>;
  #white = true;

  constructor(receiver: Engine) {
    this.#stream = receiver.pictures({ queueFrames: 64 });
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    for await (const picture of this.#stream) {
      const white = bodyLevel(picture.data, picture.width, picture.height) > 200;
      if (white && !this.#white) this.timesUs.push(picture.captureTimeUs);
      this.#white = white;
      picture.release();
    }
  }

  async stop(): Promise<void> {
    this.#stream.cancel();
    await this.#running;
  }
}

/** The frames of one minute, from a second after the first on. */
function everyTenMs(check: Check, what: string, ear: Ear<PcmFrame>, exact: boolean): void {
  const heard = ear.heard.slice(100);
  const frames = heard.map(({ frame }) => frame);
  const first = heard[0];
  const last = heard.find(({ atMs }) => atMs - (first?.atMs ?? 0) >= 60_000);
  check.ok(first && last, `a minute of ${what}`);
  const count = heard.indexOf(last);
  // What waited in the daemon at the two ends may differ by what the machine was busy for.
  check.within(count, 5990, 6010, `frames of the ${what} in a minute`);
  const gaps = frames.slice(1).filter((frame, index) => frame.sequence !== (frames[index]?.sequence ?? 0) + 1);
  check.equal(gaps.length, 0, `gaps in the numbers of the ${what}`);
  check.equal(
    frames.reduce((sum, frame) => sum + frame.droppedBefore, 0),
    0,
    `dropped frames of the ${what}`,
  );
  const spanUs = last.frame.captureTimeUs - first.frame.captureTimeUs;
  // A user's sound is stretched when the delay of its jitter buffer changes, by 100 ms in a minute at most.
  const toleranceUs = exact ? 0.1 : 17;
  check.within(spanUs / count, 10_000 - toleranceUs, 10_000 + toleranceUs, `µs of capture time a frame of the ${what}`);
  if (!exact) return;
  const steps = frames.slice(1).map((frame, index) => frame.captureTimeUs - (frames[index]?.captureTimeUs ?? 0));
  check.within(Math.min(...steps), 9999, 10_001, `shortest step of the ${what}, µs`);
  check.within(Math.max(...steps), 9999, 10_001, `longest step of the ${what}, µs`);
}

/** Capture times at which a beep began: half of a window of 4 ms is the beep when its share passes one half. */
function beepTimesUs(ear: Ear<PcmFrame>): number[] {
  const frames = ear.heard.map(({ frame }) => frame);
  const samples = joined(frames);
  const times: number[] = [];
  let wasBeep = true;
  for (let at = 0; at + 192 <= samples.length; at += 24) {
    const block = samples.subarray(at, at + 192);
    const isBeep = level(block) > 0.16 && toneShare(block, 48_000, BEEP_HZ) > 0.5;
    const middle = at + 96;
    const frame = frames[Math.floor(middle / 480)];
    if (isBeep && !wasBeep && frame !== undefined) {
      const us = frame.captureTimeUs + Math.round(((middle % 480) / 48) * 1000);
      // The beep's own end and seams of stretched time may look like a beginning.
      if (us - (times.at(-1) ?? -Infinity) > 300_000) times.push(us);
    }
    wasBeep = isBeep;
  }
  return times;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
