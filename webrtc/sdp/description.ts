/** Session descriptions (RFC 8866, RFC 8829) as far as bundled audio, video and data need them: plain objects, and nothing judged. */
import type { Fingerprint } from '../media_transport.js';

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
export type Setup = 'active' | 'passive' | 'actpass';

export interface SdpCodec {
  payloadType: number;
  /** As written, e.g. "H264", "opus", "rtx". */
  name: string;
  clockRate: number;
  channels: number;
  /** a=fmtp of it, as written; empty without one. */
  fmtp: string;
  /** The same, keys in lower case. */
  parameters: ReadonlyMap<string, string>;
  /** a=rtcp-fb of it, e.g. "nack pli". */
  feedback: readonly string[];
}

/** An RTP header extension (RFC 8285). */
export interface SdpExtension {
  id: number;
  uri: string;
}

export interface SdpMedia {
  kind: 'audio' | 'video' | 'application' | 'other';
  mid: string;
  /** Zero: refused, or bundled only. */
  port: number;
  protocol: string;
  /** The payload types, or what else stands at the end of the m-line. */
  formats: readonly string[];
  direction: Direction;
  codecs: readonly SdpCodec[];
  extensions: readonly SdpExtension[];
  /** Stream and track ids of a=msid, or of the a=ssrc lines. */
  streamId: string;
  trackId: string;
  /** SSRCs of media, without those that repair others (FID). */
  ssrcs: readonly number[];
  /** RIDs that are sent. */
  rids: readonly string[];
  /** RIDs in the order of a=simulcast, those that are paused included; empty without simulcast. */
  simulcast: readonly string[];
  usernameFragment: string;
  password: string;
  fingerprints: readonly Fingerprint[];
  setup: Setup | undefined;
  candidates: readonly string[];
  sctpPort: number | undefined;
  maxMessageBytes: number | undefined;
}

export interface Sdp {
  media: readonly SdpMedia[];
  bundle: readonly string[];
  /** The peer answers ICE checks and makes none. */
  lite: boolean;
}

export const MID_URI = 'urn:ietf:params:rtp-hdrext:sdes:mid';
export const RID_URI = 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id';
export const TRANSPORT_CC_URI = 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01';
export const ABS_SEND_TIME_URI = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time';
export const AUDIO_LEVEL_URI = 'urn:ietf:params:rtp-hdrext:ssrc-audio-level';

/** The peer sends on the m-line. */
export function sends({ direction }: { direction: Direction }): boolean {
  return direction === 'sendrecv' || direction === 'sendonly';
}

/** The peer receives on it. */
export function receives({ direction }: { direction: Direction }): boolean {
  return direction === 'sendrecv' || direction === 'recvonly';
}
