/** The enumerations of the interface with the numbers that go over the IPC (types.md, "Enums"). */

export const ChannelProfile = { Communication: 0, InteractiveLive: 1, InteractiveWithLowLatencyLive: 2 } as const;
export const ClientRole = { Interactive: 0, Live: 1 } as const;
export const PublishMode = { Automatically: 0, Manually: 1 } as const;
export const SubscribeMode = { Automatically: 0, Manually: 1, AudioAutoAndOnly: 2, CameraAutoAndOnly: 3 } as const;
export const PublishAvsyncMode = { NoDelay: 0, WithPts: 1 } as const;
export const VideoFormat = { None: 0, H264: 1 } as const;
export const AudioFormat = { None: 0, MixedPcm: 1, PcmBeforeMixing: 2 } as const;
export const AudioTranscodingCodec = { Pcm: 0, Aac: 1, BothPcmAndAac: 2 } as const;
export const VideoTranscodingCodec = { Yuv: 0, H264: 1, BothYuvAndH264: 2 } as const;
export const VideoTrack = { No: 0, Camera: 1, Screen: 2, Both: 3 } as const;
export const AudioTrack = { No: 0, Mic: 1 } as const;
export const VideoTrackType = { CameraLarge: 0, CameraSmall: 1, CameraSuper: 2, ScreenShare: 3 } as const;
export const VideoFrameType = { H264: 0, H264Nalu: 1 } as const;
export const AudioFrameType = { RawPcm: 0, AacAdts: 1 } as const;
export const VideoSource = { Camera: 0, ScreenShare: 1 } as const;
export const RenderMode = { Auto: 0, Stretch: 1, Fill: 2, Crop: 3 } as const;
export const VideoDataFormat = {
  Unknown: -1,
  BGRA: 0,
  I420: 1,
  NV21: 2,
  NV12: 3,
  H264: 4,
  H265: 5,
  RGB24: 6,
  BGR24: 7,
} as const;
export const VideoBufferType = { RawData: 0, CVPixelBuffer: 1, Texture: 2 } as const;
export const AudioQualityMode = {
  Low: 0x0000,
  Basic: 0x0001,
  High: 0x0010,
  StereoHigh: 0x0011,
  SuperHigh: 0x0012,
  StereoSuperHigh: 0x0013,
} as const;
export const AudioSceneMode = {
  Default: 0x0000,
  Education: 0x0100,
  Media: 0x0200,
  Music: 0x0300,
  Chatroom: 0x0400,
  Ktv: 0x0500,
} as const;
export const VideoEncoderOrientationMode = { Adaptive: 0, FixedLandscape: 1, FixedPortrait: 2 } as const;
export const VideoMirrorMode = { Disabled: 0, Enabled: 1 } as const;
export const RotationMode = { NoChange: -1, Rotate0: 0, Rotate90: 90, Rotate180: 180, Rotate270: 270 } as const;
export const PublishState = { Idle: 0, NoPublish: 1, Publishing: 2, Published: 3 } as const;
export const SubscribeState = { Idle: 0, NoSubscribe: 1, Subscribing: 2, Subscribed: 3 } as const;
export const VideoStreamType = { None: 0, High: 1, Low: 2 } as const;
export const DataMsgType = { None: 0, Progress: 1, Custom: 2 } as const;
export const ConnectionStatus = {
  Init: 0,
  Disconnected: 1,
  Connecting: 2,
  Connected: 3,
  Reconnecting: 4,
  Failed: 5,
} as const;
export const ConnectionStatusChangeReason = {
  Dummy: 0,
  MediaPathChanged: 1,
  SignalingHeartbeatTimeout: 2,
  SignalingHeartbeatAlive: 3,
  HttpDnsResolved: 4,
  HttpDnsFailure: 5,
  GslbFailure: 6,
  GslbSuccess: 7,
  JoinRoomFailure: 8,
  JoinRoomSuccess: 9,
  LeaveRoom: 10,
  Connecting: 11,
  NetworkInterrupted: 12,
} as const;
export const BufferDataType = { AudioOnly: 0, VideoOnly: 1, BothAudioAndVideo: 2 } as const;
/** `audioSource` of ENABLE_AUDIO_FRAME_OBSERVER. */
export const AudioObserverSource = { Pub: 2, MixedAll: 4 } as const;
/** `sampleRate` of ENABLE_AUDIO_FRAME_OBSERVER: the rate in Hz and its number. */
export const AudioObserverSampleRate = {
  8000: 0,
  11025: 1,
  16000: 2,
  22050: 3,
  32000: 4,
  44100: 5,
  48000: 6,
  12000: 7,
  24000: 8,
} as const;
/** `frameRate` of the encoder configurations, in frames per second. */
export const FrameRate = { Fps5: 5, Fps10: 10, Fps15: 15, Fps20: 20, Fps25: 25, Fps30: 30, Fps60: 60 } as const;
export const WarningCode = { Default: -1 } as const;

type Values<T> = T[keyof T];
export type ChannelProfile = Values<typeof ChannelProfile>;
export type ClientRole = Values<typeof ClientRole>;
export type PublishMode = Values<typeof PublishMode>;
export type SubscribeMode = Values<typeof SubscribeMode>;
export type PublishAvsyncMode = Values<typeof PublishAvsyncMode>;
export type VideoFormat = Values<typeof VideoFormat>;
export type AudioFormat = Values<typeof AudioFormat>;
export type VideoTrack = Values<typeof VideoTrack>;
export type AudioTrack = Values<typeof AudioTrack>;
export type VideoTrackType = Values<typeof VideoTrackType>;
export type VideoSource = Values<typeof VideoSource>;
export type RenderMode = Values<typeof RenderMode>;
export type VideoDataFormat = Values<typeof VideoDataFormat>;
export type AudioQualityMode = Values<typeof AudioQualityMode>;
export type AudioSceneMode = Values<typeof AudioSceneMode>;
export type PublishState = Values<typeof PublishState>;
export type SubscribeState = Values<typeof SubscribeState>;
export type VideoStreamType = Values<typeof VideoStreamType>;
export type DataMsgType = Values<typeof DataMsgType>;
export type ConnectionStatus = Values<typeof ConnectionStatus>;
export type ConnectionStatusChangeReason = Values<typeof ConnectionStatusChangeReason>;
export type BufferDataType = Values<typeof BufferDataType>;
export type AudioObserverSource = Values<typeof AudioObserverSource>;
export type AudioObserverSampleRate = Values<typeof AudioObserverSampleRate>;
export type FrameRate = Values<typeof FrameRate>;
