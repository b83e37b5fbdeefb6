import { randomInt } from 'node:crypto';
import { messageOf } from '../../common/errors.js';
import type { Logger } from '../../common/logger.js';
import type { MediaTransport, TransportState } from '../../webrtc/media_transport.js';
import { forwardable } from './codecs.js';
import { DataOutlet } from './data_outlet.js';
import type { DownTrack } from './down_track.js';
import { DownTracks } from './down_tracks.js';
import { parseSdp } from '../../webrtc/sdp/parse_sdp.js';
import { transportOf } from '../../webrtc/sdp/transport_of.js';
import { writeSdp } from '../../webrtc/sdp/write_sdp.js';
import { SubscriberSlots } from './subscriber_slots.js';
import { tellState } from './transports.js';
import { writtenSections } from './written_sections.js';
import type { UpTrack } from './up_track.js';

export interface SubscriberEvents {
  /** To be sent to the client; an answer is expected. */
  offer(sdp: string, id: number): void;
  /** The client cannot take the codec of this track. */
  refused(trackId: string): void;
  state(state: TransportState): void;
  /** The client does not answer, or not sensibly. */
  stuck(reason: string): void;
}

export interface SubscriberOptions {
  maxSlots: number;
  dataQueueBytes: number;
  answerMs: number;
}

const DATA_MID = '0';

/** The connection on which a client receives: we offer, the client answers. One m-line for data, one for each track. */
export class SubscriberConnection {
  readonly #transport: MediaTransport;
  readonly #events: SubscriberEvents;
  readonly #options: SubscriberOptions;
  readonly #logger: Logger;
  readonly #slots: SubscriberSlots;
  readonly #sessionId = String(randomInt(2 ** 40));
  readonly #tracks: DownTracks;
  readonly #data: DataOutlet;
  #offerId = 0;
  #opened = false;
  #closed = false;
  /** An offer is with the client. */
  #waiting = false;
  /** Something changed that no offer has told yet. */
  #changed = false;
  #scheduled: NodeJS.Immediate | undefined;
  #answerTimer: NodeJS.Timeout | undefined;

  constructor(transport: MediaTransport, events: SubscriberEvents, options: SubscriberOptions, logger: Logger) {
    this.#events = events;
    this.#options = options;
    this.#logger = logger;
    this.#slots = new SubscriberSlots(options.maxSlots);
    this.#transport = transport;
    this.#tracks = new DownTracks(transport);
    this.#data = new DataOutlet(options.dataQueueBytes, logger);
    tellState(this.#transport, events, logger);
  }

  /** Opens the transport and sends the first offer, with or without tracks. */
  async start(): Promise<void> {
    await this.#transport.gather();
    if (this.#closed) return;
    this.#data.reliable = this.#transport.createDataChannel('_reliable', { reliable: true, ordered: true });
    this.#data.lossy = this.#transport.createDataChannel('_lossy', { reliable: false, ordered: false });
    this.#opened = true;
    this.#offer();
  }

  /** A new offer with other ICE credentials: the client has lost its signalling connection, maybe by another way to us, and an offer or answer with it. */
  async restart(): Promise<void> {
    if (!this.#opened) return;
    clearTimeout(this.#answerTimer);
    this.#opened = false;
    this.#transport.restart();
    await this.#transport.gather();
    if (this.#closed) return;
    this.#opened = true;
    this.#offer();
  }

  /** undefined: no m-line is left. Media begins when the client has answered. */
  addTrack(source: UpTrack, participantSid: string, trackSid: string): DownTrack | undefined {
    if (this.#closed) return undefined;
    const down = this.#tracks.create(source, participantSid, trackSid);
    if (!this.#slots.take(down)) return undefined;
    this.#tracks.add(down);
    this.#needOffer();
    return down;
  }

  removeTrack(down: DownTrack): void {
    this.#tracks.remove(down);
    if (this.#slots.free(down)) this.#needOffer();
  }

  addCandidate(candidate: string): void {
    this.#transport.addRemoteCandidate(candidate);
  }

  /** Answers to older offers are ignored (id 0: the client does not echo ids). */
  setAnswer(text: string, id: number): void {
    if (!this.#waiting || (id !== 0 && id !== this.#offerId)) {
      this.#logger.debug({ id, offerId: this.#offerId }, 'an answer to no offer');
      return;
    }
    clearTimeout(this.#answerTimer);
    this.#waiting = false;
    try {
      this.#apply(text);
    } catch (error) {
      this.#events.stuck(`the answer cannot be used: ${messageOf(error)}`);
      return;
    }
    if (this.#changed) this.#needOffer();
  }

  /** False when the receiver is so slow that its queue is full; a lossy message is dropped then. */
  sendData(message: Buffer, reliable: boolean): boolean {
    return this.#data.send(message, reliable);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#answerTimer);
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
    this.#tracks.close();
    await this.#transport.close();
  }

  /** Several changes in one turn make one offer. */
  #needOffer(): void {
    this.#changed = true;
    if (!this.#opened || this.#waiting || this.#closed) return;
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined;
      if (this.#changed && !this.#waiting && !this.#closed) this.#offer();
    });
  }

  #offer(): void {
    this.#changed = false;
    this.#waiting = true;
    this.#offerId += 1;
    const sdp = writeSdp({
      sessionId: this.#sessionId,
      version: this.#offerId,
      setup: 'actpass',
      local: { ...this.#transport.local, candidates: this.#transport.localCandidates },
      sections: writtenSections([{ kind: 'application', mid: DATA_MID }, ...this.#slots.sections()]),
    });
    this.#slots.offered();
    this.#logger.debug({ id: this.#offerId, lines: this.#slots.summary() }, 'offer');
    this.#answerTimer = setTimeout(() => this.#events.stuck('no answer to an offer'), this.#options.answerMs);
    this.#events.offer(sdp, this.#offerId);
  }

  #apply(text: string): void {
    const answer = parseSdp(text);
    const { candidates, setup, ...remote } = transportOf(answer);
    this.#transport.connect({ ...remote, weOffered: true, dtlsRole: setup === 'passive' ? 'client' : 'server' });
    for (const candidate of candidates) this.#transport.addRemoteCandidate(candidate);
    for (const { down, mid } of this.#slots.answered()) {
      const media = answer.media.find((candidate) => candidate.mid === mid);
      const codec =
        media === undefined || media.port === 0 || media.kind !== down.source.kind
          ? undefined
          : forwardable(down.source.kind, media.codecs).find(({ name }) => name === down.source.codec.name);
      if (codec === undefined) {
        this.#logger.info({ track: down.trackId, codec: down.source.codec.name }, 'a client cannot receive a track');
        this.removeTrack(down);
        this.#events.refused(down.trackId);
      } else {
        down.accept(codec.payloadType);
      }
    }
    this.#tracks.startReady();
  }
}
