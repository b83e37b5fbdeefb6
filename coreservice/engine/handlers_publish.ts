import { AlirtcError } from '../../common/errors.js';
import { CALL_RESULT_NUMBERS, ERROR_NUMBERS } from '../../common/error_codes.js';
import { letHeapGrow } from '../../common/heap_growth.js';
import { PublishState, RenderMode, VideoMirrorMode, VideoSource } from '../ipc/enums.js';
import { MAX_SEI_BYTES } from '../ipc/limits.js';
import { audioProfile } from './audio_profile.js';
import type { CoreEngine } from './core_engine.js';
import {
  CAMERA_LIMITS,
  SCREEN_LIMITS,
  sensibleConfiguration,
  type Limits,
  type WantedConfiguration,
} from './encoder_configuration.js';
import type { Handlers } from './handlers.js';
import { badParameter } from './handlers_channel.js';
import type { LocalKind } from './local_media.js';

const SAMPLE_RATES = new Set([8000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000]);

/** Publishing: sources, pushes, settings of what goes out. */
export const PUBLISH_HANDLERS: Handlers = {
  SET_EXTERNAL_VIDEO_SOURCE: (engine, { enable, source, renderMode }) => {
    const kind = sourceKind(source);
    if (!Object.values<number>(RenderMode).includes(renderMode))
      throw badParameter('render_mode', `${renderMode} is no render mode`);
    engine.settings.videoSources[kind] = { enabled: enable, renderMode };
    if (!enable) engine.local[kind].clear();
  },
  PUSH_VIDEO_FRAME: (engine, fields, payload) => {
    letHeapGrow();
    engine.local[sourceKind(fields.source)].push(fields, payload);
  },
  SET_EXTERNAL_AUDIO_SOURCE: (engine, { enable, sampleRate, channelsPerFrame }) => {
    if (!enable) {
      if (engine.settings.audioSource !== undefined) engine.settings.audioSource.enabled = false;
      engine.local.audio.clear();
      return;
    }
    if (!SAMPLE_RATES.has(sampleRate)) throw badAudio('sample_rate', `${sampleRate} Hz cannot be pushed`);
    if (channelsPerFrame !== 1 && channelsPerFrame !== 2)
      throw badAudio('channels', `${channelsPerFrame} channels cannot be pushed`);
    const source = { enabled: true, sampleRate, channels: channelsPerFrame };
    engine.settings.audioSource = source;
    engine.local.audio.setSource(source);
  },
  PUSH_AUDIO_FRAME: (engine, { timestamp, isEndFrame, sentenceID, sequenceID }, payload) => {
    // Raw pushes count no sentences: their number is 0.
    const sentence = { id: sentenceID, sequence: sequenceID, isEnd: isEndFrame !== 0 };
    engine.local.audio.push(payload, timestamp, sentenceID === 0 ? undefined : sentence);
  },
  SET_EXTERNAL_AUDIO_PUBLISH_VOLUME: (engine, { volume }) => {
    if (!(volume >= 0 && volume <= 100)) throw badAudio('volume', `a volume of ${volume}; 0 to 100 is possible`);
    engine.settings.volume = volume;
  },
  SET_AUDIO_PROFILE: (engine, { audioProfile: mode }) => {
    if (audioProfile(mode) === undefined) throw badAudio('audio_profile', `${mode} is no audio profile`);
    engine.settings.audioProfile = mode as typeof engine.settings.audioProfile;
    engine.local.audio.applyProfile();
  },
  PUBLISH_LOCAL_VIDEO_STREAM: (engine, { enable }) => publish(engine, 'camera', enable),
  PUBLISH_LOCAL_DUAL_STREAM: (engine, { enable }) => {
    engine.settings.publish.dual = enable;
    engine.local.camera.applyDual();
  },
  PUBLISH_LOCAL_AUDIO_STREAM: (engine, { enable }) => publish(engine, 'audio', enable),
  PUBLISH_SCREEN_SHARE_STREAM: (engine, { enable }) => publish(engine, 'screen', enable),
  ENABLE_LOCAL_VIDEO: (engine, { enable }) => {
    engine.settings.localVideo = enable;
    engine.local.reconcile();
  },
  MUTE_LOCAL_CAMERA: (engine, { mute }) => {
    engine.settings.mute.camera = mute;
  },
  MUTE_LOCAL_MIC: (engine, { mute }) => {
    engine.settings.mute.mic = mute;
  },
  SET_VIDEO_ENCODER_CONFIGURATION: (engine, fields) => {
    configure(engine, 'camera', CAMERA_LIMITS, {
      ...sizeOf(fields.dimensions),
      frameRate: fields.frameRate,
      bitrateKbps: fields.bitrate,
      minBitrateKbps: fields.minBitrate,
      keyFrameIntervalMs: fields.keyFrameInterval,
      orientation: fields.orientationMode,
      mirror: fields.mirrorMode === VideoMirrorMode.Enabled,
      rotation: fields.rotationMode,
    });
  },
  SET_SCREEN_SHARE_ENCODER_CONFIGURATION: (engine, fields) => {
    configure(engine, 'screen', SCREEN_LIMITS, {
      ...sizeOf(fields.dimensions),
      frameRate: fields.frameRate,
      bitrateKbps: fields.bitrate,
      rotation: fields.rotationMode,
    });
  },
  SEND_MEDIA_EXTENSION_MSG: (engine, { repeatCount, delay, isKeyFrame }, payload) => {
    if (payload.length === 0 || payload.length > MAX_SEI_BYTES)
      throw badParameter('message', `${payload.length} bytes; a message has 1 to ${MAX_SEI_BYTES}`);
    if (engine.local.camera.publishing.state !== PublishState.Published)
      throw new AlirtcError('failed_precondition', 'messages ride on the camera stream, which is not published', {
        reason: 'ERR_PUBLISH_INVALID',
        number: ERROR_NUMBERS.ERR_PUBLISH_INVALID,
      });
    engine.local.sei.send({ data: payload, repeatCount, delayMs: delay, keyFramesOnly: isKeyFrame });
  },
  SEND_DATA_CHANNEL_MSG: (engine, { networkTime, progress, type }, payload) =>
    engine.data.send(engine.stay?.room, engine.mayPublish, { networkTime, progress, type }, payload),
  CLEAR_EXTERNAL_DATA: (engine) => engine.local.clear(),
  GET_REMAIN_DATA_BUFFER_SIZE: (engine, { dataType }) => engine.local.sendRemaining(dataType),
};

