/**
 * Every enumeration between the gRPC contract and the IPC, both directions. UNSPECIFIED goes out as the interface's default where there is one; a number
 * that the IPC has and the contract has not comes in as UNSPECIFIED.
 */
import * as proto from '../gen/alirtc/v1/types.js';
import * as ipc from '../coreservice/ipc/enums.js';
import { invalidField } from './refusals.js';

export class EnumConversion {
  readonly #toIpc: ReadonlyMap<number, number>;
  readonly #toProto: ReadonlyMap<number, number>;

  constructor(
    /** The message's name in the contract, for error texts. */
    readonly name: string,
    readonly pairs: readonly (readonly [proto: number, ipc: number])[],
    /** What UNSPECIFIED means; left out: it is refused. */
    readonly defaultIpc?: number,
  ) {
    this.#toIpc = new Map(pairs);
    this.#toProto = new Map(pairs.map(([fromProto, fromIpc]) => [fromIpc, fromProto]));
  }

  /** Throws INVALID_ARGUMENT for a number that the contract does not have. */
  toIpc(value: number, field: string): number {
    const converted = value === 0 ? this.defaultIpc : this.#toIpc.get(value);
    if (converted !== undefined) return converted;
    throw invalidField(field, value, value === 0 ? `has to be set` : `is not a ${this.name}`, {
      remedy: `give a value of ${this.name} in types.proto`,
    });
  }

  toProto(value: number): number {
    return this.#toProto.get(value) ?? 0;
  }
}

