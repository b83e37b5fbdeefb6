import type { Codec, Direction, MediaKind, MediaSection, SessionDescription } from './session_description.js';

/** A description of a hundred tracks is about 100 kB. */
const MAX_SDP_BYTES = 1_000_000;

/** Reads a session description; throws a text for people when it cannot be used. Unknown lines are passed over. */
export function parseSdp(text: string): SessionDescription {
  if (text.length > MAX_SDP_BYTES) throw new Error(`session description of ${text.length} characters`);
  const description: SessionDescription = {
    usernameFragment: '',
    password: '',
    lite: false,
    fingerprints: [],
    setup: 'actpass',
    candidates: [],
    sections: [],
  };
  let section: MediaSection | undefined;
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('m=')) {
      section = parseMediaLine(line);
      description.sections.push(section);
    } else if (line.startsWith('a=')) {
      const colon = line.indexOf(':');
      const name = colon < 0 ? line.slice(2) : line.slice(2, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1);
      if (!readTransportAttribute(description, name, value, section === undefined ? 0 : description.sections.length))
        if (section !== undefined) readMediaAttribute(section, name, value);
    }
  }
  if (description.sections.length === 0) throw new Error('session description without media');
  if (description.usernameFragment === '' || description.password === '')
    throw new Error('session description without ICE credentials');
  return description;
}

function parseMediaLine(line: string): MediaSection {
  const [kind = '', port = '', , ...formats] = line.slice(2).trim().split(/ +/);
  if (kind !== 'audio' && kind !== 'video' && kind !== 'application')
    throw new Error(`session description with unknown media "${kind.slice(0, 20)}"`);
  const codecs = kind === 'application' ? [] : formats.map(toBareCodec);
  return {
    kind: kind satisfies MediaKind,
    port: Number(port) || 0,
    mid: '',
    direction: 'sendrecv',
    codecs,
    extensions: new Map(),
    ssrcs: [],
    msid: '',
  };
}

function toBareCodec(format: string): Codec {
  return { payloadType: Number(format), name: '', clockRate: 0, channels: 1, parameters: '', feedback: [] };
}

/** True when the attribute belongs to the transport. `depth` is 0 for the session, then the section's number from 1; later sections repeat the first's. */
function readTransportAttribute(to: SessionDescription, name: string, value: string, depth: number): boolean {
  switch (name) {
    case 'ice-ufrag':
      if (to.usernameFragment === '') to.usernameFragment = value.trim();
      return true;
    case 'ice-pwd':
      if (to.password === '') to.password = value.trim();
      return true;
    case 'ice-lite':
      to.lite = true;
      return true;
    case 'fingerprint': {
      const [algorithm = '', fingerprint = ''] = value.trim().split(/ +/);
      if (depth <= 1) to.fingerprints.push({ algorithm, value: fingerprint });
      return true;
    }
    case 'setup':
      if (depth <= 1 && (value === 'active' || value === 'passive' || value === 'actpass')) to.setup = value;
      return true;
    case 'candidate':
      if (depth <= 1) to.candidates.push(value);
      return true;
    default:
      return false;
  }
}

function readMediaAttribute(section: MediaSection, name: string, value: string): void {
  switch (name) {
    case 'mid':
      section.mid = value.trim();
      break;
    case 'sendrecv':
    case 'sendonly':
    case 'recvonly':
    case 'inactive':
      section.direction = name satisfies Direction;
      break;
    case 'msid':
      section.msid ||= value.trim();
      break;
    case 'extmap': {
      const match = /^(\d+)(?:\/\w+)? (\S+)/.exec(value);
      if (match?.[1] !== undefined && match[2] !== undefined) section.extensions.set(Number(match[1]), match[2]);
      break;
    }
    case 'ssrc':
      readSsrc(section, value);
      break;
    case 'rtpmap':
    case 'fmtp':
    case 'rtcp-fb':
      readCodecAttribute(section, name, value);
      break;
  }
}

function readSsrc(section: MediaSection, value: string): void {
  const match = /^(\d+) (\S+?)(?::(.*))?$/.exec(value.trim());
  const ssrc = Number(match?.[1]);
  if (match === null || !Number.isInteger(ssrc) || ssrc > 0xffffffff) return;
  if (!section.ssrcs.includes(ssrc)) section.ssrcs.push(ssrc);
  if (match[2] === 'msid' && match[3] !== undefined) section.msid ||= match[3].trim();
}

function readCodecAttribute(section: MediaSection, name: 'rtpmap' | 'fmtp' | 'rtcp-fb', value: string): void {
  const space = value.indexOf(' ');
  const format = value.slice(0, space);
  const rest = value.slice(space + 1).trim();
  for (const codec of section.codecs) {
    if (format !== '*' && codec.payloadType !== Number(format)) continue;
    if (name === 'fmtp') codec.parameters = rest;
    else if (name === 'rtcp-fb') codec.feedback.push(rest);
    else {
      const [encoding = '', clockRate = '', channels = '1'] = rest.split('/');
      codec.name = encoding;
      codec.clockRate = Number(clockRate) || 0;
      codec.channels = Number(channels) || 1;
    }
  }
}
