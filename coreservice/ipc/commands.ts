import type { FieldsOf, MessageSpec } from './schema.js';

/** Host to core (core-service-ipc.md, section 3). One row a command; `payload` names the key that holds the payload's size. */
export const COMMANDS = {
  CREATE_RTC_ENGINE: {
    number: 1,
    keys: { logPath: 'str', h5mode: 'flag', extra: 'str' },
    optional: ['logPath', 'h5mode', 'extra'],
    defaults: { logPath: '/tmp' },
  },
  JOIN_CHANNEL: { number: 2, keys: { authInfo: 'json', config: 'json' } },
  PUSH_VIDEO_FRAME: {
    number: 3,
    keys: {
      source: 'int',
      format: 'int',
      bufferType: 'int',
      strideY: 'int',
      strideU: 'int',
      strideV: 'int',
      height: 'int',
      width: 'int',
      rotation: 'int',
      timestamp: 'long',
      dataLen: 'int',
    },
    payload: 'dataLen',
  },
  PUSH_AUDIO_FRAME: {
    number: 4,
    keys: {
      sampleLength: 'int',
      timestamp: 'long',
      isEndFrame: 'int',
      frameID: 'str',
      sentenceID: 'int',
      sequenceID: 'int',
    },
    payload: 'sampleLength',
    optional: ['isEndFrame', 'frameID', 'sentenceID', 'sequenceID'],
  },
  SET_CLIENTROLE: { number: 5, keys: { role: 'int' } },
  LEAVE_CHANNEL: { number: 6, keys: {} },
  SET_EXTERNAL_VIDEO_SOURCE: { number: 7, keys: { enable: 'bool', source: 'int', renderMode: 'int' } },
  SET_EXTERNAL_AUDIO_SOURCE: { number: 8, keys: { enable: 'bool', sampleRate: 'int', channelsPerFrame: 'int' } },
  PUBLISH_LOCAL_DUAL_STREAM: { number: 9, keys: { enable: 'bool' } },
  PUBLISH_LOCAL_VIDEO_STREAM: { number: 10, keys: { enable: 'bool' } },
  PUBLISH_LOCAL_AUDIO_STREAM: { number: 11, keys: { enable: 'bool' } },
  PUBLISH_SCREEN_SHARE_STREAM: { number: 12, keys: { enable: 'bool' } },
  SET_VIDEO_ENCODER_CONFIGURATION: {
    number: 13,
    keys: {
      dimensions: 'json',
      frameRate: 'int',
      bitrate: 'int',
      mirrorMode: 'int',
      rotationMode: 'int',
      orientationMode: 'int',
      keyFrameInterval: 'int',
      minBitrate: 'int',
    },
  },
  SET_SCREEN_SHARE_ENCODER_CONFIGURATION: {
    number: 14,
    keys: { dimensions: 'json', frameRate: 'int', bitrate: 'int', rotationMode: 'int' },
  },
  SEND_MEDIA_EXTENSION_MSG: {
    number: 15,
    keys: { repeatCount: 'int', delay: 'int', isKeyFrame: 'bool', length: 'int' },
    payload: 'length',
  },
  SUBSCRIBE_REMOTE_AUDIO_STREAM: {
    number: 16,
    keys: { uid: 'str', sub: 'bool', denoise: 'bool', voiceprint: 'bool', asrvad: 'bool', bind: 'bool' },
    optional: ['denoise', 'voiceprint', 'asrvad', 'bind'],
  },
  SUBSCRIBE_REMOTE_VIDEO_STREAM: { number: 17, keys: { uid: 'str', videoTrack: 'int', sub: 'bool' } },
  SET_REMOTE_VIDEO_STREAM_TYPE: { number: 18, keys: { uid: 'str', streamType: 'int' } },
  MUTE_LOCAL_CAMERA: { number: 19, keys: { mute: 'bool' } },
  MUTE_LOCAL_MIC: { number: 20, keys: { mute: 'bool' } },
  SET_PARAMETER: { number: 21, keys: { param: 'str' } },
  SEND_DATA_CHANNEL_MSG: {
    number: 22,
    keys: { networkTime: 'long', progress: 'int', type: 'int', dataLen: 'int' },
    payload: 'dataLen',
  },
  DESTROY_ENGINE: { number: 23, keys: {} },
  JOIN_CHANNEL_V2: {
    number: 24,
    keys: { token: 'str', channel: 'str', userid: 'str', username: 'str', config: 'json' },
  },
  SET_VIDEO_CALLBACK_PERIOD: { number: 25, keys: { period: 'int' } },
  SET_AUDIO_PROFILE: { number: 26, keys: { audioProfile: 'int', audioScene: 'int' } },
  SET_REMOTE_DEFAULT_VIDEO_STREAM_TYPE: { number: 27, keys: { streamType: 'int' } },
  SET_PERIOD_FOR_CHECK_PEOPLE: { number: 28, keys: { seconds: 'int' } },
  LEAVE_ONCE_NO_STREAMER: { number: 29, keys: { enable: 'bool' } },
  SET_EXTERNAL_AUDIO_PUBLISH_VOLUME: { number: 30, keys: { volume: 'int' } },
  CLEAR_EXTERNAL_DATA: { number: 31, keys: {} },
  GET_REMAIN_DATA_BUFFER_SIZE: { number: 32, keys: { dataType: 'int' } },
  GET_AUDIO_IS_MAIN_SPEAKER: { number: 33, keys: { startTime: 'long', endTime: 'long' } },
  SET_VOICEPRINT_VECTOR: { number: 34, keys: { vector: 'str' } },
  GET_VOICEPRINT_VECTOR: { number: 35, keys: {} },
  ENABLE_LOCAL_VIDEO: { number: 38, keys: { enable: 'bool' } },
  GET_NEED_TEST_CYCLE_ROUND: { number: 39, keys: { uid: 'str' } },
  GET_SDK_VERSION: { number: 40, keys: {} },
  JOIN_CHANNEL_V3: {
    number: 41,
    keys: {
      token: 'str',
      channel: 'str',
      userid: 'str',
      username: 'str',
      config: 'json',
      capabilityProfile: 'int',
      useVoip: 'bool',
    },
    optional: ['capabilityProfile', 'useVoip'],
  },
  GET_AIVAD_INFO: { number: 42, keys: { startTime: 'long', endTime: 'long' } },
  PRELOAD_AUDIO_EFFECT: { number: 48, keys: { soundId: 'int', filePath: 'str' } },
  UNLOAD_AUDIO_EFFECT: { number: 49, keys: { soundId: 'int' } },
  PLAY_AUDIO_EFFECT: {
    number: 50,
    keys: {
      soundId: 'int',
      filePath: 'str',
      needPublish: 'bool',
      loopCycles: 'int',
      startPosMs: 'int',
      publishVolume: 'int',
      playoutVolume: 'int',
    },
  },
  STOP_AUDIO_EFFECT: { number: 51, keys: { soundId: 'int' } },
  STOP_ALL_AUDIO_EFFECTS: { number: 52, keys: {} },
  SET_AUDIO_EFFECT_PUBLISH_VOLUME: { number: 53, keys: { soundId: 'int', volume: 'int' } },
  GET_AUDIO_EFFECT_PUBLISH_VOLUME: { number: 54, keys: { soundId: 'int' } },
  SET_AUDIO_EFFECT_PLAYOUT_VOLUME: { number: 55, keys: { soundId: 'int', volume: 'int' } },
  GET_AUDIO_EFFECT_PLAYOUT_VOLUME: { number: 56, keys: { soundId: 'int' } },
  SET_ALL_AUDIO_EFFECTS_PLAYOUT_VOLUME: { number: 57, keys: { volume: 'int' } },
  SET_ALL_AUDIO_EFFECTS_PUBLISH_VOLUME: { number: 58, keys: { volume: 'int' } },
  PAUSE_AUDIO_EFFECT: { number: 59, keys: { soundId: 'int' } },
  PAUSE_ALL_AUDIO_EFFECTS: { number: 60, keys: {} },
  RESUME_AUDIO_EFFECT: { number: 61, keys: { soundId: 'int' } },
  RESUME_ALL_AUDIO_EFFECTS: { number: 62, keys: {} },
  ENABLE_AUDIO_FRAME_OBSERVER: {
    number: 66,
    keys: { enabled: 'bool', audioSource: 'int', sampleRate: 'int', channels: 'int' },
  },
} as const satisfies Record<string, MessageSpec>;

