import { randomUUID } from 'node:crypto';
import {
  VideoQuality,
  type SubscribedQuality,
  type SubscribedQualityUpdate,
  UpdateLocalVideoTrack,
  type AddTrackRequest,
  type TrackInfo,
  type TrackPublishedResponse,
} from '@livekit/protocol';
import { ABS_SEND_TIME_URI, MID_URI, RID_URI, TRANSPORT_CC_URI } from '../../../webrtc/sdp/description.js';
import type { AnsweredSection, PublishedSection } from '../sdp/offered_sections.js';
import type { SendBinding } from '../send/outgoing_stream.js';
import { OutgoingStreams } from '../send/outgoing_streams.js';
import { Pacer } from '../send/pacer.js';
import type { SignalRequestMessage } from '../signal/signal_connection.js';
import { Deadlines } from './deadlines.js';
import type { Publisher } from './publisher.js';
import { addTrackRequest, type SentTrack } from './track_requests.js';

const PUBLISH_TIMEOUT_MS = 10_000;
/** Tracks whose wanted layers are remembered. */
const MAX_WANTED = 64;

interface Pending {
  request: AddTrackRequest;
  /** Undefined: the server has the track already, and tells its sid later. */
  resolve: (sid: string | undefined) => void;
  reject: (error: Error) => void;
  endDeadline: () => void;
}

/**
 * Publishes tracks on one session: asks the server, offers, and binds their streams to the connection. Where the connection is lost in the middle of it,
 * the request is repeated on the next one; the deadlines count only while there is one.
 */
export class OutgoingTracks {
  readonly #publisher: Publisher;
  readonly #streams: OutgoingStreams;
  readonly #send: (message: SignalRequestMessage) => void;
  readonly #pacer = new Pacer();
  readonly #deadlines = new Deadlines();
  readonly #pending = new Map<string, Pending>();
  /** The tracks of ours that the server told last, and who looks for one in them. */
  #listed: readonly TrackInfo[] = [];
  readonly #looking = new Set<() => void>();
  readonly #published = new Map<SentTrack, { sid: string; mid: string }>();
  readonly #wanted = new Map<string, ReadonlySet<'high' | 'low'>>();
  #isClosed = false;

  constructor(publisher: Publisher, cname: string, send: (message: SignalRequestMessage) => void) {
    this.#publisher = publisher;
    this.#streams = new OutgoingStreams(publisher.transport, cname);
    this.#send = send;
  }

