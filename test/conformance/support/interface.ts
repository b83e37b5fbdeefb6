/** Every call and callback that needs a row (issue of the interface: 35 calls, 26 callbacks, and what the same SDK has beside them). */
export const CALLS = [
  'CreateAliRTCEngine',
  'Release',
  'GetEventHandler',
  'JoinChannel',
  'LeaveChannel',
  'IsLocalVideoStreamPublished',
  'IsLocalScreenPublishEnabled',
  'IsLocalAudioStreamPublished',
  'IsDualStreamPublished',
  'SetExternalVideoSource',
  'PushExternalVideoFrame',
  'SetExternalAudioSource',
  'PushExternalAudioFrameRawData',
  'SetAudioProfile',
  'SetExternalAudioPublishVolume',
  'GetExternalAudioPublishVolume',
  'SendMediaExtensionMsg',
  'PublishLocalDualStream',
  'PublishLocalVideoStream',
  'PublishLocalAudioStream',
  'PublishScreenShareStream',
  'SubscribeRemoteAudioStream',
  'SubscribeRemoteVideoStream',
  'SetVideoEncoderConfiguration',
  'SetScreenShareEncoderConfiguration',
  'SetRemoteVideoStreamType',
  'MuteLocalCamera',
  'MuteLocalMic',
  'SetClientRole',
  'SetRemoteDefaultVideoStreamType',
  'LeaveOnceNoStreamer',
  'SetPeriodForCheckPeople',
  'SetParameter',
  'GenerateToken',
  'SendDataChannelMessage',
] as const;

export const FURTHER_CALLS = [
  'JoinChannel with AuthInfo',
  'PushExternalAudioFrame',
  'ClearDataBuffer',
  'GetRemainDataBufferSize',
  'SetVideoCallbackPeriod',
  'GetSdkVersion',
] as const;

export const CALLBACKS = [
  'OnError',
  'OnWarning',
  'OnJoinChannelResult',
  'OnDataChannelMsg',
  'OnLeaveChannelResult',
  'OnRemoteUserOnLineNotify',
  'OnRemoteUserOffLineNotify',
  'OnRemoteTrackAvailableNotify',
  'OnAudioSubscribeStateChanged',
  'OnVideoSubscribeStateChanged',
  'OnSubscribeStreamTypeChanged',
  'OnScreenShareSubscribeStateChanged',
  'OnScreenSharePublishStateChanged',
  'OnDualStreamPublishStateChanged',
  'OnVideoPublishStateChanged',
  'OnAudioPublishStateChanged',
  'OnSubscribeAudioFrame',
  'OnSubscribeMixAudioFrame',
  'OnRemoteVideoSample',
  'OnRemoteVideoEncodedSample',
  'OnMediaExtensionMsgReceived',
  'OnUpdateRoleNotify',
  'OnSubscribeAudioAac',
  'OnSubscribeMixedAudioAac',
  'OnPushAudioFrameBufferFull',
  'OnPushVideoFrameBufferFull',
] as const;

export const FURTHER_CALLBACKS = [
  'OnConnectionStatusChanged',
  'OnCallStats',
  'OnLocalVideoStats',
  'OnRemoteVideoStats',
  'OnLocalAudioStats',
  'OnRemoteAudioStats',
] as const;

export type InterfaceName =
  | (typeof CALLS)[number]
  | (typeof FURTHER_CALLS)[number]
  | (typeof CALLBACKS)[number]
  | (typeof FURTHER_CALLBACKS)[number];

/** Who stood at the other end. */
export type Peer =
  'engine' | '@livekit/rtc-node' | 'engine and @livekit/rtc-node' | 'scripted core service' | 'scripted host';
