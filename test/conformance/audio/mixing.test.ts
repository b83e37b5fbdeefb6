import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AudioQualityMode, PublishMode, type Engine } from '../../../client/index.js';
import { ChannelScene } from '../../support/channel_scene.js';
import { decodeFile } from '../../support/media/decode_file.js';
import { level, shareAbove, steadyToneShare, toneShare } from '../../support/media/tones.js';
import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { row, type Check } from '../support/row.js';
import { Ear, ToneFeed, joined, peakOf, sender, steady } from './sound.js';

/** Whole periods in 50 ms, so that each is seen without the others. */
const FREQUENCIES = [300, 440, 600, 1000, 1500] as const;
/** What LocalAudioStats counts beside the sound, at least: the fixed header and its extensions. */
const RTP_HEADER_BYTES = 20;

describe('audio: profiles, mixing, AAC', () => {
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
    'each audio profile sends noise at its bit rate, its channels and its bandwidth, nothing above it, also when it is set in the call',
    { covers: ['SetAudioProfile', 'OnLocalAudioStats', 'OnSubscribeAudioFrame'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const receiver = await sender(scene, 'receiver', { config: { publishMode: PublishMode.MANUALLY } });
      await Promise.all(PROFILES.map((profile) => checkProfile(check, scene, receiver, profile)));
    },
  );

  row(
    'five loud users are mixed without clipping: every tone is there at one loudness, hardly anything else is, one user alone passes unchanged',
    { covers: ['OnSubscribeMixAudioFrame'], peer: 'engine', timeoutMs: 60_000 },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const receiver = await sender(scene, 'receiver', { config: { publishMode: PublishMode.MANUALLY } });
      await using ear = new Ear(receiver.mixedAudio());
      const feeds: ToneFeed[] = [];
      for (const [index, frequency] of FREQUENCIES.entries()) {
        const engine = await sender(scene, `user${index}`, { profile: AudioQualityMode.HIGH });
        feeds.push(await ToneFeed.start(engine, { frequencies: [frequency], amplitude: 0.4 }));
        if (index === 0) {
          const alone = joined(await steady(ear, frequency, 40));
          check.within(level(alone), 0.26, 0.3, 'level of one user alone');
          check.within(steadyToneShare(alone, 48_000, frequency), 0.97, 1, 'one user alone');
        }
      }
      await ear.more(150);
      const frames = await ear.more(100);
      const mix = joined(frames);
      const blocks = Array.from({ length: 20 }, (_, i) => mix.subarray(i * 2400, (i + 1) * 2400));
      const shares = FREQUENCIES.map((frequency) => median(blocks.map((block) => toneShare(block, 48_000, frequency))));
      for (const [index, share] of shares.entries())
        check.within(share, 0.15, 0.25, `share of user ${index}, ${FREQUENCIES[index]} Hz`);
      // Five sines that clipped hard would leave several per cent in other frequencies.
      check.within(
        shares.reduce((sum, share) => sum + share, 0),
        0.97,
        1.01,
        'all five tones together',
      );
      const fullScale = mix.filter((sample) => Math.abs(sample) >= 32_766).length;
      check.within(fullScale, 0, mix.length / 1000, 'samples at full scale');
      check.within(Math.max(...frames.map(({ data }) => peakOf(data))), 0.6, 1, 'peak');
      for (const feed of feeds) await feed.stop();
    },
  );

  row(
    'AAC of every user and of the mix: ADTS files that FFmpeg decodes to their tones',
    { covers: ['OnSubscribeAudioAac', 'OnSubscribeMixedAudioAac'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const receiver = await sender(scene, 'receiver', { config: { publishMode: PublishMode.MANUALLY } });
      const [a, b] = [await sender(scene, 'a'), await sender(scene, 'b')];
      await using _feedA = await ToneFeed.start(a, { frequencies: [600] });
      await using _feedB = await ToneFeed.start(b, { frequencies: [1000] });
      await using pcm = new Ear(receiver.mixedAudio());
      await pcm.until(({ data }) => peakOf(data) > 0.4);
      await using userA = new Ear(receiver.audioAac({ uids: ['a'] }));
      await using userB = new Ear(receiver.audioAac({ uids: ['b'] }));
      await using mixed = new Ear(receiver.mixedAudioAac());
      const parts = [
        { ear: userA, name: 'a', tones: [600] },
        { ear: userB, name: 'b', tones: [1000] },
        { ear: mixed, name: 'mixed', tones: [600, 1000] },
      ] as const;
      for (const { ear, name, tones } of parts) {
        await ear.until((_frame, index) => index >= 140);
        const all: Pick<(typeof ear.heard)[number], 'frame'>[] = ear.heard;
        const frames = all.slice(40).map(({ frame }) => frame);
        const [first] = frames;
        check.ok(first, name);
        check.equal([first.frameMs, first.sampleRateHz, first.channels], [21, 48_000, 1], `fields of ${name}`);
        check.ok(
          frames.every(({ data }) => data.readUInt16BE() >> 4 === 0xfff),
          `every frame of ${name} begins with ADTS`,
        );
        if ('uid' in first) check.equal(first.uid, name);
        const gaps = frames.slice(1).map((frame, index) => frame.sequence - (frames[index]?.sequence ?? 0));
        check.ok(
          gaps.every((gap) => gap === 1),
          `${name} without gaps`,
        );
        const file = path.join(daemon.folder, `${name}.aac`);
        await writeFile(file, Buffer.concat(frames.map(({ data }) => data)));
        const { samples, codec, rate } = await decode(file);
        check.equal([codec, rate], ['aac', 48_000]);
        check.within(samples.length, (frames.length - 2) * 1024, frames.length * 1024, `decoded samples of ${name}`);
        const shares = tones.map((tone) => steadyToneShare(samples.subarray(9600), 48_000, tone));
        check.within(
          shares.reduce((sum, share) => sum + share, 0),
          0.9,
          1.01,
          `${tones.join('+')} Hz in ${name}`,
        );
        for (const share of shares) check.within(share, 0.8 / tones.length, 1, `share in ${name}`);
      }
    },
  );
});

