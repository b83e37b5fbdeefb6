import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import {
  AlirtcClient,
  AudioQualityMode,
  AudioSceneMode,
  BufferDataType,
  ChannelProfile,
  ClientRole,
  DataMsgType,
  PublishState,
  RenderMode,
  RotationMode,
  VideoDataFormat,
  VideoSource,
  VideoStreamType,
  VideoTrack,
} from '../../../client/index.js';
import type { Engine } from '../../../client/index.js';
import { EngineServiceService } from '../../../gen/alirtc/v1/engine.js';
import type { CreateAliRTCEngineRequest } from '../../../gen/alirtc/v1/engine.js';
import { FakeDaemon } from '../../support/fake_daemon/fake_daemon.js';
import { recordingEngineService } from '../../support/fake_daemon/fake_engine.js';
import type { RecordedCall } from '../../support/fake_daemon/fake_engine.js';
import { serviceError } from '../../support/fake_daemon/status.js';

type Row = [string, (engine: Engine) => Promise<unknown>, Record<string, unknown>];

/** What each method asks for; the engine's id aside. */
const ROWS: Row[] = [
  ['leaveChannel', (e) => e.leaveChannel(), { wait: true }],
  ['leaveChannel', (e) => e.leaveChannel({ wait: false }), { wait: false }],
  ['isLocalVideoStreamPublished', (e) => e.isLocalVideoStreamPublished(), {}],
  ['isLocalScreenPublishEnabled', (e) => e.isLocalScreenPublishEnabled(), {}],
  ['isLocalAudioStreamPublished', (e) => e.isLocalAudioStreamPublished(), {}],
  ['isDualStreamPublished', (e) => e.isDualStreamPublished(), {}],
  [
    'setExternalVideoSource',
    (e) => e.setExternalVideoSource(true, { sourceType: VideoSource.SCREEN_SHARE, renderMode: RenderMode.CROP }),
    { enable: true, sourceType: VideoSource.SCREEN_SHARE, renderMode: RenderMode.CROP },
  ],
  ['setExternalVideoSource', (e) => e.setExternalVideoSource(false), { enable: false, sourceType: 0, renderMode: 0 }],
  [
    'setExternalAudioSource',
    (e) => e.setExternalAudioSource(true),
    { enable: true, sampleRateHz: 48_000, channelsPerFrame: 1 },
  ],
  [
    'setAudioProfile',
    (e) => e.setAudioProfile(AudioQualityMode.STEREO_HIGH, AudioSceneMode.MUSIC),
    { audioProfile: AudioQualityMode.STEREO_HIGH, audioScene: AudioSceneMode.MUSIC },
  ],
  ['setExternalAudioPublishVolume', (e) => e.setExternalAudioPublishVolume(30), { volume: 30 }],
  ['getExternalAudioPublishVolume', (e) => e.getExternalAudioPublishVolume(), {}],
  [
    'sendMediaExtensionMsg',
    (e) => e.sendMediaExtensionMsg(Buffer.from('sei'), { repeatCount: -1, isKeyFrame: true }),
    { message: Buffer.from('sei'), repeatCount: -1, delayMs: 0, isKeyFrame: true },
  ],
  ['publishLocalDualStream', (e) => e.publishLocalDualStream(true), { enabled: true, wait: true }],
  ['publishLocalVideoStream', (e) => e.publishLocalVideoStream(true, { wait: false }), { enabled: true, wait: false }],
  ['publishLocalAudioStream', (e) => e.publishLocalAudioStream(false), { enabled: false, wait: true }],
  ['publishScreenShareStream', (e) => e.publishScreenShareStream(true), { enabled: true, wait: true }],
  [
    'subscribeRemoteAudioStream',
    (e) => e.subscribeRemoteAudioStream('bob', true),
    { uid: 'bob', sub: true, wait: true },
  ],
  [
    'subscribeRemoteVideoStream',
    (e) => e.subscribeRemoteVideoStream('bob', VideoTrack.BOTH, false),
    { uid: 'bob', videoTrack: VideoTrack.BOTH, sub: false, wait: true },
  ],
  [
    'setVideoEncoderConfiguration',
    (e) => e.setVideoEncoderConfiguration({ dimensions: { width: 640, height: 360 }, bitrateKbps: 0 }),
    {
      config: {
        dimensions: { width: 640, height: 360 },
        frameRate: undefined,
        bitrateKbps: 0,
        minBitrateKbps: undefined,
        keyFrameIntervalMs: undefined,
        orientationMode: 0,
        mirrorMode: 0,
        rotationMode: 0,
      },
    },
  ],
  [
    'setScreenShareEncoderConfiguration',
    (e) => e.setScreenShareEncoderConfiguration({ frameRate: 10, rotationMode: RotationMode.ROTATE_90 }),
    { config: { dimensions: undefined, frameRate: 10, bitrateKbps: undefined, rotationMode: RotationMode.ROTATE_90 } },
  ],
  [
    'setRemoteVideoStreamType',
    (e) => e.setRemoteVideoStreamType('bob', VideoStreamType.LOW),
    { uid: 'bob', streamType: VideoStreamType.LOW },
  ],
  [
    'setRemoteDefaultVideoStreamType',
    (e) => e.setRemoteDefaultVideoStreamType(VideoStreamType.HIGH),
    { streamType: VideoStreamType.HIGH },
  ],
  ['muteLocalCamera', (e) => e.muteLocalCamera(true), { mute: true }],
  ['muteLocalMic', (e) => e.muteLocalMic(false), { mute: false }],
  ['setClientRole', (e) => e.setClientRole(ClientRole.LIVE), { clientRole: ClientRole.LIVE, wait: true }],
  ['leaveOnceNoStreamer', (e) => e.leaveOnceNoStreamer(true), { enable: true }],
  ['setPeriodForCheckPeople', (e) => e.setPeriodForCheckPeople(), { seconds: 5 }],
  ['setPeriodForCheckPeople', (e) => e.setPeriodForCheckPeople(0), { seconds: 0 }],
  [
    'setParameter',
    (e) => e.setParameter({ data: { enablePubDataChannel: true } }),
    { params: '{"data":{"enablePubDataChannel":true}}' },
  ],
  ['setParameter', (e) => e.setParameter('{}'), { params: '{}' }],
  [
    'sendDataChannelMessage',
    (e) => e.sendDataChannelMessage({ type: DataMsgType.CUSTOM, data: Buffer.from('x') }),
    { ctrlMsg: { type: DataMsgType.CUSTOM, networkTimeMs: 0, progress: 0, data: Buffer.from('x') } },
  ],
  ['clearDataBuffer', (e) => e.clearDataBuffer(), {}],
  [
    'getRemainDataBufferSize',
    (e) => e.getRemainDataBufferSize(BufferDataType.AUDIO_ONLY),
    { dataType: BufferDataType.AUDIO_ONLY },
  ],
  ['setVideoCallbackPeriod', (e) => e.setVideoCallbackPeriod(200), { periodMs: 200 }],
  ['getSdkVersion', (e) => e.getSdkVersion(), {}],
  ['getEngine', (e) => e.snapshot(), {}],
  ['renewLease', (e) => e.renewLease(), {}],
  ['release', (e) => e.release(), {}],
];

