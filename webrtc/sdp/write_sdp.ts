import { MAX_MESSAGE_BYTES, type LocalParameters } from '../media_transport.js';
import type { Direction, SdpExtension, Setup } from './description.js';

export interface WrittenCodec {
  payloadType: number;
  name: string;
  clockRate: number;
  /** Absent: one. */
  channels?: number;
  /** a=fmtp, without the payload type; empty when there is none. */
  fmtp: string;
  /** a=rtcp-fb, e.g. "nack pli". */
  feedback?: readonly string[];
}

export interface MediaSection {
  kind: 'audio' | 'video';
  mid: string;
  direction: Direction;
  /** Empty: the m-line is refused (port 0). */
  codecs: readonly WrittenCodec[];
  extensions: readonly SdpExtension[];
  /** Of what is sent. Simulcast layers are told apart by their names (RFC 8853), a single stream by its SSRC. */
  sent?: { streamId: string; trackId: string; cname: string; ssrcs: readonly number[]; rids?: readonly string[] };
  /** RIDs that are received (RFC 8853). */
  receivedRids?: readonly string[];
}

export interface DataSection {
  kind: 'application';
  mid: string;
}

/** Our side of the transport. */
export interface DescribedTransport extends LocalParameters {
  /** All of them; absent: they are trickled. */
  candidates?: readonly string[];
}

export type Section = MediaSection | DataSection | RefusedSection;

export interface Description {
  sessionId: string;
  version: number;
  setup: Setup;
  local: DescribedTransport;
  sections: readonly Section[];
}

/** An m-line of the peer that we do not take at all. */
export interface RefusedSection {
  kind: 'refused';
  /** The m-line's own words: media, protocol, first format. */
  media: string;
  protocol: string;
  format: string;
  mid: string;
}

/** Writes an offer or answer: one BUNDLE group, rtcp-mux. */
export function writeSdp(description: Description): string {
  const { sections, local } = description;
  const bundled = sections.filter((section) => !isRefused(section)).map((section) => section.mid);
  const lines = [
    'v=0',
    `o=- ${description.sessionId} ${description.version} IN IP4 127.0.0.1`,
    's=-',
    't=0 0',
    `a=group:BUNDLE ${bundled.join(' ')}`.trimEnd(),
    'a=extmap-allow-mixed',
    'a=msid-semantic: WMS *',
  ];
  for (const section of sections) lines.push(...sectionLines(section, description.setup, local));
  return lines.join('\r\n') + '\r\n';
}

function isRefused(section: Section): boolean {
  return section.kind === 'refused' || (section.kind !== 'application' && section.codecs.length === 0);
}

function sectionLines(section: Section, setup: Setup, local: DescribedTransport): string[] {
  switch (section.kind) {
    case 'refused':
      return [
        `m=${section.media} 0 ${section.protocol} ${section.format}`,
        'c=IN IP4 0.0.0.0',
        'a=inactive',
        `a=mid:${section.mid}`,
      ];
    case 'application':
      return [
        'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
        'c=IN IP4 0.0.0.0',
        ...transportLines(setup, local),
        `a=mid:${section.mid}`,
        'a=sctp-port:5000',
        `a=max-message-size:${MAX_MESSAGE_BYTES}`,
      ];
    case 'audio':
    case 'video':
      return mediaLines(section, setup, local);
  }
}

function mediaLines(section: MediaSection, setup: Setup, local: DescribedTransport): string[] {
  if (section.codecs.length === 0)
    return [`m=${section.kind} 0 UDP/TLS/RTP/SAVPF 0`, 'c=IN IP4 0.0.0.0', 'a=inactive', `a=mid:${section.mid}`];
  const payloadTypes = section.codecs.map((codec) => codec.payloadType).join(' ');
  const lines = [
    `m=${section.kind} 9 UDP/TLS/RTP/SAVPF ${payloadTypes}`,
    'c=IN IP4 0.0.0.0',
    'a=rtcp:9 IN IP4 0.0.0.0',
    ...transportLines(setup, local),
    `a=mid:${section.mid}`,
    ...section.extensions.map(({ id, uri }) => `a=extmap:${id} ${uri}`),
    `a=${section.direction}`,
    'a=rtcp-mux',
    'a=rtcp-rsize',
  ];
  for (const { payloadType, name, clockRate, channels = 1, fmtp, feedback = [] } of section.codecs) {
    lines.push(`a=rtpmap:${payloadType} ${name}/${clockRate}${channels > 1 ? `/${channels}` : ''}`);
    for (const value of feedback) lines.push(`a=rtcp-fb:${payloadType} ${value}`);
    if (fmtp !== '') lines.push(`a=fmtp:${payloadType} ${fmtp}`);
  }
  const rids = section.receivedRids ?? [];
  for (const rid of rids) lines.push(`a=rid:${rid} recv`);
  if (rids.length > 0) lines.push(`a=simulcast:recv ${rids.join(';')}`);
  if (section.sent !== undefined) lines.push(...sourceLines(section.sent));
  return lines;
}

function sourceLines({ streamId, trackId, cname, ssrcs, rids = [] }: NonNullable<MediaSection['sent']>): string[] {
  const lines = [`a=msid:${streamId} ${trackId}`];
  if (rids.length > 1)
    return [...lines, ...rids.map((rid) => `a=rid:${rid} send`), `a=simulcast:send ${rids.join(';')}`];
  return lines.concat(
    ssrcs.flatMap((ssrc) => [`a=ssrc:${ssrc} cname:${cname}`, `a=ssrc:${ssrc} msid:${streamId} ${trackId}`]),
  );
}

function transportLines(setup: Setup, local: DescribedTransport): string[] {
  return [
    `a=ice-ufrag:${local.usernameFragment}`,
    `a=ice-pwd:${local.password}`,
    `a=fingerprint:${local.fingerprint.algorithm} ${local.fingerprint.value}`,
    `a=setup:${setup}`,
    ...(local.candidates === undefined
      ? ['a=ice-options:trickle']
      : [...local.candidates.map((candidate) => `a=candidate:${candidate}`), 'a=end-of-candidates']),
  ];
}
