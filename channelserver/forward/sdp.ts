/** Session descriptions (RFC 8866, RFC 8829) as far as a forwarding server needs them: parsed to plain objects, and nothing judged. */
import type { Fingerprint } from '../../webrtc/media_transport.js';

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

export interface SdpCodec {
  payloadType: number;
  /** As written, e.g. "H264", "opus", "rtx". */
  name: string;
  clockRate: number;
  channels: number;
  /** a=fmtp of it, keys in lower case. */
  parameters: ReadonlyMap<string, string>;
  /** a=rtcp-fb of it, e.g. "nack pli". */
  feedback: readonly string[];
}

export interface SdpExtension {
  id: number;
  uri: string;
}

export interface SdpMedia {
  kind: 'audio' | 'video' | 'application' | 'other';
  mid: string;
  port: number;
  protocol: string;
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
  fingerprint: Fingerprint | undefined;
  setup: 'active' | 'passive' | 'actpass' | undefined;
  candidates: readonly string[];
  sctpPort: number | undefined;
  maxMessageBytes: number | undefined;
}

export interface Sdp {
  media: readonly SdpMedia[];
  bundle: readonly string[];
}

/** Descriptions of clients that publish two streams have about 17 kB; one m-line has about 4 kB. */
export const MAX_SDP_BYTES = 512 * 1024;
const MAX_MEDIA = 256;

/** Throws an Error when it is not SDP. */
export function parseSdp(text: string): Sdp {
  if (text.length > MAX_SDP_BYTES) throw new Error('the description is too large');
  const sections: string[][] = [[]];
  for (const raw of text.split('\n')) {
    const line = raw.trimEnd();
    if (line === '') continue;
    if (!/^[a-z]=/.test(line)) throw new Error('the description has a line that is not SDP');
    if (line.startsWith('m=')) sections.push([]);
    sections.at(-1)?.push(line);
  }
  const session = sections[0] ?? [];
  if (session[0] !== 'v=0') throw new Error('the description does not begin with v=0');
  if (sections.length - 1 > MAX_MEDIA) throw new Error('the description has too many m-lines');
  const bundle = attribute(session, 'group')?.split(' ') ?? [];
  return {
    media: sections.slice(1).map((lines) => parseMedia(lines, session)),
    bundle: bundle[0] === 'BUNDLE' ? bundle.slice(1) : [],
  };
}

function parseMedia(lines: readonly string[], session: readonly string[]): SdpMedia {
  const [kind = '', port = '0', protocol = '', ...formats] = (lines[0] ?? '').slice(2).split(' ');
  const of = (name: string): string | undefined => attribute(lines, name) ?? attribute(session, name);
  const fingerprint = of('fingerprint')?.split(' ');
  const setup = of('setup');
  const ssrcs = parseSsrcs(lines);
  const msid = (attribute(lines, 'msid') ?? ssrcs.msid ?? '').split(' ');
  return {
    kind: kind === 'audio' || kind === 'video' || kind === 'application' ? kind : 'other',
    mid: attribute(lines, 'mid') ?? '',
    port: Number(port),
    protocol,
    direction: direction(lines) ?? direction(session) ?? 'sendrecv',
    codecs: parseCodecs(lines, formats),
    extensions: attributes(lines, 'extmap').flatMap((value) => {
      const [id = '', uri = ''] = value.split(' ');
      return uri === '' ? [] : [{ id: Number.parseInt(id, 10), uri }];
    }),
    streamId: msid[0] ?? '',
    trackId: msid[1] ?? '',
    ssrcs: ssrcs.list,
    rids: attributes(lines, 'rid').flatMap((value) => {
      const [rid = '', way] = value.split(' ');
      return way === 'send' ? [rid] : [];
    }),
    simulcast: parseSimulcast(attribute(lines, 'simulcast')),
    usernameFragment: of('ice-ufrag') ?? '',
    password: of('ice-pwd') ?? '',
    fingerprint:
      fingerprint?.[0] === undefined || fingerprint[1] === undefined
        ? undefined
        : { algorithm: fingerprint[0], value: fingerprint[1] },
    setup: setup === 'active' || setup === 'passive' || setup === 'actpass' ? setup : undefined,
    candidates: attributes(lines, 'candidate'),
    sctpPort: numberOf(attribute(lines, 'sctp-port')),
    maxMessageBytes: numberOf(attribute(lines, 'max-message-size')),
  };
}

