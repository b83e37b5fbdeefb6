import { createHash } from 'node:crypto';
import {
  AudioQualityMode,
  AudioSceneMode,
  BufferDataType,
  ChannelProfile,
  ClientRole,
  DataMsgType,
  PublishMode,
  RenderMode,
  RotationMode,
  SubscribeMode,
  VideoDataFormat,
  VideoMirrorMode,
  VideoSource,
  VideoStreamType,
  VideoTrack,
  type Engine,
} from '../../../client/index.js';
import { AlirtcClient } from '../../../client/index.js';
import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import {
  SCRIPTED_CORE,
  ScriptedCores,
  type RecordedCommand,
  type ScriptedCore,
} from '../../support/scripted_core/scripted_cores.js';
import { CALLS, FURTHER_CALLS, type InterfaceName } from '../support/interface.js';
import { row, type Check } from '../support/row.js';
import { CALLBACK_SCRIPT, FRAME_SCRIPT } from './callback_script.js';
import { Watch } from '../messages/watch.js';
import { Ear } from '../audio/sound.js';

const PEER = 'scripted core service';
const UNIT_LIMIT = 65_536;
/** Answered by the daemon from its own memory, or not by a core. */
const LOCAL: readonly string[] = [
  'IsLocalVideoStreamPublished',
  'IsLocalScreenPublishEnabled',
  'IsLocalAudioStreamPublished',
  'IsDualStreamPublished',
  'GetExternalAudioPublishVolume',
  'GenerateToken',
];

const CONFIG_ON_THE_WIRE = {
  isAudioOnly: false,
  channelProfile: 1,
  publishMode: 1,
  subscribeMode: 0,
  publishAvsyncMode: 0,
  publishAvsyncWithPtsMaxAudioCacheSize: 300,
  publishAvsyncWithPtsMaxVideoCacheSize: 100,
  subscribeVideoFormat: 1,
  subscribeAudioFormat: 1,
  ttsVad: false,
};
const CONFIG = {
  channelProfile: ChannelProfile.INTERACTIVE_LIVE,
  publishMode: PublishMode.MANUALLY,
  subscribeMode: SubscribeMode.AUTOMATICALLY,
};