  /** Resolves when the server has acknowledged the track and its packets can go. Bounded, but for the time in which the server cannot be reached. */
  async publish(track: SentTrack): Promise<void> {
    // The connection can come up while the server thinks about the track.
    this.#publisher.start();
    const cid = randomUUID();
    const acknowledged = await this.#announce(addTrackRequest(track, cid));
    const answered = await this.#deadlines.limit(
      this.#publisher.add(toSection(track, cid)),
      PUBLISH_TIMEOUT_MS,
      `no connection for the track in ${PUBLISH_TIMEOUT_MS} ms`,
    );
    const sid = acknowledged ?? (await this.#sidOf(cid));
    if (this.#isClosed) throw new Error('the connection is gone');
    this.#bind(track, answered);
    this.#published.set(track, { sid, mid: answered.mid });
    track.assignSid(sid);
    if (track.kind === 'video')
      track.onResized = (width, height) =>
        this.#send({ case: 'updateVideoTrack', value: new UpdateLocalVideoTrack({ trackSid: sid, width, height }) });
    // Who publishes listens for the wish only after this has resolved.
    setImmediate(() => this.#tellWanted(track));
  }

  #announce(request: AddTrackRequest): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      const endDeadline = this.#deadlines.begin(PUBLISH_TIMEOUT_MS, () =>
        this.#settle(request.cid)?.reject(new Error('the server did not acknowledge the track')),
      );
      this.#pending.set(request.cid, { request, resolve, reject, endDeadline });
      this.#send({ case: 'addTrack', value: request });
    });
  }

  /** The connection is lost: nothing is late until it is back. */
  pause(): void {
    this.#deadlines.pause();
  }

  /** There is a new connection: a request, or the answer to it, may have been lost with the old one. */
  repeat(): void {
    for (const { request } of this.#pending.values()) this.#send({ case: 'addTrack', value: request });
  }

  /** The connection is back as a whole. */
  goOn(): void {
    this.#deadlines.restart();
  }

  /** Of a track whose acknowledgement was lost: the server names it when it has its m-line. */
  #sidOf(cid: string): Promise<string> {
    let look: () => void = () => undefined;
    const found = new Promise<string>((resolve) => {
      look = () => {
        const track = this.#listed.find(({ codecs }) => codecs.some((codec) => codec.cid === cid));
        if (track !== undefined) resolve(track.sid);
      };
    });
    this.#looking.add(look);
    look();
    return this.#deadlines
      .limit(found, PUBLISH_TIMEOUT_MS, 'the server did not name the track')
      .finally(() => this.#looking.delete(look));
  }

  /** Of an update of our own: what the server has of us. */
  onListed(tracks: readonly TrackInfo[]): void {
    this.#listed = tracks;
    for (const look of [...this.#looking]) look();
  }

  #bind(track: SentTrack, { mid, payloadType, extensions }: AnsweredSection): void {
    const layers = track.kind === 'video' ? track.layers : [{ rid: '', stream: track.stream }];
    for (const { rid, stream } of layers) {
      const fixedExtensions = new Map<number, Buffer>();
      const midId = extensions.get(MID_URI);
      const ridId = extensions.get(RID_URI);
      // Without simulcast the offer names the SSRC; the header stays short.
      if (rid !== '' && midId !== undefined && ridId !== undefined) {
        fixedExtensions.set(midId, Buffer.from(mid, 'latin1'));
        fixedExtensions.set(ridId, Buffer.from(rid, 'latin1'));
      }
      const binding: SendBinding = {
        payloadType,
        fixedExtensions,
        absSendTimeId: extensions.get(ABS_SEND_TIME_URI),
        transportCcId: extensions.get(TRANSPORT_CC_URI),
        nextTransportSequence: this.#streams.nextTransportSequence,
        sendRtp: (packet) => this.#publisher.transport.sendRtp(packet),
        pacer: track.kind === 'video' ? this.#pacer : undefined,
      };
      this.#streams.add(stream);
      stream.bind(binding);
    }
  }

  /** Of the tracks that the server has acknowledged. */
  get publishedSids(): string[] {
    return [...this.#published.values()].map(({ sid }) => sid);
  }

  unpublish(track: SentTrack): void {
    const published = this.#published.get(track);
    if (published === undefined) return;
    this.#published.delete(track);
    this.#wanted.delete(published.sid);
    if (track.kind === 'video') track.onResized = undefined;
    for (const stream of track.streams) {
      stream.bind(undefined);
      this.#streams.remove(stream);
    }
    this.#publisher.remove(published.mid);
  }

  onPublished({ cid, track }: TrackPublishedResponse): void {
    this.#settle(cid)?.resolve(track?.sid ?? '');
  }

  /** LiveKit's answer to a request that it has had before. */
  onKnown(cid: string): void {
    this.#settle(cid)?.resolve(undefined);
  }

  onRefused(cid: string, message: string): void {
    this.#settle(cid)?.reject(new Error(message === '' ? 'the server refused the track' : message));
  }

  #settle(cid: string): Pending | undefined {
    const pending = this.#pending.get(cid);
    this.#pending.delete(cid);
    pending?.endDeadline();
    return pending;
  }

  /** Dynacast: a layer that nobody wants need not be encoded. */
  onSubscribedQualities({ trackSid, subscribedQualities, subscribedCodecs }: SubscribedQualityUpdate): void {
    const codec = subscribedCodecs.find((candidate) => candidate.codec.toLowerCase().includes('h264'));
    const wanted = toQualities(codec?.qualities ?? subscribedQualities);
    if (this.#wanted.size >= MAX_WANTED && !this.#wanted.has(trackSid)) return;
    this.#wanted.set(trackSid, wanted);
    for (const [track, { sid }] of this.#published) if (sid === trackSid) this.#tellWanted(track);
  }

  #tellWanted(track: SentTrack): void {
    const published = this.#published.get(track);
    const wanted = published === undefined ? undefined : this.#wanted.get(published.sid);
    if (wanted === undefined || track.kind !== 'video') return;
    const single = track.layers.length === 1 ? track.layers[0]?.quality : undefined;
    if (single !== undefined) track.emit('layers_wanted', new Set(wanted.size > 0 ? [single] : []));
    else track.emit('layers_wanted', wanted);
  }

  sendReports(): void {
    this.#streams.sendReports();
  }

  /** The tracks stay valid and can be published on another session. */
  close(): void {
    this.#isClosed = true;
    for (const cid of [...this.#pending.keys()]) this.#settle(cid)?.reject(new Error('the connection is gone'));
    this.#deadlines.close();
    for (const track of this.#published.keys()) {
      for (const stream of track.streams) stream.bind(undefined);
      if (track.kind === 'video') track.onResized = undefined;
    }
    this.#published.clear();
    this.#pacer.clear();
  }
}

function toSection(track: SentTrack, cid: string): PublishedSection {
  const ssrcs = track.streams.map((stream) => stream.ssrc);
  if (track.kind === 'audio') return { kind: 'audio', cid, ssrcs, rids: [], stereo: track.options.stereo };
  return { kind: 'video', cid, ssrcs, rids: track.layers.map((layer) => layer.rid), stereo: false };
}

/** We name our layers LOW and HIGH; a server that also knows MEDIUM means the high one by it. */
function toQualities(qualities: readonly SubscribedQuality[]): Set<'high' | 'low'> {
  const wanted = new Set<'high' | 'low'>();
  for (const { quality, enabled } of qualities) {
    if (!enabled || quality === VideoQuality.OFF) continue;
    wanted.add(quality === VideoQuality.LOW ? 'low' : 'high');
  }
  return wanted;
}
