import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import type { CommandName } from '../../../coreservice/ipc/commands.js';
import type { EngineServiceClient } from '../../../gen/alirtc/v1/engine.js';
import { EngineServiceService } from '../../../gen/alirtc/v1/engine.js';
import { VideoEncoderConfiguration } from '../../../gen/alirtc/v1/types.js';
import { errorInfoOf, rpc } from '../../support/rpc.js';
import type { ScriptedCore } from '../../support/scripted_core/scripted_cores.js';
import { Scene } from './scene.js';

type Method = keyof typeof EngineServiceService;

/** Any call by its name: the requests of this file are rows of tables. */
function invoke(client: EngineServiceClient, method: Method, request: object): Promise<Record<string, unknown>> {
  const { path, requestSerialize, responseDeserialize } = EngineServiceService[method];
  return rpc((done) =>
    client.makeUnaryRequest(
      path,
      requestSerialize as (value: object) => Buffer,
      responseDeserialize as (bytes: Buffer) => Record<string, unknown>,
      request,
      (error, response) => done(error, response ?? {}),
    ),
  );
}

interface Row {
  method: Method;
  request: object;
  command: CommandName;
  fields: object;
}

const ROWS: Row[] = [
  {
    method: 'setExternalVideoSource',
    request: { enable: true, sourceType: 2, renderMode: 4 },
    command: 'SET_EXTERNAL_VIDEO_SOURCE',
    fields: { enable: true, source: 1, renderMode: 3 },
  },
  {
    method: 'setExternalAudioSource',
    request: { enable: true, sampleRateHz: 44100, channelsPerFrame: 2 },
    command: 'SET_EXTERNAL_AUDIO_SOURCE',
    fields: { enable: true, sampleRate: 44100, channelsPerFrame: 2 },
  },
  {
    method: 'setAudioProfile',
    request: { audioProfile: 6, audioScene: 4 },
    command: 'SET_AUDIO_PROFILE',
    fields: { audioProfile: 0x13, audioScene: 0x300 },
  },
  {
    method: 'setExternalAudioPublishVolume',
    request: { volume: 40 },
    command: 'SET_EXTERNAL_AUDIO_PUBLISH_VOLUME',
    fields: { volume: 40 },
  },
  {
    method: 'publishLocalVideoStream',
    request: { enabled: true, wait: true },
    command: 'PUBLISH_LOCAL_VIDEO_STREAM',
    fields: { enable: true },
  },
  {
    method: 'publishLocalAudioStream',
    request: { enabled: true, wait: true },
    command: 'PUBLISH_LOCAL_AUDIO_STREAM',
    fields: { enable: true },
  },
  {
    method: 'publishLocalDualStream',
    request: { enabled: true, wait: true },
    command: 'PUBLISH_LOCAL_DUAL_STREAM',
    fields: { enable: true },
  },
  {
    method: 'publishScreenShareStream',
    request: { enabled: true, wait: true },
    command: 'PUBLISH_SCREEN_SHARE_STREAM',
    fields: { enable: true },
  },
  {
    method: 'sendMediaExtensionMsg',
    request: { message: Buffer.from('hello'), repeatCount: -1, delayMs: 20, isKeyFrame: true },
    command: 'SEND_MEDIA_EXTENSION_MSG',
    fields: { repeatCount: -1, delay: 20, isKeyFrame: true, length: 5 },
  },
  {
    method: 'subscribeRemoteAudioStream',
    request: { uid: 'anna', sub: true },
    command: 'SUBSCRIBE_REMOTE_AUDIO_STREAM',
    fields: { uid: 'anna', sub: true, denoise: false, voiceprint: false, asrvad: false, bind: false },
  },
  {
    method: 'subscribeRemoteVideoStream',
    request: { uid: 'anna', videoTrack: 4, sub: true },
    command: 'SUBSCRIBE_REMOTE_VIDEO_STREAM',
    fields: { uid: 'anna', videoTrack: 3, sub: true },
  },
  {
    method: 'setVideoEncoderConfiguration',
    request: {
      config: VideoEncoderConfiguration.fromPartial({
        dimensions: { width: 1280, height: 720 },
        frameRate: 30,
        bitrateKbps: 0,
        rotationMode: 3,
      }),
    },
    command: 'SET_VIDEO_ENCODER_CONFIGURATION',
    fields: {
      dimensions: { width: 1280, height: 720 },
      frameRate: 30,
      bitrate: 0,
      minBitrate: 0,
      keyFrameInterval: 0,
      mirrorMode: 0,
      rotationMode: 90,
      orientationMode: 0,
    },
  },
  {
    method: 'setScreenShareEncoderConfiguration',
    request: {},
    command: 'SET_SCREEN_SHARE_ENCODER_CONFIGURATION',
    fields: { dimensions: { width: 0, height: 0 }, frameRate: 5, bitrate: 512, rotationMode: 0 },
  },
  {
    method: 'setRemoteVideoStreamType',
    request: { uid: 'anna', streamType: 3 },
    command: 'SET_REMOTE_VIDEO_STREAM_TYPE',
    fields: { uid: 'anna', streamType: 2 },
  },
  {
    method: 'setRemoteDefaultVideoStreamType',
    request: { streamType: 3 },
    command: 'SET_REMOTE_DEFAULT_VIDEO_STREAM_TYPE',
    fields: { streamType: 2 },
  },
  { method: 'muteLocalCamera', request: { mute: true }, command: 'MUTE_LOCAL_CAMERA', fields: { mute: true } },
  { method: 'muteLocalMic', request: { mute: true }, command: 'MUTE_LOCAL_MIC', fields: { mute: true } },
  {
    method: 'leaveOnceNoStreamer',
    request: { enable: true },
    command: 'LEAVE_ONCE_NO_STREAMER',
    fields: { enable: true },
  },
  {
    method: 'setVideoCallbackPeriod',
    request: { periodMs: 500 },
    command: 'SET_VIDEO_CALLBACK_PERIOD',
    fields: { period: 500 },
  },
  {
    method: 'setParameter',
    request: { params: '{"data":{"enablePubDataChannel":true}}' },
    command: 'SET_PARAMETER',
    fields: { param: '{"data":{"enablePubDataChannel":true}}' },
  },
  {
    method: 'sendDataChannelMessage',
    request: { ctrlMsg: { type: 3, networkTimeMs: 1, progress: 2, data: Buffer.from('abc') } },
    command: 'SEND_DATA_CHANNEL_MSG',
    fields: { networkTime: 1, progress: 2, type: 2, dataLen: 3 },
  },
  { method: 'clearDataBuffer', request: {}, command: 'CLEAR_EXTERNAL_DATA', fields: {} },
  {
    method: 'getRemainDataBufferSize',
    request: { dataType: 1 },
    command: 'GET_REMAIN_DATA_BUFFER_SIZE',
    fields: { dataType: 0 },
  },
];

