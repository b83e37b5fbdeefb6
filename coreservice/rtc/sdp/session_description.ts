/** The parts of a session description (RFC 8866, RFC 8829) that a bundled audio/video/data connection needs. */
export type MediaKind = 'audio' | 'video' | 'application';
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

export interface Codec {
  payloadType: number;
  /** As written, e.g. "H264". */
  name: string;
  clockRate: number;
  channels: number;
  /** The fmtp line's text behind the payload type; empty without one. */
  parameters: string;
  /** e.g. "nack pli". */
  feedback: string[];
}

export interface MediaSection {
  kind: MediaKind;
  /** Zero: rejected. */
  port: number;
  mid: string;
  direction: Direction;
  codecs: Codec[];
  /** Header extensions: number to URI (RFC 8285). */
  extensions: Map<number, string>;
  ssrcs: number[];
  /** "stream track" of a=msid, or of a=ssrc ... msid. */
  msid: string;
}

export interface SessionDescription {
  /** Everything is bundled: the first section's values hold for all. */
  usernameFragment: string;
  password: string;
  lite: boolean;
  fingerprints: { algorithm: string; value: string }[];
  setup: 'actpass' | 'active' | 'passive';
  candidates: string[];
  sections: MediaSection[];
}

export const EXTENSION_MID = 'urn:ietf:params:rtp-hdrext:sdes:mid';
export const EXTENSION_RID = 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id';
export const EXTENSION_ABS_SEND_TIME = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time';
export const EXTENSION_TRANSPORT_CC = 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01';
