import {
  AudioTrack,
  ClientRole,
  ConnectionStatus,
  ConnectionStatusChangeReason,
  DataMsgType,
  ErrorCode,
  PublishState,
  SubscribeState,
  VideoStreamType,
  VideoTrack,
  type EventType,
} from '../../../client/index.js';
import type { CallbackName } from '../../../coreservice/ipc/callbacks.js';
import type { InterfaceName } from '../support/interface.js';
import { STATISTICS_SCRIPT } from './statistics_script.js';

export interface CallbackRow {
  covers: InterfaceName;
  /** What the core says. */
  name: CallbackName;
  fields: Record<string, unknown>;
  payload?: Buffer;
  /** What the client hears. */
  event: EventType;
  value: unknown;
}

const channel = 'room';
const uid = 'anna';
const subscribe = { uid, oldState: 2, newState: 3, elapseSinceLastState: 17, channel };
const subscribed = {
  uid,
  oldState: SubscribeState.SUBSCRIBING,
  newState: SubscribeState.SUBSCRIBED,
  elapseSinceLastStateMs: 17,
  channel,
};
const publish = { oldState: 2, newState: 3, elapseSinceLastState: 18, channel };
const published = {
  oldState: PublishState.PUBLISHING,
  newState: PublishState.PUBLISHED,
  elapseSinceLastStateMs: 18,
  channel,
};

/** Every callback that is no frame, as the page of the IPC writes it, and the event that has to come of it. */
export const CALLBACK_SCRIPT: readonly CallbackRow[] = [
  {
    covers: 'OnRemoteUserOnLineNotify',
    name: 'REMOTE_USER_ONLINE',
    fields: { uid },
    event: 'onRemoteUserOnLineNotify',
    value: { uid },
  },
  {
    covers: 'OnRemoteTrackAvailableNotify',
    name: 'REMOTE_TRACKS_AVAILABLE',
    fields: { uid, audioTrack: 1, videoTrack: 3 },
    event: 'onRemoteTrackAvailableNotify',
    value: { uid, audioTrack: AudioTrack.MIC, videoTrack: VideoTrack.BOTH },
  },
  {
    covers: 'OnAudioSubscribeStateChanged',
    name: 'AUDIO_SUBSCRIBE_STATE',
    fields: subscribe,
    event: 'onAudioSubscribeStateChanged',
    value: subscribed,
  },
  {
    covers: 'OnVideoSubscribeStateChanged',
    name: 'CAMERA_SUBSCRIBE_STATE',
    fields: subscribe,
    event: 'onVideoSubscribeStateChanged',
    value: subscribed,
  },
  {
    covers: 'OnSubscribeStreamTypeChanged',
    name: 'SUBSCRIBED_STREAM_TYPE',
    fields: { uid, oldState: 1, newState: 2, elapseSinceLastState: 19, channel },
    event: 'onSubscribeStreamTypeChanged',
    value: {
      uid,
      oldStreamType: VideoStreamType.HIGH,
      newStreamType: VideoStreamType.LOW,
      elapseSinceLastStateMs: 19,
      channel,
    },
  },
  {
    covers: 'OnScreenShareSubscribeStateChanged',
    name: 'SCREEN_SUBSCRIBE_STATE',
    fields: subscribe,
    event: 'onScreenShareSubscribeStateChanged',
    value: subscribed,
  },
  {
    covers: 'OnScreenSharePublishStateChanged',
    name: 'SCREEN_PUBLISH_STATE',
    fields: publish,
    event: 'onScreenSharePublishStateChanged',
    value: published,
  },
  {
    covers: 'OnDualStreamPublishStateChanged',
    name: 'DUAL_PUBLISH_STATE',
    fields: publish,
    event: 'onDualStreamPublishStateChanged',
    value: published,
  },
  {
    covers: 'OnVideoPublishStateChanged',
    name: 'CAMERA_PUBLISH_STATE',
    fields: publish,
    event: 'onVideoPublishStateChanged',
    value: published,
  },
  {
    covers: 'OnAudioPublishStateChanged',
    name: 'AUDIO_PUBLISH_STATE',
    fields: publish,
    event: 'onAudioPublishStateChanged',
    value: published,
  },
  {
    covers: 'OnUpdateRoleNotify',
    name: 'ROLE_UPDATE',
    fields: { oldRole: 1, newRole: 0 },
    event: 'onUpdateRoleNotify',
    value: { oldRole: ClientRole.LIVE, newRole: ClientRole.INTERACTIVE },
  },
  {
    covers: 'OnError',
    name: 'ERROR',
    fields: { errorCode: 0x01030304 },
    event: 'onError',
    value: { errorCode: ErrorCode.NO_PEOPLE, number: 0x01030304, text: '' },
  },
  {
    covers: 'OnWarning',
    name: 'WARNING',
    fields: { warningCode: -1 },
    event: 'onWarning',
    value: { warningCode: -1, text: '' },
  },
  {
    covers: 'OnMediaExtensionMsgReceived',
    name: 'SEI_RECEIVED',
    fields: { userid: uid },
    payload: Buffer.alloc(4096, 0x5e),
    event: 'onMediaExtensionMsgReceived',
    value: { userId: uid, message: Buffer.alloc(4096, 0x5e) },
  },
  {
    covers: 'OnDataChannelMsg',
    name: 'DATA_CHANNEL_MESSAGE',
    fields: { uid, networkTime: 1_700_000_000_001, progress: 33, type: 2 },
    payload: Buffer.from('bytes'),
    event: 'onDataChannelMsg',
    value: {
      uid,
      msg: { type: DataMsgType.CUSTOM, networkTimeMs: 1_700_000_000_001, progress: 33, data: Buffer.from('bytes') },
    },
  },
  {
    covers: 'OnPushAudioFrameBufferFull',
    name: 'AUDIO_BUFFER_FULL',
    fields: { success: true },
    event: 'onPushAudioFrameBufferFull',
    value: { isFull: true },
  },
  {
    covers: 'OnPushVideoFrameBufferFull',
    name: 'VIDEO_BUFFER_FULL',
    fields: { success: true },
    event: 'onPushVideoFrameBufferFull',
    value: { isFull: true },
  },
  {
    covers: 'OnConnectionStatusChanged',
    name: 'CONNECTION_STATUS',
    fields: { status: 4, reason: 12 },
    event: 'onConnectionStatusChanged',
    value: { status: ConnectionStatus.RECONNECTING, reason: ConnectionStatusChangeReason.NETWORK_INTERRUPTED },
  },
  {
    covers: 'PushExternalAudioFrame',
    name: 'AUDIO_SENTENCE_BEGIN',
    fields: { sentenceID: 5, sequenceID: 6 },
    event: 'onPushAudioSentenceBegin',
    value: { sentenceId: 5, sequenceId: 6 },
  },
  {
    covers: 'PushExternalAudioFrame',
    name: 'AUDIO_SENTENCE_END',
    fields: { sentenceID: 5, sequenceID: 9 },
    event: 'onPushAudioSentenceEnd',
    value: { sentenceId: 5, sequenceId: 9 },
  },
  ...STATISTICS_SCRIPT,
  {
    covers: 'OnRemoteUserOffLineNotify',
    name: 'REMOTE_USER_OFFLINE',
    fields: { uid },
    event: 'onRemoteUserOffLineNotify',
    value: { uid },
  },
];
