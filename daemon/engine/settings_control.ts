import { ClientRole } from '../../coreservice/ipc/enums.js';
import type {
  SetAudioProfileRequest,
  SetClientRoleRequest,
  SetPeriodForCheckPeopleRequest,
  SetScreenShareEncoderConfigurationRequest,
  SetVideoEncoderConfigurationRequest,
} from '../../gen/alirtc/v1/engine.js';
import { EngineState } from '../../gen/alirtc/v1/events.js';
import type { ClientRole as ClientRoleName, Dimensions } from '../../gen/alirtc/v1/types.js';
import {
  ScreenShareEncoderConfiguration,
  VideoEncoderConfiguration,
  VideoStreamType,
} from '../../gen/alirtc/v1/types.js';
import * as convert from '../conversions.js';
import { invalidField, wrongState } from '../refusals.js';
import type { ChannelControl } from './channel_control.js';
import { checkJsonObject, checkRange, checkRemoteUser } from './checks.js';
import type { EngineContext } from './engine_context.js';
import { WAIT_MS } from './engine_context.js';
import type { PublishControl } from './publish_control.js';
import type { RolePermission } from './role_permission.js';

/** types.md, "Structures and defaults". */
const CAMERA_DEFAULTS = { width: 640, height: 480, frameRate: 15, bitrateKbps: 512 };
const SCREEN_DEFAULTS = { width: 0, height: 0, frameRate: 5, bitrateKbps: 512 };
const DEFAULT_CHECK_PEOPLE_S = 5;
const MAX_CHECK_PEOPLE_S = 3600;
const MAX_PERIOD_MS = 60_000;
const MAX_PARAMETER_CHARACTERS = 65_536;
/** What a client may say under "alirtcd"; the rest is between daemon and core. */
const CLIENT_PARAMETERS: ReadonlySet<string> = new Set(['requestKeyFrame', 'reconnectLimitMs', 'connections']);

/** The calls that set something and are done. */
export class SettingsControl {
  readonly #engine: EngineContext;
  readonly #channel: ChannelControl;
  readonly #publishing: PublishControl;
  readonly #permission: RolePermission;
  #dataChannelEnabled = false;
  #wantedRole: ClientRoleName | undefined;

  constructor(engine: EngineContext, channel: ChannelControl, publishing: PublishControl, permission: RolePermission) {
    this.#permission = permission;
    this.#engine = engine;
    this.#channel = channel;
    this.#publishing = publishing;
  }

  /** What SetClientRole set last; undefined until then. A core that died before it took it leaves it to the next one. */
  get wantedRole(): ClientRoleName | undefined {
    return this.#wantedRole;
  }

  /** True once SetParameter allowed sending on the data channel. */
  get dataChannelEnabled(): boolean {
    return this.#dataChannelEnabled;
  }

  setAudioProfile(request: SetAudioProfileRequest): void {
    const audioProfile = convert.audioQualityMode.toIpc(request.audioProfile, 'audio_profile');
    const audioScene = convert.audioSceneMode.toIpc(request.audioScene, 'audio_scene');
    this.#engine.set('audio profile', 'SET_AUDIO_PROFILE', { audioProfile, audioScene });
  }