interface Profile {
  profile: AudioQualityMode;
  /** At most. */
  kbps: number;
  channels: number;
  sampleRateHz: number;
}

const PROFILES: readonly Profile[] = [
  { profile: AudioQualityMode.LOW, kbps: 12, channels: 1, sampleRateHz: 8000 },
  { profile: AudioQualityMode.BASIC, kbps: 24, channels: 1, sampleRateHz: 16_000 },
  { profile: AudioQualityMode.HIGH, kbps: 64, channels: 1, sampleRateHz: 48_000 },
  { profile: AudioQualityMode.STEREO_HIGH, kbps: 80, channels: 2, sampleRateHz: 48_000 },
  { profile: AudioQualityMode.SUPER_HIGH, kbps: 96, channels: 1, sampleRateHz: 48_000 },
  { profile: AudioQualityMode.STEREO_SUPER_HIGH, kbps: 128, channels: 2, sampleRateHz: 48_000 },
];
/** A codec's filters end a little above what they are named for; Opus itself ends at 20 kHz (RFC 6716, section 2). */
const ROLL_OFF = 1.1;
const OPUS_END_HZ = 20_000;

/** Noise is measured at the sender by its statistics, and at the receiver by its spectrum at 48 kHz. */
async function checkProfile(check: Check, scene: ChannelScene, receiver: Engine, wanted: Profile): Promise<void> {
  const { profile, kbps, channels, sampleRateHz } = wanted;
  const name = AudioQualityMode[profile];
  const engine = await sender(scene, name, { profile });
  await using feed = await ToneFeed.start(engine, { frequencies: [500, 700], noise: true });
  await using ear = new Ear(receiver.audioFrames({ uids: [name] }));
  const { kbps: measured, toldKbps, ...before } = await measure(engine, 2, kbps * 0.6);
  check.within(measured, kbps * 0.6, kbps * 1.05, `kbit/s of profile ${name}`);
  check.within(toldKbps - 8, measured * 0.75, measured * 1.25, `kbit/s that ${name} is told to have`);
  check.equal(before, { channels, sampleRateHz }, `channels and rate of ${name}`);
  const bandwidthHz = Math.min(sampleRateHz / 2, OPUS_END_HZ);
  const noise = joined(await ear.more(40));
  check.within(shareAbove(noise, 48_000, bandwidthHz * ROLL_OFF), 0, 0.001, `${name}: above ${bandwidthHz} Hz`);
  check.within(shareAbove(noise, 48_000, bandwidthHz / 2), 0.1, 1, `${name}: up to ${bandwidthHz} Hz`);
  if (profile === AudioQualityMode.LOW) {
    await engine.setAudioProfile(AudioQualityMode.SUPER_HIGH);
    const after = await measure(engine, 1, 96 * 0.8);
    check.within(after.kbps, 96 * 0.8, 96 * 1.05, 'kbit/s after the change in the call');
    check.equal(after.sampleRateHz, 48_000, 'rate after the change');
    check.within(shareAbove(joined(await ear.more(40)), 48_000, 8800), 0.1, 1, 'above 8.8 kHz after the change');
  }
  await feed.stop();
}

interface Measured {
  /** Of the sound itself, by the packets, each 20 ms, so that a late timer does not count. */
  kbps: number;
  toldKbps: number;
  channels: number;
  sampleRateHz: number;
}

/** A feed that a busy machine starves leaves silence between the noise, which costs next to nothing: measured again, so many times at most. */
const MEASUREMENTS = 6;

/** Over so many periods, after the one that has begun and the next; the first measurement that is high enough, else the last. */
async function measure(engine: Engine, periods: number, enoughKbps: number): Promise<Measured> {
  const marks: { bytes: number; packets: number }[] = [];
  let audio = { sentBytes: 0, sentBitrateBps: 0, channels: 0, sentSampleRateHz: 0 };
  for await (const event of engine.events({ signal: AbortSignal.timeout(30_000) })) {
    if (event.type === 'onLocalAudioStats') audio = event.value;
    if (event.type !== 'onCallStats') continue;
    marks.push({ bytes: audio.sentBytes, packets: event.value.sentExpectedPackets });
    const [from, to] = [marks.at(-1 - periods), marks.at(-1)];
    if (marks.length < periods + 2 || from === undefined || to === undefined) continue;
    const kbps = ((to.bytes - from.bytes) / (to.packets - from.packets) - RTP_HEADER_BYTES) * (8 / 20);
    if (kbps < enoughKbps && marks.length < periods + 1 + MEASUREMENTS) continue;
    return {
      kbps,
      toldKbps: audio.sentBitrateBps / 1000,
      channels: audio.channels,
      sampleRateHz: audio.sentSampleRateHz,
    };
  }
  throw new Error(`only ${marks.length} statistics`);
}

async function decode(file: string): Promise<{ samples: Int16Array; codec: string; rate: number }> {
  const samples: number[] = [];
  let [codec, rate] = ['', 0];
  for await (const { frame, codec: name } of decodeFile(file, 'audio')) {
    const bytes = frame.data?.[0];
    if (bytes === undefined) throw new Error('a sound frame without data');
    const copy = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + frame.nbSamples * 4) as ArrayBuffer;
    for (const sample of new Float32Array(copy)) samples.push(sample * 32_767);
    [codec, rate] = [name, frame.sampleRate];
  }
  return { samples: Int16Array.from(samples), codec, rate };
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
