import { PublishState, VideoSource, type Engine } from '../../../client/index.js';
import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { row, type Check } from '../support/row.js';
import { EventRecord } from './support/event_record.js';
import { openPair } from './support/pair.js';
import { PictureFeed } from './support/picture_feed.js';
import { encodedUntil } from './support/receiving.js';
import { numberedPictures } from './support/numbered.js';

type Camera = Parameters<Engine['setVideoEncoderConfiguration']>[0];
type Screen = Parameters<Engine['setScreenShareEncoderConfiguration']>[0];

interface Correction<C> {
  change: C;
  /** One for each correction that the warning tells of, in their order. */
  texts: string[];
}

const SENSIBLE_CAMERA = { dimensions: { width: 640, height: 360 }, frameRate: 15, bitrateKbps: 512 } satisfies Camera;
const CAMERA: Correction<Camera>[] = [
  {
    change: { dimensions: { width: 3840, height: 2160 }, bitrateKbps: 0 },
    texts: ['width 3840 corrected to 1920', 'height 2160 corrected to 1080'],
  },
  {
    change: { dimensions: { width: 2160, height: 3840 }, bitrateKbps: 0 },
    texts: ['width 2160 corrected to 1080', 'height 3840 corrected to 1920'],
  },
  {
    change: { dimensions: { width: 2, height: 2 }, bitrateKbps: 0 },
    texts: ['width 2 corrected to 16', 'height 2 corrected to 16'],
  },
  {
    change: { dimensions: { width: 641, height: 361 } },
    texts: ['width 641 corrected to 642', 'height 361 corrected to 362'],
  },
  { change: { frameRate: 120, bitrateKbps: 0 }, texts: ['frameRate 120 corrected to 30'] },
  { change: { bitrateKbps: 1 }, texts: ['bitrate 1 corrected to 248'] },
  { change: { bitrateKbps: 50_000 }, texts: ['bitrate 50000 corrected to 1024'] },
  { change: { bitrateKbps: 400, minBitrateKbps: 600 }, texts: ['bitrate 400 corrected to 600'] },
  { change: { minBitrateKbps: 5000, bitrateKbps: 0 }, texts: ['minBitrate 5000 corrected to 1024'] },
  { change: { keyFrameIntervalMs: 1 }, texts: ['keyFrameInterval 1 corrected to 100'] },
  { change: { keyFrameIntervalMs: 10_001 }, texts: ['keyFrameInterval 10001 corrected to 10000'] },
  { change: { keyFrameIntervalMs: 3_600_000 }, texts: ['keyFrameInterval 3600000 corrected to 10000'] },
];
/** Limits themselves are sensible. */
const CAMERA_AT_ITS_LIMITS: Camera[] = [
  { dimensions: { width: 1920, height: 1080 }, frameRate: 30, bitrateKbps: 4500 },
  { dimensions: { width: 1080, height: 1920 }, frameRate: 30, bitrateKbps: 3000 },
  { bitrateKbps: 248 },
  { bitrateKbps: 1024, minBitrateKbps: 1024 },
  { bitrateKbps: 0 },
  { keyFrameIntervalMs: 100 },
  { keyFrameIntervalMs: 10_000 },
];

const SENSIBLE_SCREEN = { dimensions: { width: 1280, height: 720 }, frameRate: 5, bitrateKbps: 512 } satisfies Screen;
const SCREEN: Correction<Screen>[] = [
  {
    change: { dimensions: { width: 7680, height: 4320 }, bitrateKbps: 0 },
    texts: ['width 7680 corrected to 3840', 'height 4320 corrected to 2160'],
  },
  { change: { frameRate: 60, bitrateKbps: 0 }, texts: ['frameRate 60 corrected to 30'] },
  { change: { bitrateKbps: 10 }, texts: ['bitrate 10 corrected to 400'] },
  { change: { bitrateKbps: 90_000 }, texts: ['bitrate 90000 corrected to 600'] },
];

