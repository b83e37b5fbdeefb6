import { randomInt } from 'node:crypto';
import type { Logger } from '../../common/logger.js';
import { chooseCodec, firstCodec, forwardable } from './codecs.js';
import type { CodecName, ForwardCodec } from './codecs.js';
import type { MediaTransport, TransportState } from '../../webrtc/media_transport.js';
import { parseSdp } from '../../webrtc/sdp/parse_sdp.js';
import { transportOf } from '../../webrtc/sdp/transport_of.js';
import { receives, sends, type Sdp, type SdpMedia } from '../../webrtc/sdp/description.js';
import { writeSdp } from '../../webrtc/sdp/write_sdp.js';
import type { Description, MediaSection } from '../../webrtc/sdp/write_sdp.js';
import { tellState } from './transports.js';
import { writtenSections } from './written_sections.js';
import { UplinkRouter } from './uplink_router.js';
import type { UpTrack } from './up_track.js';
import { usedExtensions } from './used_extensions.js';

/** What was announced by AddTrack and waits for, or has, its m-line. */
export interface Announcement {
  codec: CodecName | undefined;
  /** The m-line carries it now: make what receives it. Called again on renegotiation with the same m-line. */
  bind(media: { mid: string; codec: ForwardCodec; rids: readonly string[] }): UpTrack;
  /** The m-line has only codecs that cannot be forwarded; the first of them. */
  unsupported(media: { mid: string; codec: string }): void;
}

export interface PublisherEvents {
  /** Who announced the m-line's track? undefined: nobody, it is not received. */
  claim(media: { kind: 'audio' | 'video'; mid: string; trackId: string }): Announcement | undefined;
  /** These m-lines no longer send. */
  ended(mid: string): void;
  data(label: string, message: Buffer): void;
  state(state: TransportState): void;
}

/** What goes to the client on the same connection, when it is the only one. */
export interface Downlink {
  /** Before each answer: the m-lines on which the client would receive. */
  offered(lines: readonly SdpMedia[]): void;
  /** Our side of one of them. */
  section(media: SdpMedia): MediaSection;
}

/** The connection on which a client publishes, or does everything: the client offers, we answer. */
export class PublisherConnection {
  readonly #transport: MediaTransport;
  readonly #events: PublisherEvents;
  readonly #downlink: Downlink | undefined;
  readonly #router: UplinkRouter;
  readonly #sessionId = String(randomInt(2 ** 40));
  readonly #tracks = new Map<string, UpTrack>();
  /** m-lines of announced tracks that cannot be forwarded. */
  readonly #unsupported = new Set<string>();
  #version = 0;
  #work: Promise<unknown> = Promise.resolve();

  constructor(transport: MediaTransport, events: PublisherEvents, logger: Logger, downlink?: Downlink) {
    this.#events = events;
    this.#downlink = downlink;
    const router = new UplinkRouter((packet) => transport.sendRtcp(packet), logger);
    this.#transport = transport;
    this.#router = router;
    transport.on('rtp', (packet) => router.receive(packet));
    transport.on('rtcp', (packet) => router.receiveRtcp(packet));
    transport.on('data_channel', (channel) => channel.on('message', (message) => events.data(channel.label, message)));
    tellState(transport, events, logger);
  }

  get state(): TransportState {
    return this.#transport.state;
  }

  /** The answer to an offer. One after another, in the order of the calls. Rejects when the offer cannot be answered. */
  answer(offer: string): Promise<string> {
    const result = this.#work.then(() => this.#answer(offer));
    this.#work = result.catch(() => undefined);
    return result;
  }

  addCandidate(candidate: string): void {
    this.#transport.addRemoteCandidate(candidate);
  }

  stats(): { sentBytes: number; receivedBytes: number } {
    const { sentBytes, receivedBytes } = this.#transport;
    return { sentBytes, receivedBytes };
  }

