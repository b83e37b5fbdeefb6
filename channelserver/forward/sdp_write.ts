/** Our descriptions: answers to publishers and offers to subscribers. One BUNDLE group, rtcp-mux, no trickling from our side. */
import type { ForwardCodec } from './codecs.js';
import { MAX_MESSAGE_BYTES } from '../../webrtc/media_transport.js';
import type { LocalParameters } from '../../webrtc/media_transport.js';
import type { Direction, SdpExtension } from './sdp.js';

export interface MediaSection {
  kind: 'audio' | 'video';
  mid: string;
  direction: Direction;
  /** Empty: the m-line is refused (port 0). */
  codecs: readonly ForwardCodec[];
  extensions: readonly SdpExtension[];
  /** Of what is sent. */
  sent?: { streamId: string; trackId: string; ssrc: number; cname: string };
  /** RIDs that are received (RFC 8853). */
  receivedRids?: readonly string[];
}

export interface DataSection {
  kind: 'application';
  mid: string;
}

/** Our side of the transport; candidates are complete, there is no trickling from us. */
export interface DescribedTransport extends LocalParameters {
  candidates: readonly string[];
}

export interface Description {
  sessionId: string;
  version: number;
  setup: 'active' | 'passive' | 'actpass';
  local: DescribedTransport;
  sections: readonly (MediaSection | DataSection | RefusedSection)[];
}

/** An m-line of the peer that we do not understand. */
export interface RefusedSection {
  kind: 'refused';
  /** The m-line's own words: media, protocol, first format. */
  media: string;
  protocol: string;
  format: string;
  mid: string;
}

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

function isRefused(section: MediaSection | DataSection | RefusedSection): boolean {
  return section.kind === 'refused' || (section.kind !== 'application' && section.codecs.length === 0);
}

function sectionLines(
  section: MediaSection | DataSection | RefusedSection,
  setup: Description['setup'],
  local: DescribedTransport,
): string[] {
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

function mediaLines(section: MediaSection, setup: Description['setup'], local: DescribedTransport): string[] {
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
  const transportFeedback = section.extensions.some(({ uri }) => uri === TRANSPORT_CC_URI);
  for (const codec of section.codecs) {
    const channels = codec.name === 'opus' ? '/2' : '';
    lines.push(`a=rtpmap:${codec.payloadType} ${codec.name}/${codec.clockRate}${channels}`);
    if (transportFeedback) lines.push(`a=rtcp-fb:${codec.payloadType} transport-cc`);
    if (section.kind === 'video')
      for (const feedback of ['ccm fir', 'nack', 'nack pli', 'goog-remb'])
        lines.push(`a=rtcp-fb:${codec.payloadType} ${feedback}`);
    if (codec.fmtp !== '') lines.push(`a=fmtp:${codec.payloadType} ${codec.fmtp}`);
  }
  const rids = section.receivedRids ?? [];
  for (const rid of rids) lines.push(`a=rid:${rid} recv`);
  if (rids.length > 0) lines.push(`a=simulcast:recv ${rids.join(';')}`);
  if (section.sent !== undefined) {
    const { streamId, trackId, ssrc, cname } = section.sent;
    lines.push(
      `a=msid:${streamId} ${trackId}`,
      `a=ssrc:${ssrc} cname:${cname}`,
      `a=ssrc:${ssrc} msid:${streamId} ${trackId}`,
    );
  }
  return lines;
}

function transportLines(setup: Description['setup'], local: DescribedTransport): string[] {
  return [
    `a=ice-ufrag:${local.usernameFragment}`,
    `a=ice-pwd:${local.password}`,
    `a=fingerprint:${local.fingerprint.algorithm} ${local.fingerprint.value}`,
    `a=setup:${setup}`,
    ...local.candidates.map((candidate) => `a=candidate:${candidate}`),
    'a=end-of-candidates',
  ];
}

export const TRANSPORT_CC_URI = 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01';
export const MID_URI = 'urn:ietf:params:rtp-hdrext:sdes:mid';
export const RID_URI = 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id';
export const AUDIO_LEVEL_URI = 'urn:ietf:params:rtp-hdrext:ssrc-audio-level';