describe('The calls of an engine', () => {
  let daemon: FakeDaemon;
  let client: AlirtcClient;
  const calls: RecordedCall[] = [];
  const media: RecordedCall[] = [];

  before(async () => {
    daemon = await FakeDaemon.start({
      engine: recordingEngineService(calls, {
        createAliRtcEngine: (call, callback) => {
          calls.push({ method: 'createAliRtcEngine', request: call.request });
          callback(null, { engineId: 'engine-1', corePort: 42_001, coreProcessId: 77, leaseSeconds: 0 });
        },
        publishLocalVideoStream: (call, callback) => {
          calls.push({ method: 'publishLocalVideoStream', request: call.request });
          callback(null, { state: PublishState.PUBLISHED });
        },
        joinChannel: (call, callback) => {
          calls.push({ method: 'joinChannel', request: call.request });
          // Never answered for the channel "slow".
          if (call.request.channelId !== 'slow') callback(null, { result: 0, channel: 'c', userId: 'u' });
        },
        release: (call, callback) => {
          calls.push({ method: 'release', request: call.request });
          if (call.request.engineId === 'gone') callback(serviceError(status.NOT_FOUND, 'x', 'ENGINE_NOT_FOUND', {}));
          else callback(null, {});
        },
      }),
      media: {
        pushExternalVideoFrame: (call, callback) => {
          media.push({ method: 'pushExternalVideoFrame', request: call.request });
          callback(null, {});
        },
        pushExternalAudioFrameRawData: (call, callback) => {
          media.push({ method: 'pushExternalAudioFrameRawData', request: call.request });
          callback(null, {});
        },
        pushExternalAudioFrame: (call, callback) => {
          media.push({ method: 'pushExternalAudioFrame', request: call.request });
          callback(null, {});
        },
      },
    });
    client = await AlirtcClient.connect(daemon.address);
  });

  beforeEach(() => (calls.length = 0));

  after(() => {
    client.close();
    daemon.stop();
  });

  for (const [method, act, fields] of ROWS)
    it(`${method} sends ${JSON.stringify(fields)}`, async () => {
      await act(client.engine('e'));
      assert.deepEqual(calls, [{ method, request: { engineId: 'e', ...fields } }]);
    });

  it('cover the whole service', () => {
    const covered = new Set([...ROWS.map(([method]) => method), 'createAliRtcEngine', 'listEngines', 'joinChannel']);
    assert.deepEqual(
      Object.keys(EngineServiceService).filter((method) => !covered.has(method)),
      [],
    );
  });

  it('createEngine gives the engine with its port and process; extra may be an object', async () => {
    const engine = await client.createEngine({ lowPort: 42_000, highPort: 42_010, extra: { a: 1 } });
    assert.deepEqual([engine.engineId, engine.corePort, engine.coreProcessId], ['engine-1', 42_001, 77]);
    assert.deepEqual(calls[0]?.request, {
      lowPort: 42_000,
      highPort: 42_010,
      logPath: '',
      coreServicePath: '',
      h5mode: false,
      extra: '{"a":1}',
      channelServerUrl: '',
      coreRestart: undefined,
      leaseSeconds: 0,
      detached: false,
    });
  });

  it('createEngine sends what a program wants of restarts and leases', async () => {
    await client.createEngine({ coreRestart: { attempts: 3 }, leaseSeconds: 9 });
    await client.createEngine({ detached: true });
    const said = calls.map(({ request }) => request as CreateAliRTCEngineRequest);
    assert.deepEqual(
      said.map(({ leaseSeconds, detached }) => [leaseSeconds, detached]),
      [
        [9, false],
        [0, true],
      ],
    );
    assert.deepEqual(said[0]?.coreRestart, { mode: 0, delayMs: 0, maxDelayMs: 0, attempts: 3, windowSeconds: 0 });
  });

  it('joinChannel takes a token or the parts of one, and sends only the settings that were given', async () => {
    const engine = client.engine('e');
    const config = { channelProfile: ChannelProfile.COMMUNICATION, isAudioOnly: undefined };
    assert.deepEqual(await engine.joinChannel({ token: 't', config }), { result: 0, channel: 'c', userId: 'u' });
    await engine.joinChannel({ authInfo: { channel: 'c', userId: 'u', nonce: 'n' } }, { wait: false });
    const [first, second] = calls.map(({ request }) => request as Record<string, unknown>);
    assert.deepEqual(first?.['credential'], { $case: 'token', value: 't' });
    assert.equal((first['config'] as Record<string, unknown>)['channelProfile'], ChannelProfile.COMMUNICATION);
    assert.equal((first['config'] as Record<string, unknown>)['publishAvsyncWithPtsMaxAudioCacheSize'], undefined);
    assert.equal(first['wait'], true);
    assert.equal((second?.['credential'] as { value: Record<string, unknown> }).value['nonce'], 'n');
    assert.deepEqual([second?.['config'], second?.['wait']], [undefined, false]);
  });

  it('publishing resolves with the state', async () => {
    assert.equal(await client.engine('e').publishLocalVideoStream(true), PublishState.PUBLISHED);
  });

  it('the unary pushes send their frames', async () => {
    const engine = client.engine('e');
    const data = Buffer.alloc(6, 1);
    await engine.pushExternalVideoFrame({ format: VideoDataFormat.I420, width: 2, height: 2, data });
    await engine.pushExternalAudioFrameRawData(data, 20);
    await engine.pushExternalAudioFrame({ data, sentenceId: 4, isEndFrame: true });
    const [video, raw, audio] = media.map(({ request }) => request as Record<string, Record<string, unknown>>);
    assert.deepEqual([video?.['frame']?.['width'], video?.['frame']?.['data']], [2, data]);
    assert.deepEqual([raw?.['audioSamples'], raw?.['timestampMs']], [data, 20]);
    assert.deepEqual([audio?.['frame']?.['sentenceId'], audio?.['frame']?.['isEndFrame']], [4, true]);
  });

  it('end with DEADLINE_EXCEEDED after their time, and with CANCELLED when aborted', async () => {
    const engine = client.engine('e');
    await assert.rejects(engine.joinChannel({ token: 't', channelId: 'slow' }, { deadlineMs: 100 }), {
      name: 'AlirtcStatusError',
      code: status.DEADLINE_EXCEEDED,
    });
    const abort = new AbortController();
    const joining = engine.joinChannel({ token: 't', channelId: 'slow' }, { signal: abort.signal });
    abort.abort();
    await assert.rejects(joining, { code: status.CANCELLED });
    await assert.rejects(engine.leaveChannel({ signal: abort.signal }), { code: status.CANCELLED });
  });

  it('take the deadlines of the client', async () => {
    const hasty = await AlirtcClient.connect(daemon.address, { deadlines: { outcomeMs: 50 } });
    await assert.rejects(hasty.engine('e').joinChannel({ token: 't', channelId: 'slow' }), {
      code: status.DEADLINE_EXCEEDED,
    });
    hasty.close();
    await assert.rejects(hasty.listEngines(), { code: status.CANCELLED });
  });

  it('release is made once, succeeds for an engine that is gone, and ends "await using"', async () => {
    {
      await using engine = await client.createEngine();
      await Promise.all([engine.release(), engine.release()]);
    }
    await client.engine('gone').release();
    assert.deepEqual(
      calls.map(({ method }) => method),
      ['createAliRtcEngine', 'release', 'release'],
    );
  });
});
