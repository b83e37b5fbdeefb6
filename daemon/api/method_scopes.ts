import type { Scope } from '../node/identity.js';

const READ = ['ListEngines', 'GetEngine', 'GetEventHandler', 'GetNodeStatus'];
const ADMIN = ['Drain', 'SetEngineLogLevel', 'GetLogs', 'GetConfig'];
const USE = [
  ...['CreateAliRTCEngine', 'Release', 'JoinChannel', 'LeaveChannel', 'GenerateToken'],
  ...['IsLocalVideoStreamPublished', 'IsLocalScreenPublishEnabled', 'IsLocalAudioStreamPublished'],
  ...['IsDualStreamPublished', 'SetExternalVideoSource', 'SetExternalAudioSource', 'SetAudioProfile'],
  ...['SetExternalAudioPublishVolume', 'GetExternalAudioPublishVolume', 'SendMediaExtensionMsg'],
  ...['PublishLocalDualStream', 'PublishLocalVideoStream', 'PublishLocalAudioStream', 'PublishScreenShareStream'],
  ...['SubscribeRemoteAudioStream', 'SubscribeRemoteVideoStream', 'SetVideoEncoderConfiguration'],
  ...['SetScreenShareEncoderConfiguration', 'SetRemoteVideoStreamType', 'SetRemoteDefaultVideoStreamType'],
  ...['MuteLocalCamera', 'MuteLocalMic', 'SetClientRole', 'LeaveOnceNoStreamer', 'SetPeriodForCheckPeople'],
  ...['SetParameter', 'SendDataChannelMessage', 'ClearDataBuffer', 'GetRemainDataBufferSize'],
  ...['SetVideoCallbackPeriod', 'GetSdkVersion', 'OnRemoteVideoSample', 'OnRemoteVideoEncodedSample'],
  ...['OnSubscribeAudioFrame', 'OnSubscribeMixAudioFrame', 'OnSubscribeAudioAac', 'OnSubscribeMixedAudioAac'],
  ...['PushExternalVideoFrame', 'PushExternalAudioFrameRawData', 'PushExternalAudioFrame'],
  ...['PushExternalVideoFrames', 'PushExternalAudioFrames', 'RenewLease'],
];

/** What each method of ours takes, by its name. A method that is not here takes admin; a test goes through the proto. */
export const METHOD_SCOPES: ReadonlyMap<string, Scope> = new Map<string, Scope>([
  ...READ.map((name) => [name, 'read'] as const),
  ...ADMIN.map((name) => [name, 'admin'] as const),
  ...USE.map((name) => [name, 'use'] as const),
]);

/** The scope of a path like "/alirtc.v1.EngineService/JoinChannel"; undefined: everybody may call it, as what probes and tools ask before they know anything. */
export function scopeOf(path: string): Scope | undefined {
  const [, service = '', method = ''] = path.split('/');
  if (!service.startsWith('alirtc.')) return undefined;
  return METHOD_SCOPES.get(method) ?? 'admin';
}