describe('the calls of the interface', () => {
  let scene: Scene;
  let engineId: string;
  let core: ScriptedCore;

  before(async () => {
    scene = await Scene.start();
    ({ engineId, core } = await scene.joined());
  });
  after(() => scene.close());

  it('creates the engine with one CREATE_RTC_ENGINE that names it', () => {
    const [created] = core.of('CREATE_RTC_ENGINE');
    assert.equal(core.commands[0], created);
    assert.deepEqual(created?.command['alirtcd'], { engineId, url: 'ws://127.0.0.1:9' });
    assert.equal(created?.command['h5mode'], 0);
  });

  it('joins with the original token beside the exchanged one', async () => {
    const { command } = await core.command('JOIN_CHANNEL_V2');
    const extension = command['alirtcd'] as { url: string; token: string };
    assert.equal(extension.url, 'ws://127.0.0.1:9');
    const claims = JSON.parse(Buffer.from(extension.token.split('.')[1] ?? '', 'base64url').toString()) as {
      sub: string;
      video: { room: string };
      attributes: Record<string, string>;
    };
    assert.equal(claims.sub, 'bot');
    assert.equal(claims.video.room, 'room');
    assert.deepEqual(claims.attributes, { 'alirtc.role': 'interactive', 'alirtc.profile': '0' });
    const original = JSON.parse(Buffer.from(String(command['token']), 'base64').toString()) as { channelid: string };
    assert.equal(original.channelid, 'room');
  });

  for (const { method, request, command, fields } of ROWS)
    it(`${method} becomes ${command}`, async () => {
      const before = core.of(command).length;
      await invoke(scene.daemon.engines, method, { ...emptyRequest(method), ...request, engineId });
      await core.count(command, before + 1);
      const { Command: _number, alirtcd: _extension, ...sent } = core.of(command)[before]?.command ?? { Command: 0 };
      assert.deepEqual(sent, fields);
    });

  it('asks whether a loopback test is on before every subscription to sound', () => {
    const numbers = core.commands.map(({ command }) => command.Command);
    assert.equal(numbers[numbers.indexOf(16) - 1], 39);
  });

  it('answers the Is...Published queries and the volume from what was last set', async () => {
    const client = scene.daemon.engines;
    const { volume } = await invoke(client, 'getExternalAudioPublishVolume', { engineId });
    assert.equal(volume, 40);
    for (const method of [
      'isLocalVideoStreamPublished',
      'isLocalAudioStreamPublished',
      'isDualStreamPublished',
      'isLocalScreenPublishEnabled',
    ] as const)
      assert.equal((await invoke(client, method, { engineId }))['enabled'], true, method);
  });

  it('answers versions and remaining sizes from the core', async () => {
    const client = scene.daemon.engines;
    assert.deepEqual(await invoke(client, 'getSdkVersion', { engineId }), { sdkVersion: 'scripted' });
    const remain = await invoke(client, 'getRemainDataBufferSize', { engineId, dataType: 0 });
    assert.deepEqual(remain, { audioBufferMs: 120, videoBufferFrames: 3 });
  });

  const REFUSED: { title: string; method: Method; request: object; code: status; reason: string; field?: string }[] = [
    {
      title: 'a volume of 101',
      method: 'setExternalAudioPublishVolume',
      request: { volume: 101 },
      code: status.INVALID_ARGUMENT,
      reason: 'INVALID_FIELD',
      field: 'volume',
    },
    {
      title: 'a sample rate of 22050',
      method: 'setExternalAudioSource',
      request: { enable: true, sampleRateHz: 22050, channelsPerFrame: 1 },
      code: status.INVALID_ARGUMENT,
      reason: 'ERR_AUDIO_DATA_ERROR',
      field: 'sample_rate_hz',
    },
    {
      title: 'parameters that are no object',
      method: 'setParameter',
      request: { params: '[]' },
      code: status.INVALID_ARGUMENT,
      reason: 'INVALID_FIELD',
      field: 'params',
    },
    {
      title: 'parameters between daemon and core',
      method: 'setParameter',
      request: { params: '{"alirtcd":{"credits":false}}' },
      code: status.INVALID_ARGUMENT,
      reason: 'INVALID_FIELD',
      field: 'params',
    },
    {
      title: 'an SEI message of 4097 bytes',
      method: 'sendMediaExtensionMsg',
      request: { message: Buffer.alloc(4097), repeatCount: 1, delayMs: 0, isKeyFrame: false },
      code: status.INVALID_ARGUMENT,
      reason: 'INVALID_FIELD',
      field: 'message',
    },
    {
      title: 'a period for checking people inside a channel',
      method: 'setPeriodForCheckPeople',
      request: { seconds: 5 },
      code: status.FAILED_PRECONDITION,
      reason: 'ERR_SDK_INVALID_STATE',
    },
    {
      title: 'becoming audience while publishing',
      method: 'setClientRole',
      request: { clientRole: 2, wait: false },
      code: status.FAILED_PRECONDITION,
      reason: 'ERR_PUBLISH_INVALID',
    },
    {
      title: 'a second join',
      method: 'joinChannel',
      request: { credential: { $case: 'token', value: 'x' }, channelId: 'a', userId: 'b' },
      code: status.FAILED_PRECONDITION,
      reason: 'ERR_JOIN_ALREADY_JOINED',
    },
    {
      title: 'an engine that does not exist',
      method: 'muteLocalMic',
      request: { mute: true, engineId: 'eng_none' },
      code: status.NOT_FOUND,
      reason: 'ENGINE_NOT_FOUND',
      field: 'engine_id',
    },
    {
      title: 'a core service that the operator did not allow',
      method: 'createAliRtcEngine',
      request: { coreServicePath: '/bin/sh' },
      code: status.INVALID_ARGUMENT,
      reason: 'CORE_SERVICE_NOT_ALLOWED',
      field: 'core_service_path',
    },
    {
      title: 'a log path outside of the log root',
      method: 'createAliRtcEngine',
      request: { logPath: '../../etc' },
      code: status.INVALID_ARGUMENT,
      reason: 'LOG_PATH_NOT_ALLOWED',
      field: 'log_path',
    },
    {
      title: 'a port range upside down',
      method: 'createAliRtcEngine',
      request: { lowPort: 45000, highPort: 44000 },
      code: status.INVALID_ARGUMENT,
      reason: 'INVALID_FIELD',
      field: 'high_port',
    },
    {
      title: 'extra that is no JSON object',
      method: 'createAliRtcEngine',
      request: { extra: '7' },
      code: status.INVALID_ARGUMENT,
      reason: 'INVALID_FIELD',
      field: 'extra',
    },
  ];

  for (const { title, method, request, code, reason, field } of REFUSED)
    it(`refuses ${title} by name`, async () => {
      const call = invoke(scene.daemon.engines, method, { ...emptyRequest(method), engineId, ...request });
      const error = await call.then(
        () => assert.fail('it was accepted'),
        (thrown: unknown) => thrown as ServiceError,
      );
      assert.equal(error.code, code, error.message);
      const info = errorInfoOf(error);
      assert.equal(info?.domain, 'alirtc');
      assert.equal(info?.reason, reason);
      if (field !== undefined) assert.equal(info?.metadata['field'], field);
    });
});

/** Every field of the method's request with its default. */
function emptyRequest(method: Method): object {
  return EngineServiceService[method].requestDeserialize(Buffer.alloc(0));
}
