/** The RTCP messages that parseRtcp gives and serializeRtcp takes. */
import type { NtpTime } from './ntp.js';

/** RFC 3550 section 6.4.1. */
export interface ReportBlock {
  ssrc: number;
  /** 0 to 255/256, in steps of 1/256. */
  fractionLost: number;
  /** Signed, 24 bits. */
  cumulativeLost: number;
  /** The highest sequence number with its count of wraps above: 32 bits. */
  highestSequence: number;
  /** In timestamp units. */
  jitter: number;
  /** Middle 32 bits of the last SR's NTP time; 0: none. */
  lastSenderReport: number;
  /** In 1/65536 s. */
  delaySinceLastSenderReport: number;
}

export interface SenderReport {
  kind: 'sender_report';
  ssrc: number;
  ntp: NtpTime;
  rtpTimestamp: number;
  packetCount: number;
  octetCount: number;
  reports: ReportBlock[];
}

export interface ReceiverReport {
  kind: 'receiver_report';
  ssrc: number;
  reports: ReportBlock[];
}

export interface SourceDescription {
  kind: 'sdes';
  /** Item type 1 is CNAME. */
  chunks: { ssrc: number; items: { type: number; text: string }[] }[];
}

export interface Bye {
  kind: 'bye';
  ssrcs: number[];
  reason?: string;
}

/** RFC 4585 section 6.2.1. */
export interface Nack {
  kind: 'nack';
  senderSsrc: number;
  mediaSsrc: number;
  /** 16-bit sequence numbers. */
  sequences: number[];
}

/** RFC 4585 section 6.3.1. */
export interface Pli {
  kind: 'pli';
  senderSsrc: number;
  mediaSsrc: number;
}

/** RFC 5104 section 4.3.1. */
export interface Fir {
  kind: 'fir';
  senderSsrc: number;
  mediaSsrc: number;
  entries: { ssrc: number; sequence: number }[];
}

/** draft-alvestrand-rmcat-remb-03. */
export interface Remb {
  kind: 'remb';
  senderSsrc: number;
  bitrateBps: number;
  ssrcs: number[];
}

/** draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1. */
export interface TransportCc {
  kind: 'transport_cc';
  senderSsrc: number;
  mediaSsrc: number;
  /** 8 bits, counts the feedback messages. */
  feedbackCount: number;
  /** The first packet's delta counts from here: 24 bits signed, in 64 ms. */
  referenceTime64Ms: number;
  /** Of consecutive 16-bit transport sequence numbers from baseSequence on. */
  baseSequence: number;
  /** Time since the received packet before (or the reference), in 250 µs, 16 bits signed; undefined: not received. */
  deltas250Us: (number | undefined)[];
}

export interface OtherRtcp {
  kind: 'other';
  packetType: number;
  /** Count, subtype or format: 5 bits. */
  count: number;
  /** Behind the header of four bytes; a view. */
  body: Buffer;
}

export type RtcpMessage =
  SenderReport | ReceiverReport | SourceDescription | Bye | Nack | Pli | Fir | Remb | TransportCc | OtherRtcp;

export const RTCP_TYPE = { sr: 200, rr: 201, sdes: 202, bye: 203, rtpFeedback: 205, payloadFeedback: 206 } as const;
export const FEEDBACK_FORMAT = { nack: 1, transportCc: 15, pli: 1, fir: 4, applicationLayer: 15 } as const;
export const REMB_IDENTIFIER = 0x52454d42; // "REMB"
