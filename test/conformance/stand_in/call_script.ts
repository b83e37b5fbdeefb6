import {
  AudioQualityMode,
  AudioSceneMode,
  BufferDataType,
  ClientRole,
  DataMsgType,
  RenderMode,
  RotationMode,
  VideoDataFormat,
  VideoMirrorMode,
  VideoSource,
  VideoStreamType,
  VideoTrack,
  type Engine,
} from '../../../client/index.js';

/** A command as it has to come: all its keys, and its payload. */
export interface Expected {
  fields: Record<string, unknown>;
  payload: Buffer;
}
/** Makes a call and says what has to come of it. */
export type Say = (fields: Record<string, unknown>, call: Promise<unknown>, payload?: Buffer) => Promise<void>;

export async function beforeTheJoin(engine: Engine, say: Say): Promise<void> {
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

export async function inTheCall(engine: Engine, say: Say): Promise<void> {
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
