import {
  ABS_SEND_TIME_URI,
  MID_URI,
  RID_URI,
  TRANSPORT_CC_URI,
  type Sdp,
  type SdpExtension,
} from '../../../webrtc/sdp/description.js';
import type { MediaSection, Section, WrittenCodec } from '../../../webrtc/sdp/write_sdp.js';

const VIDEO_FEEDBACK = ['transport-cc', 'ccm fir', 'nack', 'nack pli'];

/** Constrained baseline, level 3.1 with asymmetry: what every WebRTC endpoint decodes (RFC 7742 section 5). */
const H264: WrittenCodec = {
  payloadType: 96,
  name: 'H264',
  clockRate: 90_000,
  fmtp: 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f',
  feedback: VIDEO_FEEDBACK,
};

function opus(stereo: boolean): WrittenCodec {
  return {
    payloadType: 111,
    name: 'opus',
    clockRate: 48_000,
    channels: 2,
    fmtp: `minptime=10;useinbandfec=1${stereo ? ';stereo=1;sprop-stereo=1' : ''}`,
    feedback: ['transport-cc', 'nack'],
  };
}

const VP8: WrittenCodec = {
  payloadType: 97,
  name: 'VP8',
  clockRate: 90_000,
  fmtp: '',
  feedback: VIDEO_FEEDBACK,
};

const AUDIO_EXTENSIONS: readonly SdpExtension[] = [
  { id: 1, uri: MID_URI },
  { id: 3, uri: ABS_SEND_TIME_URI },
  { id: 4, uri: TRANSPORT_CC_URI },
];
const VIDEO_EXTENSIONS: readonly SdpExtension[] = [...AUDIO_EXTENSIONS, { id: 2, uri: RID_URI }];

/** What a server reads of one description is bounded too. */
const MAX_SECTIONS = 250;

/** One track as its m-line shows it. */
export interface PublishedSection {
  kind: 'audio' | 'video';
  /** The track's id in AddTrackRequest: the server finds it in a=msid. */
  cid: string;
  ssrcs: readonly number[];
  /** Two or more with simulcast. */
  rids: readonly string[];
  stereo: boolean;
}

/** What the server's answer says of one track. */
export interface AnsweredSection {
  mid: string;
  payloadType: number;
  /** URI to number. */
  extensions: Map<string, number>;
}

type Entry =
  | { kind: 'send'; section: PublishedSection; mid: string; ended: boolean }
  | { kind: 'receive'; media: 'audio' | 'video'; mid: string };

/** The m-lines of the connection on which we offer: data first, then one per track ever published, ended ones stay inactive; between them those to receive on. */
export class OfferedSections {
  readonly #media: Entry[] = [];
  readonly #cname: string;

  constructor(cname: string) {
    this.#cname = cname;
  }

  add(section: PublishedSection): string {
    const mid = this.#nextMid();
    this.#media.push({ kind: 'send', section, mid, ended: false });
    return mid;
  }

  end(mid: string): void {
    const entry = this.#media.find((candidate) => candidate.mid === mid);
    if (entry?.kind === 'send') entry.ended = true;
  }

  /** One more m-line on which the server may send. False: there are enough for everybody. */
  addReceiving(media: 'audio' | 'video'): boolean {
    if (this.#media.length >= MAX_SECTIONS) return false;
    this.#media.push({ kind: 'receive', media, mid: this.#nextMid() });
    return true;
  }

  receives(mid: string): boolean {
    return this.#media.some((entry) => entry.kind === 'receive' && entry.mid === mid);
  }

  #nextMid(): string {
    return String(this.#media.length + 1);
  }

  sections(): Section[] {
    return [
      { kind: 'application', mid: '0' },
      ...this.#media.map((entry) => (entry.kind === 'send' ? this.#toSending(entry) : toReceiving(entry))),
    ];
  }

  #toSending({ section, mid, ended }: Extract<Entry, { kind: 'send' }>): MediaSection {
    const { kind, cid, ssrcs, rids, stereo } = section;
    const cname = this.#cname;
    return {
      kind,
      mid,
      direction: ended ? 'inactive' : 'sendonly',
      codecs: [kind === 'video' ? H264 : opus(stereo)],
      extensions: kind === 'video' ? VIDEO_EXTENSIONS : AUDIO_EXTENSIONS,
      ...(ended ? {} : { sent: { streamId: cname, trackId: cid, cname, ssrcs, rids } }),
    };
  }
}

function toReceiving({ media, mid }: Extract<Entry, { kind: 'receive' }>): MediaSection {
  return {
    kind: media,
    mid,
    direction: 'recvonly',
    codecs: media === 'video' ? [H264, VP8] : [opus(true)],
    extensions: AUDIO_EXTENSIONS,
  };
}

/** Throws a text for people when the server does not take the track. */
export function readAnswer(answer: Sdp, mid: string): AnsweredSection {
  const section = answer.media.find((candidate) => candidate.mid === mid);
  if (section === undefined || section.port === 0) throw new Error('the server rejected the track');
  const wanted = section.kind === 'video' ? 'h264' : 'opus';
  const codec = section.codecs.find((candidate) => candidate.name.toLowerCase() === wanted);
  if (codec === undefined) throw new Error(`the server does not accept ${wanted}`);
  const extensions = new Map(section.extensions.map(({ id, uri }) => [uri, id]));
  return { mid, payloadType: codec.payloadType, extensions };
}