function parseCodecs(lines: readonly string[], formats: readonly string[]): SdpCodec[] {
  const maps = byPayloadType(attributes(lines, 'rtpmap'));
  const fmtps = byPayloadType(attributes(lines, 'fmtp'));
  const feedback = byPayloadType(attributes(lines, 'rtcp-fb'));
  return formats.flatMap((format) => {
    const [name = '', clockRate = '', channels = '1'] = (maps.get(format)?.[0] ?? '').split('/');
    const payloadType = Number(format);
    if (name === '' || !Number.isInteger(payloadType) || payloadType < 0 || payloadType > 127) return [];
    return [
      {
        payloadType,
        name,
        clockRate: Number(clockRate),
        channels: Number(channels),
        parameters: new Map(
          (fmtps.get(format)?.[0] ?? '').split(';').flatMap((pair): [string, string][] => {
            const [key = '', value = ''] = pair.trim().split('=', 2);
            return key === '' ? [] : [[key.toLowerCase(), value]];
          }),
        ),
        feedback: [...(feedback.get(format) ?? []), ...(feedback.get('*') ?? [])],
      },
    ];
  });
}

function byPayloadType(values: readonly string[]): Map<string, string[]> {
  const result = new Map<string, string[]>();
  for (const value of values) {
    const space = value.indexOf(' ');
    if (space < 0) continue;
    const key = value.slice(0, space);
    result.set(key, [...(result.get(key) ?? []), value.slice(space + 1)]);
  }
  return result;
}

function parseSsrcs(lines: readonly string[]): { list: number[]; msid: string | undefined } {
  const repairing = new Set<number>();
  for (const group of attributes(lines, 'ssrc-group')) {
    const [semantics, , ...repair] = group.split(' ');
    if (semantics === 'FID') for (const ssrc of repair) repairing.add(Number(ssrc));
  }
  const list: number[] = [];
  let msid: string | undefined;
  for (const value of attributes(lines, 'ssrc')) {
    const [id = '', ...rest] = value.split(' ');
    const ssrc = Number(id);
    if (!Number.isInteger(ssrc) || ssrc < 0 || ssrc > 0xffffffff) continue;
    if (!repairing.has(ssrc) && !list.includes(ssrc)) list.push(ssrc);
    const text = rest.join(' ');
    if (text.startsWith('msid:')) msid = text.slice('msid:'.length);
  }
  return { list, msid };
}

/** RFC 8853: "send q;h;f recv x"; alternatives are divided by a comma, "~" means paused. */
function parseSimulcast(value: string | undefined): string[] {
  const words = value?.split(' ') ?? [];
  const at = words.indexOf('send');
  if (at < 0) return [];
  return (words[at + 1] ?? '')
    .split(';')
    .map((stream) => (stream.split(',')[0] ?? '').replace('~', ''))
    .filter((rid) => rid !== '');
}

function direction(lines: readonly string[]): Direction | undefined {
  for (const name of ['sendrecv', 'sendonly', 'recvonly', 'inactive'] as const)
    if (lines.includes(`a=${name}`)) return name;
  return undefined;
}

function attributes(lines: readonly string[], name: string): string[] {
  const prefix = `a=${name}:`;
  return lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length));
}

function attribute(lines: readonly string[], name: string): string | undefined {
  return attributes(lines, name)[0];
}

function numberOf(value: string | undefined): number | undefined {
  const number = Number(value);
  return value === undefined || !Number.isFinite(number) ? undefined : number;
}
