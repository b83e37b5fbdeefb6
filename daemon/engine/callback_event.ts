import type { Callback, CallbackFields } from '../../coreservice/ipc/callbacks.js';
import type { OutcomeExtension } from '../../coreservice/ipc/extension.js';
import * as convert from '../conversions.js';
import type { EngineEvent } from '../events/event_log.js';
import { statisticsEvent } from './statistics_event.js';

/** The outcome's further facts, of cores that tell them. */
export function outcomeOf(fields: { alirtcd?: Record<string, unknown> }): { text: string; number: number | undefined } {
  const outcome = fields.alirtcd as Partial<OutcomeExtension> | undefined;
  const text = [outcome?.reason, outcome?.text].filter((part) => typeof part === 'string' && part !== '').join(': ');
  return { text, number: isInt32(outcome?.number) ? outcome?.number : undefined };
}

function isInt32(value: unknown): boolean {
  return typeof value === 'number' && (value | 0) === value;
}

/**
 * The event of a callback that needs nothing but conversion; undefined for frames, answers, and what the session decides on (join, leave, buffer full).
 */
export function eventOfCallback(callback: Callback): EngineEvent | undefined {
  switch (callback.name) {
    case 'REMOTE_USER_ONLINE':
      return { $case: 'onRemoteUserOnLineNotify', value: { uid: callback.fields.uid } };
    case 'REMOTE_USER_OFFLINE':
      return { $case: 'onRemoteUserOffLineNotify', value: { uid: callback.fields.uid } };
    case 'REMOTE_TRACKS_AVAILABLE': {
      const { uid, audioTrack, videoTrack } = callback.fields;
      const value = {
        uid,
        audioTrack: convert.audioTrack.toProto(audioTrack),
        videoTrack: convert.videoTrack.toProto(videoTrack),
      };
      return { $case: 'onRemoteTrackAvailableNotify', value };
    }
    case 'ROLE_UPDATE': {
      const { oldRole, newRole } = callback.fields;
      const value = { oldRole: convert.clientRole.toProto(oldRole), newRole: convert.clientRole.toProto(newRole) };
      return { $case: 'onUpdateRoleNotify', value };
    }
    case 'ERROR': {
      const { text, number = callback.fields.errorCode } = outcomeOf(callback.fields);
      return { $case: 'onError', value: { errorCode: convert.errorCode(number), number, text } };
    }
    case 'WARNING': {
      const { text } = outcomeOf(callback.fields);
      return { $case: 'onWarning', value: { warningCode: callback.fields.warningCode, text } };
    }
    case 'CONNECTION_STATUS': {
      const status = convert.connectionStatus.toProto(callback.fields.status);
      const reason = convert.connectionStatusChangeReason.toProto(callback.fields.reason);
      return { $case: 'onConnectionStatusChanged', value: { status, reason } };
    }
    case 'FIRST_AUDIO_PACKET':
      return {
        $case: 'onFirstRemoteAudioPacket',
        value: { uid: callback.fields.uid, timeCostMs: callback.fields.timeCost },
      };
    default:
      return messageEvent(callback) ?? stateEvent(callback) ?? statisticsEvent(callback);
  }
}

function messageEvent(callback: Callback): EngineEvent | undefined {
  switch (callback.name) {
    case 'SEI_RECEIVED': {
      const message = callback.payload ?? Buffer.alloc(0);
      return { $case: 'onMediaExtensionMsgReceived', value: { userId: callback.fields.userid, message } };
    }
    case 'DATA_CHANNEL_MESSAGE': {
      const { uid, networkTime, progress, type } = callback.fields;
      const data = callback.payload ?? Buffer.alloc(0);
      const msg = { type: convert.dataMsgType.toProto(type), networkTimeMs: Math.max(0, networkTime), progress, data };
      return { $case: 'onDataChannelMsg', value: { uid, msg } };
    }
    case 'AUDIO_SENTENCE_BEGIN':
      return { $case: 'onPushAudioSentenceBegin', value: sentence(callback.fields) };
    case 'AUDIO_SENTENCE_END':
      return { $case: 'onPushAudioSentenceEnd', value: sentence(callback.fields) };
    default:
      return undefined;
  }
}

function stateEvent(callback: Callback): EngineEvent | undefined {
  switch (callback.name) {
    case 'AUDIO_SUBSCRIBE_STATE':
      return { $case: 'onAudioSubscribeStateChanged', value: subscribeChange(callback.fields) };
    case 'CAMERA_SUBSCRIBE_STATE':
      return { $case: 'onVideoSubscribeStateChanged', value: subscribeChange(callback.fields) };
    case 'SCREEN_SUBSCRIBE_STATE':
      return { $case: 'onScreenShareSubscribeStateChanged', value: subscribeChange(callback.fields) };
    case 'SUBSCRIBED_STREAM_TYPE': {
      const { uid, oldState, newState, elapseSinceLastState, channel } = callback.fields;
      const value = {
        uid,
        oldStreamType: convert.videoStreamType.toProto(oldState),
        newStreamType: convert.videoStreamType.toProto(newState),
        elapseSinceLastStateMs: elapseSinceLastState,
        channel,
      };
      return { $case: 'onSubscribeStreamTypeChanged', value };
    }
    case 'SCREEN_PUBLISH_STATE':
      return { $case: 'onScreenSharePublishStateChanged', value: publishChange(callback.fields) };
    case 'DUAL_PUBLISH_STATE':
      return { $case: 'onDualStreamPublishStateChanged', value: publishChange(callback.fields) };
    case 'CAMERA_PUBLISH_STATE':
      return { $case: 'onVideoPublishStateChanged', value: publishChange(callback.fields) };
    case 'AUDIO_PUBLISH_STATE':
      return { $case: 'onAudioPublishStateChanged', value: publishChange(callback.fields) };
    default:
      return undefined;
  }
}

function sentence(fields: CallbackFields<'AUDIO_SENTENCE_BEGIN'>) {
  return { sentenceId: fields.sentenceID, sequenceId: fields.sequenceID };
}

function subscribeChange(fields: CallbackFields<'AUDIO_SUBSCRIBE_STATE'>) {
  const { uid, oldState, newState, elapseSinceLastState, channel } = fields;
  return {
    uid,
    oldState: convert.subscribeState.toProto(oldState),
    newState: convert.subscribeState.toProto(newState),
    elapseSinceLastStateMs: elapseSinceLastState,
    channel,
  };
}

function publishChange(fields: CallbackFields<'CAMERA_PUBLISH_STATE'>) {
  const { oldState, newState, elapseSinceLastState, channel } = fields;
  return {
    oldState: convert.publishState.toProto(oldState),
    newState: convert.publishState.toProto(newState),
    elapseSinceLastStateMs: elapseSinceLastState,
    channel,
  };
}
