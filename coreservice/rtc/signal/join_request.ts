import { gzipSync } from 'node:zlib';
import {
  ClientInfo,
  ClientInfo_SDK,
  ConnectionSettings,
  JoinRequest,
  ReconnectReason,
  SessionDescription,
  WrappedJoinRequest,
  WrappedJoinRequest_Compression,
} from '@livekit/protocol';

/** LiveKit's protocol as of a server that knows async tracks and Leave with an action. */
const PROTOCOL = 15;
const VERSION = '0.1.0';

/** The query of /rtc: two connections, the server offers. */
export function dualQuery(): Record<string, string> {
  return { auto_subscribe: '0', adaptive_stream: '0', sdk: 'node', version: VERSION, protocol: String(PROTOCOL) };
}

function about(): { clientInfo: ClientInfo; connectionSettings: ConnectionSettings } {
  return {
    clientInfo: new ClientInfo({ sdk: ClientInfo_SDK.NODE, version: VERSION, protocol: PROTOCOL }),
    connectionSettings: new ConnectionSettings({ autoSubscribe: false, adaptiveStream: false }),
  };
}

/** The query of /rtc/v1: one connection, with our first offer. */
export function singleQuery({ sdp, id }: { sdp: string; id: number }): Record<string, string> {
  const request = new JoinRequest({
    ...about(),
    publisherOffer: new SessionDescription({ type: 'offer', sdp, id }),
  });
  return { join_request: wrap(request) };
}

export type ResumeCause = 'signal' | 'media';

/** The query of either path for a stay that is to go on. */
export function resumeQuery(participantSid: string, cause: ResumeCause, single: boolean): Record<string, string> {
  const reconnectReason =
    cause === 'signal' ? ReconnectReason.RR_SIGNAL_DISCONNECTED : ReconnectReason.RR_SUBSCRIBER_FAILED;
  if (!single)
    return { ...dualQuery(), reconnect: '1', sid: participantSid, reconnect_reason: String(reconnectReason) };
  const request = new JoinRequest({ ...about(), reconnect: true, reconnectReason, participantSid });
  return { join_request: wrap(request) };
}

/** Servers read the alphabet for URLs, with its padding. */
function wrap(request: JoinRequest): string {
  const wrapped = new WrappedJoinRequest({
    joinRequest: gzipSync(request.toBinary()),
    compression: WrappedJoinRequest_Compression.GZIP,
  });
  return Buffer.from(wrapped.toBinary()).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}