  async close(): Promise<void> {
    this.#router.close();
    await this.#transport.close();
  }

  async #answer(offer: string): Promise<string> {
    const sdp = parseSdp(offer);
    const { candidates, setup: _theirs, ...remote } = transportOf(sdp);
    // Other credentials than before are an ICE restart (RFC 8839 section 4.4.3.1.1): the answer has other ones, too.
    const { remoteFragment } = this.#transport;
    if (remoteFragment !== undefined && remoteFragment !== remote.usernameFragment) this.#transport.restart();
    await this.#transport.gather();
    const claimed = sdp.media.map((media) => this.#claim(media));
    this.#endMissing(sdp);
    this.#downlink?.offered(sdp.media.filter((media, index) => claimed[index] === undefined && receivesMedia(media)));
    const sections = sdp.media.map((media, index) => claimed[index] ?? this.#section(media));
    this.#router.setExtensions(sdp.media.flatMap((media) => media.extensions));
    // We answer passive, so the offerer takes the active role, whatever it left open.
    this.#transport.connect({ ...remote, weOffered: false, dtlsRole: 'server' });
    for (const candidate of candidates) this.#transport.addRemoteCandidate(candidate);
    return writeSdp({
      sessionId: this.#sessionId,
      version: this.#version++,
      setup: 'passive',
      local: { ...this.#transport.local, candidates: this.#transport.localCandidates },
      sections: writtenSections(sections),
    });
  }

  /** The m-line of a track that the client announced. */
  #claim(media: SdpMedia): MediaSection | undefined {
    const { kind, mid } = media;
    if ((kind !== 'audio' && kind !== 'video') || media.port === 0 || !sends(media)) return undefined;
    const announcement = this.#events.claim({ kind, mid, trackId: media.trackId });
    if (announcement === undefined) return undefined;
    const codec = chooseCodec(kind, media.codecs, announcement.codec);
    if (codec === undefined) {
      this.#unsupported.add(mid);
      announcement.unsupported({ mid, codec: firstCodec(media.codecs)?.name ?? '' });
      return undefined;
    }
    this.#unsupported.delete(mid);
    const rids = media.simulcast.length > 0 ? media.simulcast : media.rids;
    const track = announcement.bind({ mid, codec, rids });
    this.#tracks.set(mid, track);
    this.#router.addTrack(mid, track, media.ssrcs);
    return { kind, mid, direction: 'recvonly', codecs: [codec], extensions: usedExtensions(media), receivedRids: rids };
  }

  #section(media: SdpMedia): Description['sections'][number] {
    const { kind, mid } = media;
    if (kind === 'application') return { kind, mid };
    if (kind === 'other') return { kind: 'refused', media: 'video', protocol: media.protocol, format: '0', mid };
    // Refusing an announced track's m-line would stop its transceiver, and the track would end for those who were told of it.
    const codec =
      forwardable(kind, media.codecs)[0] ?? (this.#unsupported.has(mid) ? firstCodec(media.codecs) : undefined);
    if (media.port === 0 || codec === undefined)
      return { kind, mid, direction: 'inactive', codecs: [], extensions: [] };
    if (this.#downlink !== undefined && receivesMedia(media)) return this.#downlink.section(media);
    return { kind, mid, direction: 'inactive', codecs: [codec], extensions: usedExtensions(media) };
  }

  #endMissing(sdp: Sdp): void {
    for (const mid of [...this.#tracks.keys(), ...this.#unsupported]) {
      const media = sdp.media.find((candidate) => candidate.mid === mid);
      if (media !== undefined && media.port !== 0 && sends(media)) continue;
      this.#unsupported.delete(mid);
      this.#tracks.delete(mid);
      this.#router.removeTrack(mid);
      this.#events.ended(mid);
    }
  }
}

function receivesMedia(media: SdpMedia): boolean {
  return (media.kind === 'audio' || media.kind === 'video') && media.port !== 0 && receives(media);
}
