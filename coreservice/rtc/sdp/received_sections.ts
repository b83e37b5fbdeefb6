import {
  ABS_SEND_TIME_URI,
  MID_URI,
  sends,
  TRANSPORT_CC_URI,
  type Sdp,
  type SdpCodec,
  type SdpMedia,
} from '../../../webrtc/sdp/description.js';
import type { Section } from '../../../webrtc/sdp/write_sdp.js';

export type ReceivedCodec = 'h264' | 'vp8' | 'opus';

/** One track that the server sends. */
export interface ReceivedSection {
  mid: string;
  kind: 'audio' | 'video';
  trackSid: string;
  ssrcs: readonly number[];
  /** By payload type. */
  codecs: Map<number, ReceivedCodec>;
  nack: boolean;
  transportCcId: number | undefined;
  midId: number | undefined;
}

const EXTENSIONS = new Set([MID_URI, ABS_SEND_TIME_URI, TRANSPORT_CC_URI]);
const FEEDBACK = new Set(['nack', 'nack pli', 'ccm fir', 'transport-cc']);

function receivedCodec(kind: SdpMedia['kind'], { name, parameters }: SdpCodec): ReceivedCodec | undefined {
  if (kind === 'audio') return name.toLowerCase() === 'opus' ? 'opus' : undefined;
  if (name.toLowerCase() === 'vp8') return 'vp8';
  // Mode 0 has no fragments, so larger units could not be sent at all; a server never means it (RFC 6184 section 6.2).
  return name.toLowerCase() === 'h264' && parameters.get('packetization-mode') === '1' ? 'h264' : undefined;
}

/** Our m-lines of the answer, in the order of the offer: what we can receive is taken, the rest refused. */
export function answerSections(offer: Sdp): Section[] {
  return offer.media.map((media): Section => {
    const { kind, mid, port, protocol, formats } = media;
    if (kind === 'application' && port !== 0) return { kind, mid };
    const codecs = media.codecs.filter((codec) => receivedCodec(kind, codec) !== undefined);
    if (port === 0 || codecs.length === 0 || (kind !== 'audio' && kind !== 'video'))
      return { kind: 'refused', media: kind === 'other' ? 'video' : kind, protocol, format: formats[0] ?? '0', mid };
    return {
      kind,
      mid,
      direction: sends(media) ? 'recvonly' : 'inactive',
      codecs: codecs.map((codec) => ({ ...codec, feedback: codec.feedback.filter((value) => FEEDBACK.has(value)) })),
      extensions: media.extensions.filter(({ uri }) => EXTENSIONS.has(uri)),
    };
  });
}

/** The tracks that a description of the server carries and that we can receive. `trackSids`, by mid, is for those that it does not name. */
export function receivedSections({ media }: Sdp, trackSids: Readonly<Record<string, string>> = {}): ReceivedSection[] {
  return media.flatMap((each) => {
    const { kind, mid, port, ssrcs, extensions } = each;
    if ((kind !== 'audio' && kind !== 'video') || port === 0 || !sends(each)) return [];
    const codecs = new Map<number, ReceivedCodec>();
    for (const codec of each.codecs) {
      const name = receivedCodec(kind, codec);
      if (name !== undefined) codecs.set(codec.payloadType, name);
    }
    const trackSid = trackSidOf(each) ?? trackSids[mid];
    if (codecs.size === 0 || trackSid === undefined) return [];
    const idOf = (wanted: string): number | undefined => extensions.find(({ uri }) => uri === wanted)?.id;
    const nack = each.codecs.some(({ feedback }) => feedback.includes('nack'));
    return [{ mid, kind, trackSid, ssrcs, codecs, nack, transportCcId: idOf(TRANSPORT_CC_URI), midId: idOf(MID_URI) }];
  });
}

/** LiveKit writes "PA_sid|TR_sid" for the stream and, by its age, "TR_sid" for the track. */
function trackSidOf({ streamId, trackId }: SdpMedia): string | undefined {
  return [streamId.split('|')[1] ?? '', trackId].find((sid) => sid.startsWith('TR_'));
}