describe('stand-in: a core service written from the page of the IPC', () => {
  let daemon: RunningDaemon;
  let cores: ScriptedCores;
  let client: AlirtcClient;
  before(async function () {
    this.timeout(20_000);
    cores = await ScriptedCores.start();
    daemon = await startDaemon({ args: ['--core-service', SCRIPTED_CORE, '--channel-server', 'ws://127.0.0.1:9'] });
    client = await AlirtcClient.connect(daemon.address);
  });
  after(async function () {
    this.timeout(20_000);
    client.close();
    await daemon.stop();
    await cores.close();
  });

  async function start(
    ignore: Parameters<ScriptedCores['extra']>[0] = [],
  ): Promise<{ engine: Engine; core: ScriptedCore; extra: string }> {
    const arrived = cores.next();
    const extra = cores.extra(ignore);
    const engine = await client.createEngine({ coreServicePath: SCRIPTED_CORE, h5mode: true, extra });
    return { engine, core: await arrived, extra };
  }

  async function join(engine: Engine): Promise<string> {
    const { token } = await client.generateToken({ channel: 'room', userId: 'bot' });
    await engine.joinChannel({ token, userName: 'Bot', config: CONFIG });
    return token;
  }

  row(
    'every call is one command with the number and exactly the keys of the page, in the order of the calls; CREATE first, DESTROY last, 39 before every 16',
    {
      covers: [...CALLS, ...FURTHER_CALLS].filter((name) => !LOCAL.includes(name) && name !== 'GetEventHandler'),
      peer: PEER,
    },
    async (check: Check) => {
      const { engine, core, extra } = await start();
      const expected: Expected[] = [];
      const say = async (
        fields: Record<string, unknown>,
        call: Promise<unknown>,
        payload: Buffer = Buffer.alloc(0),
      ) => {
        await call;
        expected.push({ fields, payload });
      };
      const logPath = (await core.command('CREATE_RTC_ENGINE')).command['logPath'];
      check.ok(typeof logPath === 'string' && logPath.startsWith('/'), `logPath ${String(logPath)}`);
      expected.push({ fields: { Command: 1, logPath, h5mode: 1, extra }, payload: Buffer.alloc(0) });
      // The daemon asks whether the core answers.
      await say({ Command: 32, dataType: 2 }, Promise.resolve());
      await say({ Command: 40 }, Promise.resolve());
      await beforeTheJoin(engine, say);
      const token = await join(engine);
      expected.push({
        fields: { Command: 24, token, channel: 'room', userid: 'bot', username: 'Bot', config: CONFIG_ON_THE_WIRE },
        payload: Buffer.alloc(0),
      });
      await inTheCall(engine, say);
      await say({ Command: 6 }, engine.leaveChannel());
      const { authInfo } = await client.generateToken({ channel: 'room', userId: 'bot', nonce: 'AK-1' });
      await engine.joinChannel({ authInfo: { ...authInfo, role: 'interactive' }, config: CONFIG });
      expected.push({
        fields: {
          Command: 2,
          authInfo: {
            channel: 'room',
            userid: 'bot',
            username: '',
            appid: authInfo?.appId,
            nonce: 'AK-1',
            role: 'interactive',
            token: authInfo?.token,
            timestamp: authInfo?.timestamp,
          },
          config: CONFIG_ON_THE_WIRE,
        },
        payload: Buffer.alloc(0),
      });
      await engine.release();
      const recorded = core.commands.filter((one) => !isOurs(one));
      const last = recorded.at(-1)?.command.Command;
      check.equal(last, 23, 'the last command');
      for (const [index, { fields, payload }] of expected.entries()) {
        const one = recorded[index];
        check.ok(one, `command ${String(fields['Command'])} as number ${index}`);
        check.equal(one.command['Command'], fields['Command'], `command number ${index}`);
        check.equal(withoutOurs(one.command), fields, `keys of command ${String(fields['Command'])}`);
        check.equal(one.payloadBytes, payload.length, `payload of command ${String(fields['Command'])}`);
        check.equal(one.sha256, createHash('sha256').update(payload).digest('hex'));
        check.ok(
          one.units.every((size) => size > 0 && size <= UNIT_LIMIT),
          `units of command ${String(fields['Command'])}: ${one.units.join(' ')}`,
        );
      }
      // A release of an engine in a channel leaves first.
      const rest = recorded.slice(expected.length).map(({ command }) => command.Command);
      check.ok(rest.every((number) => number === 6 || number === 23) && rest.length <= 2, `the end: ${rest.join(' ')}`);
      const big = recorded.find(({ payloadBytes }) => payloadBytes > 3_000_000);
      check.ok(big, 'a picture of 3 MB');
      check.equal(
        big.units.slice(0, -1).every((size) => size === UNIT_LIMIT),
        true,
        'full units',
      );
    },
  );

  row(
    'command 16 waits for the answer to 39, also when many are asked for at once',
    { covers: ['SubscribeRemoteAudioStream'], peer: PEER },
    async (check: Check) => {
      const { engine, core } = await start(['GET_NEED_TEST_CYCLE_ROUND']);
      await join(engine);
      const calls = ['a', 'b', 'c'].map((uid) => engine.subscribeRemoteAudioStream(uid, true, { wait: false }));
      await core.command('GET_NEED_TEST_CYCLE_ROUND');
      await engine.getSdkVersion();
      check.equal(core.of('SUBSCRIBE_REMOTE_AUDIO_STREAM').length, 0, '16 before the answer to 39');
      for (let n = 1; n <= 3; n++) {
        await core.count('GET_NEED_TEST_CYCLE_ROUND', n);
        core.send('NEED_TEST_CYCLE_ROUND', { isEnable: false });
        await core.count('SUBSCRIBE_REMOTE_AUDIO_STREAM', n);
      }
      await Promise.all(calls);
      const order = core.commands.map(({ command }) => command.Command).filter((n) => n === 39 || n === 16);
      check.equal(order, [39, 16, 39, 16, 39, 16]);
      await engine.release();
    },
  );

  row(
    'every callback of the page reaches the client with each of its fields, in the order in which the core said them; numbers that are not known are passed over',
    { covers: CALLBACK_SCRIPT.map(({ covers }) => covers), peer: PEER },
    async (check: Check) => {
      // SET_PARAMETER ignored: a core that never says how much it consumed tells the edges of its buffers itself.
      const { engine, core } = await start(['SET_PARAMETER']);
      await join(engine);
      await using watch = new Watch(engine);
      await watch.count('onJoinChannelResult', 1);
      for (const { name, fields, payload } of CALLBACK_SCRIPT) {
        core.send(name, fields, payload);
        core.sendNumber(1033 + Math.floor(Math.random() * 4), { anything: { at: ['all'] } });
      }
      for (const request of [1035, 1036, 1038, 1041, 1046, 1052, 1056, 1058, 1068, 4711, -1])
        core.sendNumber(request, { uid: 'x', vector: 'Null', score: 0.5 });
      core.sendAfterFrames('REMOTE_USER_ONLINE', { uid: 'the-end' });
      await watch.count('onRemoteUserOnLineNotify', 2);
      const heard = watch.events.slice(watch.events.findIndex(({ type }) => type === 'onJoinChannelResult') + 1);
      const told = heard.filter(({ type }) => type !== 'engineStateChanged' && type !== 'snapshot').slice(0, -1);
      check.equal(
        told.map(({ type }) => type),
        CALLBACK_SCRIPT.map(({ event }) => event),
        'the order of the events',
      );
      for (const [index, { event, value }] of CALLBACK_SCRIPT.entries())
        check.equal(plain(told[index]?.value), plain(value), `fields of ${event}`);
      check.ok((await engine.getSdkVersion()) === 'scripted', 'the engine goes on');
      await engine.release();
    },
  );

  row(
    'frames of all six kinds, with payloads in any number of units, come bit by bit the same with all their fields, also without any of our extensions',
    { covers: FRAME_SCRIPT.map(({ covers }) => covers), peer: PEER },
    async (check: Check) => {
      // SET_PARAMETER ignored: this core gives no credits and heeds no demand, as the vendor's.
      const { engine, core } = await start(['SET_PARAMETER']);
      await join(engine);
      for (const { name, covers, fields, payloadBytes, open, wanted } of FRAME_SCRIPT) {
        await using ear = new Ear<{ data: Buffer }>(open(engine));
        // The stream stands when its demand was told.
        await core.count('SET_PARAMETER', core.of('SET_PARAMETER').length);
        const payload = Buffer.alloc(payloadBytes, 0x11);
        for (let i = 0; i < payload.length; i += 97) payload[i] = i & 255;
        // H.264 begins with a key frame, and this core does not say which ones are.
        if (covers === 'OnRemoteVideoEncodedSample')
          Buffer.from('000000016742c01f0000000168ce3c800000000165', 'hex').copy(payload);
        let frame: { data: Buffer } | undefined;
        for (let attempt = 0; attempt < 50 && frame === undefined; attempt++) {
          core.send(name, fields, payload);
          await ear.until(() => true, 0, 100).catch(() => undefined);
          frame = ear.heard[0]?.frame;
        }
        check.ok(frame, `${covers} without the extension`);
        check.equal(frame.data.equals(payload), true, `bytes of ${covers}`);
        const {
          data: _data,
          sequence,
          captureTimeUs,
          droppedBefore,
          release: _release,
          ...rest
        } = frame as never as Record<string, unknown>;
        check.equal(rest, wanted, `fields of ${covers}`);
        check.equal([sequence, droppedBefore], [1, 0], `count of ${covers}`);
        check.within(Number(captureTimeUs) / 1000, Date.now() - 20_000, Date.now() + 1000, `time of ${covers}, ms`);
      }
      await engine.release();
    },
  );

  row(
    'a core that never answers with our extension is pushed to all the same, and says itself when its buffers are full',
    {
      covers: [
        'PushExternalAudioFrameRawData',
        'PushExternalVideoFrame',
        'OnPushAudioFrameBufferFull',
        'OnPushVideoFrameBufferFull',
      ],
      peer: PEER,
    },
    async (check: Check) => {
      const { engine, core } = await start(['SET_PARAMETER']);
      await engine.setExternalAudioSource(true, { sampleRateHz: 16_000 });
      await engine.setExternalVideoSource(true);
      await engine.setClientRole(ClientRole.INTERACTIVE);
      await join(engine);
      await engine.publishLocalAudioStream(true);
      await engine.publishLocalVideoStream(true);
      await using watch = new Watch(engine);
      // Three seconds: more than the 200 ms that a core of ours holds.
      const audio = engine.audioPush();
      for (let n = 0; n < 150; n++) await audio.push({ data: Buffer.alloc(640), timestampMs: n * 20 });
      await audio.end();
      check.equal(
        core.of('PUSH_AUDIO_FRAME').reduce((sum, { payloadBytes }) => sum + payloadBytes, 0),
        150 * 640,
      );
      const picture = { width: 64, height: 48, format: VideoDataFormat.I420, data: Buffer.alloc(64 * 72) };
      const video = engine.videoPush();
      for (let n = 0; n < 30; n++) await video.push({ ...picture, timestampMs: n * 40 });
      await video.end();
      check.equal(core.of('PUSH_VIDEO_FRAME').length, 30, 'pictures');
      for (const success of [true, false]) {
        core.send('AUDIO_BUFFER_FULL', { success });
        core.send('VIDEO_BUFFER_FULL', { success });
      }
      const edges = [
        ...(await watch.count('onPushAudioFrameBufferFull', 2)),
        ...(await watch.count('onPushVideoFrameBufferFull', 2)),
      ];
      check.equal(
        edges.map(({ value }) => value.isFull),
        [true, false, true, false],
      );
      check.equal(await engine.getRemainDataBufferSize(), { audioBufferMs: 120, videoBufferFrames: 3 });
      await engine.release();
      check.equal(core.commands.at(-1)?.command.Command, 23);
    },
  );
});