export const channelProfile = new EnumConversion(
  'ChannelProfile',
  [
    [proto.ChannelProfile.COMMUNICATION, ipc.ChannelProfile.Communication],
    [proto.ChannelProfile.INTERACTIVE_LIVE, ipc.ChannelProfile.InteractiveLive],
    [proto.ChannelProfile.INTERACTIVE_WITH_LOW_LATENCY_LIVE, ipc.ChannelProfile.InteractiveWithLowLatencyLive],
  ],
  ipc.ChannelProfile.InteractiveLive,
);
export const clientRole = new EnumConversion('ClientRole', [
  [proto.ClientRole.INTERACTIVE, ipc.ClientRole.Interactive],
  [proto.ClientRole.LIVE, ipc.ClientRole.Live],
]);
export const publishMode = new EnumConversion(
  'PublishMode',
  [
    [proto.PublishMode.AUTOMATICALLY, ipc.PublishMode.Automatically],
    [proto.PublishMode.MANUALLY, ipc.PublishMode.Manually],
  ],
  ipc.PublishMode.Manually,
);
export const subscribeMode = new EnumConversion(
  'SubscribeMode',
  [
    [proto.SubscribeMode.AUTOMATICALLY, ipc.SubscribeMode.Automatically],
    [proto.SubscribeMode.MANUALLY, ipc.SubscribeMode.Manually],
    [proto.SubscribeMode.AUDIO_AUTO_AND_ONLY, ipc.SubscribeMode.AudioAutoAndOnly],
    [proto.SubscribeMode.CAMERA_AUTO_AND_ONLY, ipc.SubscribeMode.CameraAutoAndOnly],
  ],
  ipc.SubscribeMode.Manually,
);
export const publishAvsyncMode = new EnumConversion(
  'PublishAvsyncMode',
  [
    [proto.PublishAvsyncMode.NO_DELAY, ipc.PublishAvsyncMode.NoDelay],
    [proto.PublishAvsyncMode.WITH_PTS, ipc.PublishAvsyncMode.WithPts],
  ],
  ipc.PublishAvsyncMode.NoDelay,
);
export const videoFormat = new EnumConversion(
  'VideoFormat',
  [
    [proto.VideoFormat.NONE, ipc.VideoFormat.None],
    [proto.VideoFormat.H264, ipc.VideoFormat.H264],
  ],
  ipc.VideoFormat.H264,
);
export const audioFormat = new EnumConversion(
  'AudioFormat',
  [
    [proto.AudioFormat.NONE, ipc.AudioFormat.None],
    [proto.AudioFormat.MIXED_PCM, ipc.AudioFormat.MixedPcm],
    [proto.AudioFormat.PCM_BEFORE_MIXING, ipc.AudioFormat.PcmBeforeMixing],
  ],
  ipc.AudioFormat.MixedPcm,
);
export const videoTrack = new EnumConversion('VideoTrack', [
  [proto.VideoTrack.NO, ipc.VideoTrack.No],
  [proto.VideoTrack.CAMERA, ipc.VideoTrack.Camera],
  [proto.VideoTrack.SCREEN, ipc.VideoTrack.Screen],
  [proto.VideoTrack.BOTH, ipc.VideoTrack.Both],
]);
export const audioTrack = new EnumConversion('AudioTrack', [
  [proto.AudioTrack.NO, ipc.AudioTrack.No],
  [proto.AudioTrack.MIC, ipc.AudioTrack.Mic],
]);
export const videoTrackType = new EnumConversion('VideoTrackType', [
  [proto.VideoTrackType.CAMERA_LARGE, ipc.VideoTrackType.CameraLarge],
  [proto.VideoTrackType.CAMERA_SMALL, ipc.VideoTrackType.CameraSmall],
  [proto.VideoTrackType.CAMERA_SUPER, ipc.VideoTrackType.CameraSuper],
  [proto.VideoTrackType.SCREEN_SHARE, ipc.VideoTrackType.ScreenShare],
]);
export const videoSource = new EnumConversion(
  'VideoSource',
  [
    [proto.VideoSource.CAMERA, ipc.VideoSource.Camera],
    [proto.VideoSource.SCREEN_SHARE, ipc.VideoSource.ScreenShare],
  ],
  ipc.VideoSource.Camera,
);
export const renderMode = new EnumConversion(
  'RenderMode',
  [
    [proto.RenderMode.AUTO, ipc.RenderMode.Auto],
    [proto.RenderMode.STRETCH, ipc.RenderMode.Stretch],
    [proto.RenderMode.FILL, ipc.RenderMode.Fill],
    [proto.RenderMode.CROP, ipc.RenderMode.Crop],
  ],
  ipc.RenderMode.Auto,
);
export const videoDataFormat = new EnumConversion('VideoDataFormat', [
  [proto.VideoDataFormat.BGRA, ipc.VideoDataFormat.BGRA],
  [proto.VideoDataFormat.I420, ipc.VideoDataFormat.I420],
  [proto.VideoDataFormat.NV21, ipc.VideoDataFormat.NV21],
  [proto.VideoDataFormat.NV12, ipc.VideoDataFormat.NV12],
  [proto.VideoDataFormat.H264, ipc.VideoDataFormat.H264],
  [proto.VideoDataFormat.H265, ipc.VideoDataFormat.H265],
  [proto.VideoDataFormat.RGB24, ipc.VideoDataFormat.RGB24],
  [proto.VideoDataFormat.BGR24, ipc.VideoDataFormat.BGR24],
]);
export const videoBufferType = new EnumConversion(
  'VideoBufferType',
  [
    [proto.VideoBufferType.RAW_DATA, ipc.VideoBufferType.RawData],
    [proto.VideoBufferType.CV_PIXEL_BUFFER, ipc.VideoBufferType.CVPixelBuffer],
    [proto.VideoBufferType.TEXTURE, ipc.VideoBufferType.Texture],
  ],
  ipc.VideoBufferType.RawData,
);
export const audioQualityMode = new EnumConversion(
  'AudioQualityMode',
  [
    [proto.AudioQualityMode.LOW, ipc.AudioQualityMode.Low],
    [proto.AudioQualityMode.BASIC, ipc.AudioQualityMode.Basic],
    [proto.AudioQualityMode.HIGH, ipc.AudioQualityMode.High],
    [proto.AudioQualityMode.STEREO_HIGH, ipc.AudioQualityMode.StereoHigh],
    [proto.AudioQualityMode.SUPER_HIGH, ipc.AudioQualityMode.SuperHigh],
    [proto.AudioQualityMode.STEREO_SUPER_HIGH, ipc.AudioQualityMode.StereoSuperHigh],
  ],
  ipc.AudioQualityMode.Basic,
);
export const audioSceneMode = new EnumConversion(
  'AudioSceneMode',
  [
    [proto.AudioSceneMode.DEFAULT, ipc.AudioSceneMode.Default],
    [proto.AudioSceneMode.EDUCATION, ipc.AudioSceneMode.Education],
    [proto.AudioSceneMode.MEDIA, ipc.AudioSceneMode.Media],
    [proto.AudioSceneMode.MUSIC, ipc.AudioSceneMode.Music],
    [proto.AudioSceneMode.CHATROOM, ipc.AudioSceneMode.Chatroom],
    [proto.AudioSceneMode.KTV, ipc.AudioSceneMode.Ktv],
  ],
  ipc.AudioSceneMode.Default,
);
export const orientationMode = new EnumConversion(
  'VideoEncoderOrientationMode',
  [
    [proto.VideoEncoderOrientationMode.ADAPTIVE, ipc.VideoEncoderOrientationMode.Adaptive],
    [proto.VideoEncoderOrientationMode.FIXED_LANDSCAPE, ipc.VideoEncoderOrientationMode.FixedLandscape],
    [proto.VideoEncoderOrientationMode.FIXED_PORTRAIT, ipc.VideoEncoderOrientationMode.FixedPortrait],
  ],
  ipc.VideoEncoderOrientationMode.Adaptive,
);
export const mirrorMode = new EnumConversion(
  'VideoMirrorMode',
  [
    [proto.VideoMirrorMode.DISABLED, ipc.VideoMirrorMode.Disabled],
    [proto.VideoMirrorMode.ENABLED, ipc.VideoMirrorMode.Enabled],
  ],
  ipc.VideoMirrorMode.Disabled,
);
export const rotationMode = new EnumConversion(
  'RotationMode',
  [
    [proto.RotationMode.NO_CHANGE, ipc.RotationMode.NoChange],
    [proto.RotationMode.ROTATE_0, ipc.RotationMode.Rotate0],
    [proto.RotationMode.ROTATE_90, ipc.RotationMode.Rotate90],
    [proto.RotationMode.ROTATE_180, ipc.RotationMode.Rotate180],
    [proto.RotationMode.ROTATE_270, ipc.RotationMode.Rotate270],
  ],
  ipc.RotationMode.Rotate0,
);
export const publishState = new EnumConversion('PublishState', [
  [proto.PublishState.IDLE, ipc.PublishState.Idle],
  [proto.PublishState.NO_PUBLISH, ipc.PublishState.NoPublish],
  [proto.PublishState.PUBLISHING, ipc.PublishState.Publishing],
  [proto.PublishState.PUBLISHED, ipc.PublishState.Published],
]);
export const subscribeState = new EnumConversion('SubscribeState', [
  [proto.SubscribeState.IDLE, ipc.SubscribeState.Idle],
  [proto.SubscribeState.NO_SUBSCRIBE, ipc.SubscribeState.NoSubscribe],
  [proto.SubscribeState.SUBSCRIBING, ipc.SubscribeState.Subscribing],
  [proto.SubscribeState.SUBSCRIBED, ipc.SubscribeState.Subscribed],
]);
export const videoStreamType = new EnumConversion('VideoStreamType', [
  [proto.VideoStreamType.NONE, ipc.VideoStreamType.None],
  [proto.VideoStreamType.HIGH, ipc.VideoStreamType.High],
  [proto.VideoStreamType.LOW, ipc.VideoStreamType.Low],
]);
export const dataMsgType = new EnumConversion(
  'DataMsgType',
  [
    [proto.DataMsgType.NONE, ipc.DataMsgType.None],
    [proto.DataMsgType.PROGRESS, ipc.DataMsgType.Progress],
    [proto.DataMsgType.CUSTOM, ipc.DataMsgType.Custom],
  ],
  ipc.DataMsgType.None,
);
export const connectionStatus = new EnumConversion('ConnectionStatus', [
  [proto.ConnectionStatus.INIT, ipc.ConnectionStatus.Init],
  [proto.ConnectionStatus.DISCONNECTED, ipc.ConnectionStatus.Disconnected],
  [proto.ConnectionStatus.CONNECTING, ipc.ConnectionStatus.Connecting],
  [proto.ConnectionStatus.CONNECTED, ipc.ConnectionStatus.Connected],
  [proto.ConnectionStatus.RECONNECTING, ipc.ConnectionStatus.Reconnecting],
  [proto.ConnectionStatus.FAILED, ipc.ConnectionStatus.Failed],
]);
const Reason = proto.ConnectionStatusChangeReason;
const IpcReason = ipc.ConnectionStatusChangeReason;
export const connectionStatusChangeReason = new EnumConversion('ConnectionStatusChangeReason', [
  [Reason.DUMMY, IpcReason.Dummy],
  [Reason.MEDIA_PATH_CHANGED, IpcReason.MediaPathChanged],
  [Reason.SIGNALING_HEARTBEAT_TIMEOUT, IpcReason.SignalingHeartbeatTimeout],
  [Reason.SIGNALING_HEARTBEAT_ALIVE, IpcReason.SignalingHeartbeatAlive],
  [Reason.HTTP_DNS_RESOLVED, IpcReason.HttpDnsResolved],
  [Reason.HTTP_DNS_FAILURE, IpcReason.HttpDnsFailure],
  [Reason.GSLB_FAILURE, IpcReason.GslbFailure],
  [Reason.GSLB_SUCCESS, IpcReason.GslbSuccess],
  [Reason.JOIN_ROOM_FAILURE, IpcReason.JoinRoomFailure],
  [Reason.JOIN_ROOM_SUCCESS, IpcReason.JoinRoomSuccess],
  [Reason.LEAVE_ROOM, IpcReason.LeaveRoom],
  [Reason.CONNECTING, IpcReason.Connecting],
  [Reason.NETWORK_INTERRUPTED, IpcReason.NetworkInterrupted],
]);
export const bufferDataType = new EnumConversion(
  'BufferDataType',
  [
    [proto.BufferDataType.AUDIO_ONLY, ipc.BufferDataType.AudioOnly],
    [proto.BufferDataType.VIDEO_ONLY, ipc.BufferDataType.VideoOnly],
    [proto.BufferDataType.BOTH_AUDIO_AND_VIDEO, ipc.BufferDataType.BothAudioAndVideo],
  ],
  ipc.BufferDataType.BothAudioAndVideo,
);

const ERROR_CODES: ReadonlySet<number> = new Set(
  Object.values(proto.ErrorCode).filter((value) => typeof value === 'number'),
);

/** The contract's ErrorCode, whose numbers are the interface's own; a number without a name there is FATAL. */
export function errorCode(number: number): proto.ErrorCode {
  return ERROR_CODES.has(number) ? number : proto.ErrorCode.FATAL;
}
