import { gunzipSync } from 'node:zlib';
import {
  JoinRequest,
  SignalRequest,
  WrappedJoinRequest,
  WrappedJoinRequest_Compression,
  type AddTrackRequest,
  type SessionDescription,
} from '@livekit/protocol';

/** What a client says when it joins, beside its token. */
export interface JoinParameters {
  /** One connection for both directions (/rtc/v1), or two (/rtc). */
  connections: 'single' | 'dual';
  autoSubscribe: boolean;
  clientProtocol: number;
  /** Back after its signalling connection was lost. */
  reconnect: boolean;
  /** Of the participant that comes back; empty when it does not say. */
  participantSid: string;
  metadata: string;
  attributes: Readonly<Record<string, string>>;
  addTracks: readonly AddTrackRequest[];
  offer: SessionDescription | undefined;
}

/** A join request that cannot be read; the text is for who sent it. */
export class JoinRequestError extends Error {
  override readonly name = 'JoinRequestError';
}

/** Of the query of /rtc. */
export function dualParameters(query: URLSearchParams): JoinParameters {
  return {
    connections: 'dual',
    autoSubscribe: !/^(0|false)$/.test(query.get('auto_subscribe') ?? ''),
    clientProtocol: Number.parseInt(query.get('client_protocol') ?? '0', 10) || 0,
    reconnect: /^(1|true)$/.test(query.get('reconnect') ?? ''),
    participantSid: query.get('sid') ?? '',
    metadata: '',
    attributes: {},
    addTracks: [],
    offer: undefined,
  };
}

/** Of the query of /rtc/v1: base64 of a WrappedJoinRequest. Throws a JoinRequestError. */
export function singleParameters(query: URLSearchParams, maxBytes: number): JoinParameters {
  const text = query.get('join_request') ?? '';
  if (text === '') throw new JoinRequestError('join_request is required');
  const request = readJoinRequest(text, maxBytes);
  return {
    connections: 'single',
    autoSubscribe: request.connectionSettings?.autoSubscribe ?? false,
    clientProtocol: request.clientInfo?.clientProtocol ?? 0,
    reconnect: request.reconnect,
    participantSid: request.participantSid,
    metadata: request.metadata,
    attributes: request.participantAttributes,
    addTracks: request.addTrackRequests,
    offer: request.publisherOffer,
  };
}

/** What the join request asks for at once, as if it came in messages behind it. */
export function firstRequests({ addTracks, offer }: JoinParameters): SignalRequest[] {
  const requests = addTracks.map((value) => new SignalRequest({ message: { case: 'addTrack', value } }));
  if (offer !== undefined) requests.push(new SignalRequest({ message: { case: 'offer', value: offer } }));
  return requests;
}

function readJoinRequest(text: string, maxBytes: number): JoinRequest {
  try {
    // Buffer reads both alphabets of base64, and passes over what is in neither.
    if (!/^[\w+/-]+=*$/.test(text)) throw new Error('not base64');
    const wrapped = WrappedJoinRequest.fromBinary(Buffer.from(text, 'base64'));
    const isGzip = wrapped.compression === WrappedJoinRequest_Compression.GZIP;
    const bytes = isGzip ? gunzipSync(wrapped.joinRequest, { maxOutputLength: maxBytes }) : wrapped.joinRequest;
    return JoinRequest.fromBinary(bytes);
  } catch {
    throw new JoinRequestError('join_request is not the base64 of a WrappedJoinRequest');
  }
}