interface Expected {
  fields: Record<string, unknown>;
  payload: Buffer;
}
type Say = (fields: Record<string, unknown>, call: Promise<unknown>, payload?: Buffer) => Promise<void>;

/** What the daemon and a core of ours say beside the protocol. */
function isOurs({ command }: RecordedCommand): boolean {
  return command.Command === 21 && Object.keys(JSON.parse(String(command['param'])) as object).join() === 'alirtcd';
}

function withoutOurs(command: Record<string, unknown>): Record<string, unknown> {
  const { alirtcd: _alirtcd, ...rest } = command;
  return rest;
}

/** Buffers and byte arrays as hex, so that they compare. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, one: unknown) => {
      if (typeof one === 'object' && one !== null && 'type' in one && one.type === 'Buffer' && 'data' in one)
        return Buffer.from(one.data as number[]).toString('hex');
      return one instanceof Uint8Array ? Buffer.from(one).toString('hex') : one;
    }),
  );
}

async function beforeTheJoin(engine: Engine, say: Say): Promise<void> {
  await say({ Command: 28, seconds: 5 }, engine.setPeriodForCheckPeople());
  await say({ Command: 29, enable: true }, engine.leaveOnceNoStreamer(true));
  await say({ Command: 5, role: 0 }, engine.setClientRole(ClientRole.INTERACTIVE));
  await say(
    { Command: 7, enable: true, source: 0, renderMode: 3 },
    engine.setExternalVideoSource(true, { renderMode: RenderMode.CROP }),
  );
  await say(
    { Command: 7, enable: true, source: 1, renderMode: 0 },
    engine.setExternalVideoSource(true, { sourceType: VideoSource.SCREEN_SHARE }),
  );
  await say(
    { Command: 8, enable: true, sampleRate: 44_100, channelsPerFrame: 2 },
    engine.setExternalAudioSource(true, { sampleRateHz: 44_100, channels: 2 }),
  );
  await say(
    { Command: 26, audioProfile: 0x13, audioScene: 0x300 },
    engine.setAudioProfile(AudioQualityMode.STEREO_SUPER_HIGH, AudioSceneMode.MUSIC),
  );
  await say({ Command: 30, volume: 55 }, engine.setExternalAudioPublishVolume(55));
  await say(
    {
      Command: 13,
      dimensions: { width: 1280, height: 720 },
      frameRate: 30,
      bitrate: 1500,
      mirrorMode: 1,
      rotationMode: 90,
      orientationMode: 0,
      keyFrameInterval: 2000,
      minBitrate: 300,
    },
    engine.setVideoEncoderConfiguration({
      dimensions: { width: 1280, height: 720 },
      frameRate: 30,
      bitrateKbps: 1500,
      mirrorMode: VideoMirrorMode.ENABLED,
      rotationMode: RotationMode.ROTATE_90,
      keyFrameIntervalMs: 2000,
      minBitrateKbps: 300,
    }),
  );
  await say(
    { Command: 14, dimensions: { width: 0, height: 0 }, frameRate: 5, bitrate: 512, rotationMode: 0 },
    engine.setScreenShareEncoderConfiguration({}),
  );
  await say({ Command: 27, streamType: 2 }, engine.setRemoteDefaultVideoStreamType(VideoStreamType.LOW));
  await say({ Command: 25, period: 100 }, engine.setVideoCallbackPeriod(100));
  const param = '{"data":{"enablePubDataChannel":true},"vendorsOwn":[1, 2]}';
  await say({ Command: 21, param }, engine.setParameter(param));
  await say({ Command: 40 }, engine.getSdkVersion());
}

async function inTheCall(engine: Engine, say: Say): Promise<void> {
  await say({ Command: 10, enable: true }, engine.publishLocalVideoStream(true));
  await say({ Command: 9, enable: true }, engine.publishLocalDualStream(true));
  await say({ Command: 11, enable: true }, engine.publishLocalAudioStream(true));
  await say({ Command: 12, enable: true }, engine.publishScreenShareStream(true));
  const stride = 1920;
  const picture = { width: 1900, height: 1080, rotation: 180, timestampMs: 40 };
  const i420 = Buffer.alloc(stride * 1080 * 1.5, 7);
  await say(
    {
      Command: 3,
      source: 0,
      format: 1,
      bufferType: 0,
      strideY: stride,
      strideU: 960,
      strideV: 960,
      height: 1080,
      width: 1900,
      rotation: 180,
      timestamp: 40,
      dataLen: i420.length,
    },
    engine.pushExternalVideoFrame({
      ...picture,
      format: VideoDataFormat.I420,
      strideY: stride,
      strideU: 960,
      strideV: 960,
      data: i420,
    }),
    i420,
  );
  const sound = Buffer.alloc(44_100 * 4 * 0.1, 9);
  await say(
    {
      Command: 4,
      sampleLength: sound.length,
      timestamp: 1000,
      isEndFrame: 0,
      frameID: '',
      sentenceID: 0,
      sequenceID: 0,
    },
    engine.pushExternalAudioFrameRawData(sound, 1000),
    sound,
  );
  await say(
    { Command: 4, sampleLength: 400, timestamp: 1100, isEndFrame: 1, frameID: 'f-1', sentenceID: 4, sequenceID: 5 },
    engine.pushExternalAudioFrame({
      data: sound.subarray(0, 400),
      timestampMs: 1100,
      isEndFrame: true,
      frameId: 'f-1',
      sentenceId: 4,
      sequenceId: 5,
    }),
    sound.subarray(0, 400),
  );
  const sei = Buffer.alloc(4096, 3);
  await say(
    { Command: 15, repeatCount: 3, delay: 20, isKeyFrame: true, length: 4096 },
    engine.sendMediaExtensionMsg(sei, { repeatCount: 3, delayMs: 20, isKeyFrame: true }),
    sei,
  );
  const data = Buffer.from('data');
  await say(
    { Command: 22, networkTime: 1_700_000_000_000, progress: 50, type: 1, dataLen: 4 },
    engine.sendDataChannelMessage({ type: DataMsgType.PROGRESS, networkTimeMs: 1_700_000_000_000, progress: 50, data }),
    data,
  );
  await say({ Command: 39, uid: 'anna' }, Promise.resolve());
  await say(
    { Command: 16, uid: 'anna', sub: true, denoise: false, voiceprint: false, asrvad: false, bind: false },
    engine.subscribeRemoteAudioStream('anna', true),
  );
  await say(
    { Command: 17, uid: 'anna', videoTrack: 1, sub: true },
    engine.subscribeRemoteVideoStream('anna', VideoTrack.CAMERA, true),
  );
  await say({ Command: 18, uid: 'anna', streamType: 2 }, engine.setRemoteVideoStreamType('anna', VideoStreamType.LOW));
  await say({ Command: 19, mute: true }, engine.muteLocalCamera(true));
  await say({ Command: 20, mute: true }, engine.muteLocalMic(true));
  await say({ Command: 31 }, engine.clearDataBuffer());
  await say({ Command: 32, dataType: 1 }, engine.getRemainDataBufferSize(BufferDataType.VIDEO_ONLY));
}
