import type { Codec, Direction, MediaKind } from './session_description.js';

/** What we say of our transport in every section. */
export interface LocalTransport {
  usernameFragment: string;
  password: string;
  fingerprint: { algorithm: string; value: string };
  setup: 'actpass' | 'active' | 'passive';
}

export interface LocalSection {
  kind: MediaKind;
  mid: string;
  direction: Direction;
  /** Answered with port 0; codecs hold one format of the offer. */
  rejected: boolean;
  codecs: readonly Codec[];
  extensions: ReadonlyMap<number, string>;
  /** Of what we send: "stream track", SSRCs with their canonical name, or simulcast layer names. */
  send?: { msid: string; cname: string; ssrcs: readonly number[]; rids: readonly string[] };
}

/** Writes an offer or answer (RFC 8829 section 5) with all sections in one bundle. */
export function writeSdp(sessionId: number, version: number, local: LocalTransport, sections: LocalSection[]): string {
  const bundled = sections.filter((section) => !section.rejected).map((section) => section.mid);
  const lines = [
    'v=0',
    `o=- ${sessionId} ${version} IN IP4 127.0.0.1`,
    's=-',
    't=0 0',
    ...(bundled.length > 0 ? [`a=group:BUNDLE ${bundled.join(' ')}`] : []),
    'a=extmap-allow-mixed',
    'a=msid-semantic:WMS *',
    ...sections.flatMap((section) => writeSection(section, local)),
  ];
  return `${lines.join('\r\n')}\r\n`;
}

function writeSection(section: LocalSection, local: LocalTransport): string[] {
  const port = section.rejected ? 0 : 9;
  const isData = section.kind === 'application';
  const protocol = isData ? 'UDP/DTLS/SCTP' : 'UDP/TLS/RTP/SAVPF';
  const formats = isData ? 'webrtc-datachannel' : section.codecs.map((codec) => codec.payloadType).join(' ');
  const lines = [
    `m=${section.kind} ${port} ${protocol} ${formats === '' ? '0' : formats}`,
    'c=IN IP4 0.0.0.0',
    `a=ice-ufrag:${local.usernameFragment}`,
    `a=ice-pwd:${local.password}`,
    'a=ice-options:trickle',
    `a=fingerprint:${local.fingerprint.algorithm} ${local.fingerprint.value}`,
    `a=setup:${local.setup}`,
    `a=mid:${section.mid}`,
  ];
  if (isData) return [...lines, 'a=sctp-port:5000', 'a=max-message-size:262144'];
  if (section.rejected) return [...lines, 'a=inactive'];
  return [...lines, ...writeMedia(section)];
}

function writeMedia(section: LocalSection): string[] {
  const lines = [...section.extensions].map(([id, uri]) => `a=extmap:${id} ${uri}`);
  lines.push(`a=${section.direction}`, 'a=rtcp-mux', 'a=rtcp-rsize');
  if (section.send !== undefined) lines.push(`a=msid:${section.send.msid}`);
  for (const codec of section.codecs) lines.push(...writeCodec(codec));
  if (section.send !== undefined) lines.push(...writeSources(section.send));
  return lines;
}

function writeCodec({ payloadType, name, clockRate, channels, parameters, feedback }: Codec): string[] {
  return [
    `a=rtpmap:${payloadType} ${name}/${clockRate}${channels > 1 ? `/${channels}` : ''}`,
    ...feedback.map((value) => `a=rtcp-fb:${payloadType} ${value}`),
    ...(parameters === '' ? [] : [`a=fmtp:${payloadType} ${parameters}`]),
  ];
}

/** Simulcast layers are told apart by their names (RFC 8853); a single stream by its SSRC. */
function writeSources({ msid, cname, ssrcs, rids }: NonNullable<LocalSection['send']>): string[] {
  if (rids.length > 1) return [...rids.map((rid) => `a=rid:${rid} send`), `a=simulcast:send ${rids.join(';')}`];
  return ssrcs.flatMap((ssrc) => [`a=ssrc:${ssrc} cname:${cname}`, `a=ssrc:${ssrc} msid:${msid}`]);
}