/** Beyond the engine interface (SIP, AI delay): passed over, none has a payload. */
export const FOREIGN_COMMAND_NUMBERS: ReadonlySet<number> = new Set([37, 43, 44, 45, 46, 47, 63, 64, 65]);

export type CommandName = keyof typeof COMMANDS;
export type CommandFields<N extends CommandName> = FieldsOf<(typeof COMMANDS)[N]>;
/** A command as the core reads it. */
export type Command = {
  [N in CommandName]: { name: N; fields: CommandFields<N>; payload: Buffer | undefined };
}[CommandName];

/** The `authInfo` object of JOIN_CHANNEL. */
export interface AuthInfoFields {
  channel: string;
  userid: string;
  username: string;
  appid: string;
  nonce: string;
  role: string;
  token: string;
  timestamp: number;
}

/** The `config` object of the join commands (section 3.1). */
export interface JoinConfigFields {
  isAudioOnly: boolean;
  channelProfile: number;
  publishMode: number;
  subscribeMode: number;
  publishAvsyncMode: number;
  publishAvsyncWithPtsMaxAudioCacheSize: number;
  publishAvsyncWithPtsMaxVideoCacheSize: number;
  subscribeVideoFormat: number;
  subscribeAudioFormat: number;
  ttsVad: boolean;
}