function publish(engine: CoreEngine, kind: LocalKind, enable: boolean): void {
  if (enable && engine.stay !== undefined && !engine.mayPublish)
    throw new AlirtcError('failed_precondition', 'audience cannot publish: become Interactive first', {
      reason: 'ERR_PUBLISH_AUDIENCE',
      number: CALL_RESULT_NUMBERS.ERR_PUBLISH_AUDIENCE,
    });
  engine.settings.publish[kind] = enable;
  engine.publishCalled(kind);
}

function configure(engine: CoreEngine, kind: 'camera' | 'screen', limits: Limits, wanted: WantedConfiguration): void {
  const { configuration, corrections } = sensibleConfiguration(wanted, limits);
  engine.settings[kind] = configuration;
  engine.local[kind].applyConfiguration();
  if (corrections.length > 0) engine.outbox.warning('ENCODER_CONFIGURATION_CORRECTED', corrections.join('; '));
}

function sourceKind(source: number): 'camera' | 'screen' {
  if (source === VideoSource.Camera) return 'camera';
  if (source === VideoSource.ScreenShare) return 'screen';
  throw badParameter('source_type', `${source} is no video source`);
}

function sizeOf(dimensions: unknown): { width: number; height: number } {
  if (typeof dimensions === 'object' && dimensions !== null && 'width' in dimensions && 'height' in dimensions) {
    const { width, height } = dimensions;
    if (Number.isInteger(width) && Number.isInteger(height)) return { width: Number(width), height: Number(height) };
  }
  throw badParameter('dimensions', 'dimensions needs a width and a height');
}

function badAudio(field: string, text: string): AlirtcError {
  return new AlirtcError('invalid_argument', text, {
    reason: 'ERR_AUDIO_DATA_ERROR',
    number: ERROR_NUMBERS.ERR_AUDIO_DATA_ERROR,
    field,
  });
}
