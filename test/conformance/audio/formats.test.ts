import {
  AudioQualityMode,
  PublishMode,
  PublishState,
  type AlirtcEvent,
  type AudioFrame,
  type Engine,
} from '../../../client/index.js';
import { ChannelScene } from '../../support/channel_scene.js';
import { level } from '../../support/media/tones.js';
import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { row, type Check } from '../support/row.js';
import { DELIVERED_RATES, Ear, PUSH_RATES, ToneFeed, joined, sender, shareOf, steady } from './sound.js';

describe('audio: formats, volume, mute', () => {
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
    'pushed sound of every rate, mono and stereo, arrives with its pitch',
    { covers: ['SetExternalAudioSource', 'PushExternalAudioFrameRawData', 'OnSubscribeAudioFrame'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const receiver = await sender(scene, 'receiver', { config: { publishMode: PublishMode.MANUALLY } });
      const engines = [await sender(scene, 'mono'), await sender(scene, 'stereo')] as const;
      await using mono = new Ear(receiver.audioFrames({ uids: ['mono'] }));
      await using stereo = new Ear(receiver.audioFrames({ uids: ['stereo'] }));
      const ears: Record<number, Ear<AudioFrame>> = { 1: mono, 2: stereo };
      for (const [index, sampleRate] of PUSH_RATES.entries()) {
        const one = async (engine: Engine, channels: 1 | 2): Promise<void> => {
          const frequency = 400 + index * 100 + channels * 40;
          await using _feed = await ToneFeed.start(engine, {
            sampleRate,
            frequencies: Array<number>(channels).fill(frequency),
          });
          const ear = ears[channels];
          check.ok(ear, 'an ear');
          const frames = await steady(ear, frequency, 30);
          check.within(shareOf(frames, frequency), 0.95, 1, `${frequency} Hz pushed at ${sampleRate} Hz x ${channels}`);
          check.within(level(joined(frames)), 0.17, 0.25, `level at ${sampleRate} Hz x ${channels}`);
        };
        await Promise.all([one(engines[0], 1), one(engines[1], 2)]);
      }
    },
  );

  row(
    'every user and the mix are delivered in every rate and number of channels that is asked for, with all fields of the frame, stereo kept apart',
    {
      covers: ['OnSubscribeAudioFrame', 'OnSubscribeMixAudioFrame', 'SetAudioProfile'],
      peer: 'engine',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const receiver = await sender(scene, 'receiver', { config: { publishMode: PublishMode.MANUALLY } });
      const engine = await sender(scene, 'sender', { profile: AudioQualityMode.STEREO_HIGH });
      await using _feed = await ToneFeed.start(engine, { frequencies: [600, 1000], sampleRate: 48_000 });
      const shapes = DELIVERED_RATES.flatMap((sampleRateHz) => [1, 2].map((channels) => ({ sampleRateHz, channels })));
      await Promise.all(
        shapes.flatMap((shape) =>
          [receiver.audioFrames({ ...shape, uids: ['sender'] }), receiver.mixedAudio(shape)].map(
            async (stream, kind) => {
              await using ear = new Ear(stream);
              await ear.until((frame) => level(joined([frame])) > 0.05);
              await ear.more(60);
              const frames = await ear.more(40);
              const what = `${kind === 0 ? 'user' : 'mix'} at ${shape.sampleRateHz} Hz x ${shape.channels}`;
              for (const frame of frames) {
                if (frame.data.length !== (shape.sampleRateHz / 100) * 2 * shape.channels)
                  check.equal(frame.data.length, 0, what);
              }
              const [frame] = frames;
              check.ok(frame, what);
              const { frameMs, sampleRateHz, channels, sampleBits, samples } = frame;
              check.equal(
                { frameMs, sampleRateHz, channels, sampleBits, samples },
                { frameMs: 10, ...shape, sampleBits: 16, samples: shape.sampleRateHz / 100 },
                what,
              );
              if (kind === 0) {
                const { uid, streamIndex } = frame as AudioFrame;
                check.equal([uid, streamIndex], ['sender', 0], what);
              }
              if (shape.channels === 1) {
                check.within(shareOf(frames, 600) + shareOf(frames, 1000), 0.93, 1.01, `both tones in ${what}`);
              } else {
                check.within(shareOf(frames, 600, 0), 0.95, 1, `left of ${what}`);
                check.within(shareOf(frames, 1000, 1), 0.95, 1, `right of ${what}`);
              }
            },
          ),
        ),
      );
    },
  );

  row(
    'the volume of pushed sound is scaled before encoding: 0, 25, 50, 100; what was set is answered, others are refused',
    {
      covers: ['SetExternalAudioPublishVolume', 'GetExternalAudioPublishVolume'],
      peer: 'engine',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const receiver = await sender(scene, 'receiver', { config: { publishMode: PublishMode.MANUALLY } });
      const engine = await sender(scene, 'sender', { profile: AudioQualityMode.HIGH });
      await using _feed = await ToneFeed.start(engine, { frequencies: [500], amplitude: 0.4 });
      await using ear = new Ear(receiver.audioFrames());
      check.equal(await engine.getExternalAudioPublishVolume(), 100);
      const full = level(joined(await steady(ear, 500, 40)));
      for (const volume of [25, 50, 0, 100]) {
        await engine.setExternalAudioPublishVolume(volume);
        check.equal(await engine.getExternalAudioPublishVolume(), volume);
        await ear.more(45);
        const heard = level(joined(await ear.more(40)));
        check.within(heard / full, volume / 100 - 0.06, volume / 100 + 0.06, `level at volume ${volume}`);
      }
      for (const volume of [-1, 101])
        await check.rejects(engine.setExternalAudioPublishVolume(volume), { field: 'volume' });
      check.equal(await engine.getExternalAudioPublishVolume(), 100);
    },
  );

  row(
    'a muted microphone is silence in an unbroken stream: no event anywhere, frames go on, and sound is back at once',
    { covers: ['MuteLocalMic'], peer: 'engine' },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const receiver = await sender(scene, 'receiver', { config: { publishMode: PublishMode.MANUALLY } });
      const engine = await sender(scene, 'sender');
      await using _feed = await ToneFeed.start(engine, { frequencies: [500] });
      await using ear = new Ear(receiver.audioFrames());
      await steady(ear, 500, 20);
      const events: AlirtcEvent[] = [];
      const stop = new AbortController();
      const watching = Promise.all(
        [receiver, engine].map(async (one) => {
          for await (const event of one.events({ signal: stop.signal })) events.push(event);
        }),
      );
      await engine.muteLocalMic(true);
      await ear.more(40);
      const from = ear.heard.length;
      const silent = await ear.more(60);
      check.within(level(joined(silent)), 0, 0.002, 'level while muted');
      check.equal(
        silent.map((frame) => frame.sequence - (silent[0]?.sequence ?? 0)),
        silent.map((_frame, index) => index),
        'frames go on',
      );
      const times = ear.heard.slice(from).map((one) => one.atMs);
      check.within((times.at(-1) ?? 0) - (times[0] ?? 0), 500, 700, 'ms for 60 frames');
      check.equal(await engine.isLocalAudioStreamPublished(), true);
      check.equal((await engine.snapshot())?.audio, PublishState.PUBLISHED);
      await engine.muteLocalMic(false);
      check.within(shareOf(await steady(ear, 500, 20), 500), 0.95, 1, 'the tone after it');
      stop.abort();
      await watching;
      const names = events.map((event) => event.type).filter((name) => name !== 'snapshot' && !name.endsWith('Stats'));
      check.equal(names, []);
    },
  );

  row(
    'what cannot be sound is refused by name and nothing of it is queued',
    {
      covers: ['SetExternalAudioSource', 'PushExternalAudioFrameRawData', 'PushExternalAudioFrame', 'SetAudioProfile'],
      peer: 'engine',
    },
    async (check: Check) => {
      await using scene = await ChannelScene.open(daemon);
      const engine = await sender(scene, 'sender');
      const raw = (bytes: number) => engine.pushExternalAudioFrameRawData(Buffer.alloc(bytes));
      await check.rejects(raw(960), { reason: 'ERR_AUDIO_DATA_ERROR' });
      for (const sampleRateHz of [0, 11_025, 22_050, 192_000, -8000])
        await check.rejects(engine.setExternalAudioSource(true, { sampleRateHz }), {
          reason: 'ERR_AUDIO_DATA_ERROR',
          field: 'sample_rate_hz',
        });
      for (const channels of [0, 3, -1])
        await check.rejects(engine.setExternalAudioSource(true, { channels }), { field: 'channels_per_frame' });
      await engine.setExternalAudioSource(true, { sampleRateHz: 16_000, channels: 2 });
      for (const bytes of [0, 1, 642])
        await check.rejects(raw(bytes), { reason: 'ERR_AUDIO_DATA_ERROR', field: 'audio_samples' });
      await check.rejects(engine.pushExternalAudioFrame({ data: Buffer.alloc(3) }), { reason: 'ERR_AUDIO_DATA_ERROR' });
      await check.rejects(engine.pushExternalAudioFrame({ data: Buffer.alloc(640), frameId: 'x'.repeat(300) }), {
        reason: 'ERR_AUDIO_DATA_ERROR',
        field: 'frame.frame_id',
      });
      await check.rejects(engine.setAudioProfile(99 as AudioQualityMode), { field: 'audio_profile' });
      check.equal((await engine.getRemainDataBufferSize()).audioBufferMs, 0);
      await raw(640);
      await engine.setExternalAudioSource(false);
      await check.rejects(raw(640), { reason: 'ERR_AUDIO_DATA_ERROR' });
    },
  );
});
