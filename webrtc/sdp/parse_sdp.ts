import type { Direction, Sdp, SdpCodec, SdpMedia } from './description.js';

/** Descriptions of browsers that publish two streams have about 17 kB; one m-line has about 4 kB. */
export const MAX_SDP_BYTES = 1024 * 1024;
const MAX_MEDIA = 256;
/** Of one m-line, or of the session; browsers write about two hundred. What follows looks at them more than once. */
const MAX_LINES = 2000;
/** Streams of one m-line; three are usual. */
const MAX_RIDS = 16;

/** Reads an offer or answer; lines that it does not know are passed over. Throws a text for people when it is no SDP. */
export function parseSdp(text: string): Sdp {
  if (text.length > MAX_SDP_BYTES) throw new Error(`the description has ${text.length} characters`);
  const sections: string[][] = [[]];
  for (const raw of text.split('\n')) {
    const line = raw.trimEnd();
    if (line === '') continue;
    if (!/^[a-z]=/.test(line)) throw new Error('the description has a line that is not SDP');
    if (line.startsWith('m=')) sections.push([]);
    const section = sections.at(-1);
    section?.push(line);
    if (section !== undefined && section.length > MAX_LINES)
      throw new Error(`the description has more than ${MAX_LINES} lines for one m-line`);
  }
  const session = sections[0] ?? [];
  if (session[0] !== 'v=0') throw new Error('the description does not begin with v=0');
  if (sections.length - 1 > MAX_MEDIA) throw new Error('the description has too many m-lines');
  const bundle = attribute(session, 'group')?.split(' ') ?? [];
  return {
    media: sections.slice(1).map((lines) => parseMedia(lines, session)),
    bundle: bundle[0] === 'BUNDLE' ? bundle.slice(1) : [],
    lite: sections.flat().includes('a=ice-lite'),
  };
}

function parseMedia(lines: readonly string[], session: readonly string[]): SdpMedia {
  const [kind = '', port = '0', protocol = '', ...written] = (lines[0] ?? '').slice(2).split(' ');
  const formats = [...new Set(written)];
  const of = (name: string): string | undefined => attribute(lines, name) ?? attribute(session, name);
  const fingerprints = [lines, session].map((part) => attributes(part, 'fingerprint')).find(({ length }) => length > 0);
  const setup = of('setup');
  const ssrcs = parseSsrcs(lines);
  const msid = (attribute(lines, 'msid') ?? ssrcs.msid ?? '').split(' ');
  return {
    kind: kind === 'audio' || kind === 'video' || kind === 'application' ? kind : 'other',
    mid: attribute(lines, 'mid') ?? '',
    port: Number(port),
    protocol,
    formats,
    direction: direction(lines) ?? direction(session) ?? 'sendrecv',
    codecs: parseCodecs(lines, formats),
    extensions: attributes(lines, 'extmap').flatMap((value) => {
      const [id = '', uri = ''] = value.split(' ');
      return uri === '' ? [] : [{ id: Number.parseInt(id, 10), uri }];
    }),
    streamId: msid[0] ?? '',
    trackId: msid[1] ?? '',
    ssrcs: ssrcs.list,
    rids: attributes(lines, 'rid')
      .flatMap((value) => {
        const [rid = '', way] = value.split(' ');
        return way === 'send' ? [rid] : [];
      })
      .slice(0, MAX_RIDS),
    simulcast: parseSimulcast(attribute(lines, 'simulcast')),
    usernameFragment: of('ice-ufrag') ?? '',
    password: of('ice-pwd') ?? '',
    fingerprints: (fingerprints ?? []).flatMap((text) => {
      const [algorithm = '', value = ''] = text.split(' ');
      return value === '' ? [] : [{ algorithm, value }];
    }),
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
        fmtp: fmtps.get(format)?.[0] ?? '',
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
    .filter((rid) => rid !== '')
    .slice(0, MAX_RIDS);
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
