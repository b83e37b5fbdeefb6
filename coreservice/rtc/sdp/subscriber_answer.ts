import type { LocalSection } from './write_sdp.js';
import {
  EXTENSION_ABS_SEND_TIME,
  EXTENSION_MID,
  EXTENSION_TRANSPORT_CC,
  type Codec,
  type MediaSection,
  type SessionDescription,
} from './session_description.js';

export type ReceivedCodec = 'h264' | 'vp8' | 'opus';

/** One track that the server sends. */
export interface ReceivedSection {
  mid: string;
  kind: 'audio' | 'video';
  trackSid: string;
  ssrcs: number[];
  /** By payload type. */
  codecs: Map<number, ReceivedCodec>;
  nack: boolean;
  transportCcId: number | undefined;
  midId: number | undefined;
}

const EXTENSIONS = new Set([EXTENSION_MID, EXTENSION_ABS_SEND_TIME, EXTENSION_TRANSPORT_CC]);
const FEEDBACK = new Set(['nack', 'nack pli', 'ccm fir', 'transport-cc']);

function receivedCodec(kind: MediaSection['kind'], codec: Codec): ReceivedCodec | undefined {
  const name = codec.name.toLowerCase();
  if (kind === 'audio') return name === 'opus' ? 'opus' : undefined;
  if (name === 'vp8') return 'vp8';
  // Mode 0 has no fragments, so larger units could not be sent at all; a server never means it (RFC 6184 section 6.2).
  return name === 'h264' && /packetization-mode=1/.test(codec.parameters) ? 'h264' : undefined;
}

/** Our m-lines of the answer, in the order of the offer: what we can receive is taken, the rest rejected. */
export function answerSections(offer: SessionDescription): LocalSection[] {
  return offer.sections.map((section) => {
    if (section.kind === 'application')
      return { ...emptySection(section), direction: 'sendrecv' as const, rejected: section.port === 0 };
    const codecs = section.codecs.filter((codec) => receivedCodec(section.kind, codec) !== undefined);
    if (section.port === 0 || codecs.length === 0)
      return { ...emptySection(section), rejected: true, codecs: section.codecs.slice(0, 1) };
    return {
      ...emptySection(section),
      direction: sends(section) ? ('recvonly' as const) : ('inactive' as const),
      codecs: codecs.map((codec) => ({ ...codec, feedback: codec.feedback.filter((value) => FEEDBACK.has(value)) })),
      extensions: new Map([...section.extensions].filter(([, uri]) => EXTENSIONS.has(uri))),
    };
  });
}

function emptySection(section: MediaSection): LocalSection {
  return {
    kind: section.kind,
    mid: section.mid,
    direction: 'inactive',
    rejected: false,
    codecs: [],
    extensions: new Map(),
  };
}

function sends(section: MediaSection): boolean {
  return section.direction === 'sendonly' || section.direction === 'sendrecv';
}

/** The tracks that a description of the server carries and that we can receive. `trackSids`, by mid, is for those that it does not name. */
export function receivedSections(
  offer: SessionDescription,
  trackSids: Readonly<Record<string, string>> = {},
): ReceivedSection[] {
  const received: ReceivedSection[] = [];
  for (const section of offer.sections) {
    if (section.kind === 'application' || section.port === 0 || !sends(section)) continue;
    const codecs = new Map<number, ReceivedCodec>();
    for (const codec of section.codecs) {
      const name = receivedCodec(section.kind, codec);
      if (name !== undefined) codecs.set(codec.payloadType, name);
    }
    const trackSid = trackSidOf(section.msid) ?? trackSids[section.mid];
    if (codecs.size === 0 || trackSid === undefined) continue;
    const idOf = (uri: string): number | undefined => [...section.extensions].find(([, value]) => value === uri)?.[0];
    received.push({
      mid: section.mid,
      kind: section.kind,
      trackSid,
      ssrcs: section.ssrcs,
      codecs,
      nack: section.codecs.some((codec) => codec.feedback.includes('nack')),
      transportCcId: idOf(EXTENSION_TRANSPORT_CC),
      midId: idOf(EXTENSION_MID),
    });
  }
  return received;
}

/** LiveKit writes "PA_sid|TR_sid" for the stream and, by its age, "TR_sid" for the track. */
function trackSidOf(msid: string): string | undefined {
  const [stream = '', track = ''] = msid.split(' ');
  const fromStream = stream.split('|')[1] ?? '';
  return [fromStream, track].find((sid) => sid.startsWith('TR_'));
}