describe('conformance: corrections', () => {
  let daemon: RunningDaemon;
  before(async () => {
    daemon = await startDaemon();
  });
  after(async () => {
    await daemon.stop();
  });

  row(
    'every value of an encoder configuration that is not sensible is corrected to the nearest sensible one and named by one OnWarning a call; limits and sensible values are not',
    {
      covers: ['OnWarning', 'SetVideoEncoderConfiguration', 'SetScreenShareEncoderConfiguration'],
      peer: 'engine',
    },
    async (check: Check) => {
      await using pair = await openPair(daemon, { prepare: (sender) => sender.setExternalVideoSource(true) });
      const { sender } = pair;
      using events = new EventRecord(sender);
      const expected: string[] = [];
      const told = async (): Promise<string[]> => {
        // An answer that comes behind whatever could have been told.
        await sender.getSdkVersion();
        await events.first('onWarning', () => events.of('onWarning').length >= expected.length);
        return events.of('onWarning').map(({ value }) => value.text);
      };
      const setCamera = (change: Camera): Promise<unknown> =>
        sender.setVideoEncoderConfiguration({ ...SENSIBLE_CAMERA, ...change });
      const setScreen = (change: Screen): Promise<unknown> =>
        sender.setScreenShareEncoderConfiguration({ ...SENSIBLE_SCREEN, ...change });
      for (const { change, texts } of CAMERA) {
        expected.push(texts.join('; '));
        await setCamera(change);
      }
      for (const { change, texts } of SCREEN) {
        expected.push(texts.join('; '));
        await setScreen(change);
      }
      for (const change of CAMERA_AT_ITS_LIMITS) await setCamera(change);
      await setScreen({});
      check.equal(
        await told(),
        expected.map((text) => `ENCODER_CONFIGURATION_CORRECTED: ${text}`),
      );
      check.equal(
        new Set(events.of('onWarning').map(({ value }) => value.warningCode)),
        new Set([-1]),
        'the interface has one warning code',
      );
      // What was corrected last is what is used: the pictures go on.
      await setCamera({});
      await using _feed = new PictureFeed(sender, 30, numberedPictures(320, 180));
      const units = await encodedUntil(pair.receiver, { uid: 'sender' }, (_, index) => index === 5);
      check.equal([units[0]?.width, units[0]?.height], [640, 360]);
    },
  );

  row(
    'a screen as captured: when its size is known, a bit rate that is too low for it is corrected and told once',
    {
      covers: ['OnWarning', 'SetScreenShareEncoderConfiguration', 'PublishScreenShareStream'],
      peer: 'engine',
    },
    async (check: Check) => {
      const sourceType = VideoSource.SCREEN_SHARE;
      await using pair = await openPair(daemon, {
        prepare: (sender) => sender.setExternalVideoSource(true, { sourceType }),
      });
      using events = new EventRecord(pair.sender);
      await pair.sender.setScreenShareEncoderConfiguration({
        dimensions: { width: 0, height: 0 },
        frameRate: 5,
        bitrateKbps: 40,
      });
      check.equal(await pair.sender.publishScreenShareStream(true), PublishState.PUBLISHED);
      await using _feed = new PictureFeed(pair.sender, 5, numberedPictures(640, 360), sourceType);
      await encodedUntil(pair.receiver, { uid: 'sender' }, (_, index) => index === 4);
      check.equal(
        events.of('onWarning').map(({ value }) => value.text),
        ['ENCODER_CONFIGURATION_CORRECTED: bitrate 40 corrected to 83 for pictures of 640x360'],
      );
    },
  );

  row(
    'keys of extra and SetParameter: a rate and a bit rate that are not sensible are corrected and told by name, at creation and in the call',
    { covers: ['OnWarning', 'CreateAliRTCEngine', 'SetParameter'], peer: 'engine' },
    async (check: Check) => {
      await using pair = await openPair(daemon);
      const rate = 'user_specified_audio_observer_resample_rate';
      const bitrate = 'user_specified_audio_observer_codec_bitrate';
      const engine = await pair.scene.client.createEngine({ extra: { [rate]: 47_000, [bitrate]: '5' } });
      using events = new EventRecord(engine);
      for (const keys of [
        { [rate]: 1 },
        { [bitrate]: 900_000 },
        { [bitrate]: 500 },
        { [bitrate]: 64, [rate]: '44100' },
        { [bitrate]: 0, [rate]: 0 },
      ])
        await engine.setParameter(keys);
      await engine.getSdkVersion();
      await events.first('onWarning', () => events.of('onWarning').length >= 3);
      const told = events.of('onWarning').map(({ value }) => value.text);
      check.equal(told.slice(-3), [
        `PARAMETER_CORRECTED: ${rate} 1 corrected to 8000`,
        `PARAMETER_CORRECTED: ${bitrate} 900000 corrected to 320000`,
        `PARAMETER_CORRECTED: ${bitrate} 500 corrected to 320`,
      ]);
      const stream = engine.events({ fromSequence: 1 });
      for await (const event of stream) {
        if (event.type !== 'onWarning') continue;
        const corrections = `${rate} 47000 corrected to 48000; ${bitrate} 5 corrected to 16`;
        check.equal(event.value.text, `PARAMETER_CORRECTED: ${corrections}`);
        break;
      }
      await engine.release();
    },
  );
});