  /** Values outside the sensible range are corrected by the core, which reports it. */
  setVideoEncoder(request: SetVideoEncoderConfigurationRequest): void {
    const config = request.config ?? VideoEncoderConfiguration.fromPartial({});
    this.#engine.set('camera encoder', 'SET_VIDEO_ENCODER_CONFIGURATION', {
      dimensions: dimensions(config.dimensions, CAMERA_DEFAULTS),
      frameRate: notNegative('config.frame_rate', config.frameRate ?? CAMERA_DEFAULTS.frameRate),
      bitrate: notNegative('config.bitrate_kbps', config.bitrateKbps ?? CAMERA_DEFAULTS.bitrateKbps),
      minBitrate: notNegative('config.min_bitrate_kbps', config.minBitrateKbps ?? 0),
      keyFrameInterval: notNegative('config.key_frame_interval_ms', config.keyFrameIntervalMs ?? 0),
      mirrorMode: convert.mirrorMode.toIpc(config.mirrorMode, 'config.mirror_mode'),
      rotationMode: convert.rotationMode.toIpc(config.rotationMode, 'config.rotation_mode'),
      orientationMode: convert.orientationMode.toIpc(config.orientationMode, 'config.orientation_mode'),
    });
  }

  setScreenEncoder(request: SetScreenShareEncoderConfigurationRequest): void {
    const config = request.config ?? ScreenShareEncoderConfiguration.fromPartial({});
    this.#engine.set('screen encoder', 'SET_SCREEN_SHARE_ENCODER_CONFIGURATION', {
      dimensions: dimensions(config.dimensions, SCREEN_DEFAULTS),
      frameRate: notNegative('config.frame_rate', config.frameRate ?? SCREEN_DEFAULTS.frameRate),
      bitrate: notNegative('config.bitrate_kbps', config.bitrateKbps ?? SCREEN_DEFAULTS.bitrateKbps),
      rotationMode: convert.rotationMode.toIpc(config.rotationMode, 'config.rotation_mode'),
    });
  }

  setRemoteStreamType(uid: string, type: VideoStreamType): void {
    checkRemoteUser('uid', uid);
    const streamType = convert.videoStreamType.toIpc(type, 'stream_type');
    if (type === VideoStreamType.NONE) return;
    const fields = { uid, streamType };
    this.#engine.set(`stream type ${uid}`, 'SET_REMOTE_VIDEO_STREAM_TYPE', fields);
    // A core takes it in the channel, and forgets it behind it.
    if (this.#channel.isStaying)
      this.#engine.stay.subscribed.set(`stream type ${uid}`, 'SET_REMOTE_VIDEO_STREAM_TYPE', fields);
  }

  setDefaultStreamType(type: VideoStreamType): void {
    const streamType = convert.videoStreamType.toIpc(type, 'stream_type');
    if (type === VideoStreamType.NONE) return;
    this.#engine.set('stream type', 'SET_REMOTE_DEFAULT_VIDEO_STREAM_TYPE', { streamType });
  }

  muteCamera(mute: boolean): void {
    this.#engine.set('mute camera', 'MUTE_LOCAL_CAMERA', { mute });
  }

  muteMic(mute: boolean): void {
    this.#engine.set('mute mic', 'MUTE_LOCAL_MIC', { mute });
  }

  setVideoCallbackPeriod(periodMs: number): void {
    const period = checkRange('period_ms', periodMs, 0, MAX_PERIOD_MS);
    this.#engine.set('callback period', 'SET_VIDEO_CALLBACK_PERIOD', { period });
  }

  leaveOnceNoStreamer(enable: boolean): void {
    this.#engine.set('leave once no streamer', 'LEAVE_ONCE_NO_STREAMER', { enable });
  }

  setPeriodForCheckPeople(request: SetPeriodForCheckPeopleRequest): void {
    if (this.#channel.current !== undefined)
      throw wrongState('ERR_SDK_INVALID_STATE', 'the engine is in a channel, or joining', 'call it before the join');
    const seconds = request.seconds ?? DEFAULT_CHECK_PEOPLE_S;
    if (seconds > MAX_CHECK_PEOPLE_S)
      throw invalidField('seconds', seconds, `has to be at most ${MAX_CHECK_PEOPLE_S}`, {
        remedy: `give at most ${MAX_CHECK_PEOPLE_S} seconds`,
      });
    this.#engine.set('check people', 'SET_PERIOD_FOR_CHECK_PEOPLE', { seconds });
    this.#channel.checkPeopleSeconds = seconds;
  }

  setParameter(params: string): void {
    if (params.length > MAX_PARAMETER_CHARACTERS)
      throw invalidField('params', params, `has more than ${MAX_PARAMETER_CHARACTERS} characters`, {
        remedy: 'set fewer keys at a time',
      });
    const object = checkJsonObject('params', params, false);
    const ours = object['alirtcd'];
    if (ours !== undefined) {
      const keys = typeof ours === 'object' && ours !== null ? Object.keys(ours) : ['alirtcd'];
      const wrong = keys.find((key) => !CLIENT_PARAMETERS.has(key));
      if (wrong !== undefined)
        throw invalidField('params', wrong, `"alirtcd" may hold only ${[...CLIENT_PARAMETERS].join(', ')}`, {
          remedy: 'leave the other keys out: they are between daemon and core service',
        });
    }
    // A wish of the moment is no setting.
    if (ours !== undefined && keysOf(object).join() === 'alirtcd.requestKeyFrame')
      this.#engine.send('SET_PARAMETER', { param: params });
    // What is set is told by its keys: the same keys replace what they said before.
    else this.#engine.set(`parameter ${keysOf(object).join(' ')}`, 'SET_PARAMETER', { param: params });
    const data = object['data'] as { enablePubDataChannel?: unknown } | null | undefined;
    if (typeof data?.enablePubDataChannel === 'boolean') this.#dataChannelEnabled = data.enablePubDataChannel;
  }

  /** Streamer or audience. */
  async setClientRole(request: SetClientRoleRequest, signal: AbortSignal): Promise<void> {
    const role = convert.clientRole.toIpc(request.clientRole, 'client_role');
    const inCall = this.#engine.model.state === EngineState.JOINED;
    const changes = this.#engine.model.role !== request.clientRole;
    if (inCall && role === ClientRole.Live && this.#publishing.isPublishing)
      throw wrongState('ERR_PUBLISH_INVALID', 'the engine is publishing', 'stop publishing first');
    // The server first: who is told to be a streamer may publish.
    if (inCall && changes && role === ClientRole.Interactive) await this.#permission.allow();
    const waited =
      request.wait && inCall && changes
        ? this.#engine.log.waitFor({
            what: 'OnUpdateRoleNotify',
            timeoutMs: WAIT_MS,
            signal,
            match: (event) => (event.$case === 'onUpdateRoleNotify' ? event.value.newRole : undefined),
          })
        : undefined;
    this.#wantedRole = request.clientRole;
    this.#engine.set('role', 'SET_CLIENTROLE', { role });
    // Without a callback nobody else tells the snapshot.
    if (!inCall) this.#engine.model.role = request.clientRole;
    await waited;
  }
}

/** Of the object and of the objects in it. */
function keysOf(object: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(object)
    .flatMap(([key, value]) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.keys(value).map((inner) => `${key}.${inner}`)
        : [key],
    )
    .sort();
}

function dimensions(value: Dimensions | undefined, fallback: Dimensions): Dimensions {
  const { width, height } = value ?? fallback;
  return {
    width: notNegative('config.dimensions.width', width),
    height: notNegative('config.dimensions.height', height),
  };
}

function notNegative(field: string, value: number): number {
  if (value >= 0) return value;
  throw invalidField(field, value, 'is negative', { remedy: 'give 0, which is the default, or more' });
}
