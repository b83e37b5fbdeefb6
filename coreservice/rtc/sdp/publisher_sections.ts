import type { LocalSection } from './write_sdp.js';
import {
  EXTENSION_ABS_SEND_TIME,
  EXTENSION_MID,
  EXTENSION_RID,
  EXTENSION_TRANSPORT_CC,
  type Codec,
  type MediaSection,
  type SessionDescription,
} from './session_description.js';

/** Constrained baseline, level 3.1 with asymmetry: what every WebRTC endpoint decodes (RFC 7742 section 5). */
const H264: Codec = {
  payloadType: 96,
  name: 'H264',
  clockRate: 90_000,
  channels: 1,
  parameters: 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f',
  feedback: ['transport-cc', 'ccm fir', 'nack', 'nack pli'],
};

function opus(stereo: boolean): Codec {
  return {
    payloadType: 111,
    name: 'opus',
    clockRate: 48_000,
    channels: 2,
    parameters: `minptime=10;useinbandfec=1${stereo ? ';stereo=1;sprop-stereo=1' : ''}`,
    feedback: ['transport-cc', 'nack'],
  };
}

const VP8: Codec = {
  payloadType: 97,
  name: 'VP8',
  clockRate: 90_000,
  channels: 1,
  parameters: '',
  feedback: H264.feedback,
};

const AUDIO_EXTENSIONS = new Map([
  [1, EXTENSION_MID],
  [3, EXTENSION_ABS_SEND_TIME],
  [4, EXTENSION_TRANSPORT_CC],
]);
const VIDEO_EXTENSIONS = new Map([...AUDIO_EXTENSIONS, [2, EXTENSION_RID]]);

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
export class PublisherSections {
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

  toLocal(): LocalSection[] {
    return [
      { kind: 'application', mid: '0', direction: 'sendrecv', rejected: false, codecs: [], extensions: new Map() },
      ...this.#media.map((entry) => (entry.kind === 'send' ? this.#toSending(entry) : toReceiving(entry))),
    ];
  }

  #toSending({ section, mid, ended }: Extract<Entry, { kind: 'send' }>): LocalSection {
    const { kind, cid, ssrcs, rids, stereo } = section;
    return {
      kind,
      mid,
      direction: ended ? 'inactive' : 'sendonly',
      rejected: false,
      codecs: [kind === 'video' ? H264 : opus(stereo)],
      extensions: kind === 'video' ? VIDEO_EXTENSIONS : AUDIO_EXTENSIONS,
      ...(ended ? {} : { send: { msid: `${this.#cname} ${cid}`, cname: this.#cname, ssrcs, rids } }),
    };
  }
}

function toReceiving({ media, mid }: Extract<Entry, { kind: 'receive' }>): LocalSection {
  return {
    kind: media,
    mid,
    direction: 'recvonly',
    rejected: false,
    codecs: media === 'video' ? [H264, VP8] : [opus(true)],
    extensions: AUDIO_EXTENSIONS,
  };
}

/** Throws a text for people when the server does not take the track. */
export function readAnswer(answer: SessionDescription, mid: string): AnsweredSection {
  const section: MediaSection | undefined = answer.sections.find((candidate) => candidate.mid === mid);
  if (section === undefined || section.port === 0) throw new Error('the server rejected the track');
  const wanted = section.kind === 'video' ? 'h264' : 'opus';
  const codec = section.codecs.find((candidate) => candidate.name.toLowerCase() === wanted);
  if (codec === undefined) throw new Error(`the server does not accept ${wanted}`);
  const extensions = new Map([...section.extensions].map(([id, uri]) => [uri, id]));
  return { mid, payloadType: codec.payloadType, extensions };
}
