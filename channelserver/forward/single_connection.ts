import type { Logger } from '../../common/logger.js';
import type { DataChannel, MediaTransport } from '../../webrtc/media_transport.js';
import { DataOutlet } from './data_outlet.js';
import type { DownTrack } from './down_track.js';
import { DownTracks } from './down_tracks.js';
import type { ParticipantMedia, ParticipantMediaEvents, ParticipantMediaOptions } from './participant_media.js';
import { PublisherConnection } from './publisher_connection.js';
import { ReceivingLines } from './receiving_lines.js';
import type { SdpMedia } from '../../webrtc/sdp/description.js';
import type { TransportFactory } from './transports.js';
import type { UpTrack } from './up_track.js';

/** For the offer of a client that is back; without one it is asked again. */
const RETURN_OFFER_MS = 3_000;

/**
 * The path /rtc/v1: one connection on which the client makes all offers. What it is sent goes on m-lines that it offered to receive on; when there are too
 * few, or when an answer would be another one now, it is asked for an offer. The data channels are the client's, for both directions.
 */
export class SingleConnection implements ParticipantMedia {
  readonly #events: ParticipantMediaEvents;
  readonly #options: ParticipantMediaOptions;
  readonly #logger: Logger;
  readonly #connection: PublisherConnection;
  readonly #lines: ReceivingLines;
  readonly #tracks: DownTracks;
  readonly #data: DataOutlet;
  #hasAnswered = false;
  #closed = false;
  /** Something changed that no answer has told yet. */
  #changed = false;
  /** The client was asked for an offer, or has made one that is not answered yet: it is not asked again before it has its answer. */
  #isNegotiating = false;
  /** The client is away, or back and has not offered yet. */
  #isReturning = false;
  #returnTimer: NodeJS.Timeout | undefined;
  #scheduled: NodeJS.Immediate | undefined;
  #offerTimer: NodeJS.Timeout | undefined;

  constructor(
    transports: TransportFactory,
    events: ParticipantMediaEvents,
    options: ParticipantMediaOptions,
    logger: Logger,
  ) {
    this.#events = events;
    this.#options = options;
    this.#logger = logger;
    this.#lines = new ReceivingLines(options.maxSlots);
    this.#data = new DataOutlet(options.dataQueueBytes, logger);
    const transport: MediaTransport = transports();
    this.#tracks = new DownTracks(transport);
    transport.on('data_channel', (channel) => this.#onDataChannel(channel));
    this.#connection = new PublisherConnection(
      transport,
      { ...events, state: (state) => events.state({ primary: true }, state) },
      logger,
      { offered: (lines) => this.#onOffer(lines), section: (media) => this.#lines.section(media) },
    );
  }

  async start(): Promise<void> {
    // The client begins.
  }

  async answer(offer: string): Promise<{ sdp: string; midToTrackId: Record<string, string> }> {
    clearTimeout(this.#offerTimer);
    clearTimeout(this.#returnTimer);
    this.#isReturning = false;
    this.#isNegotiating = true;
    try {
      return { sdp: await this.#connection.answer(offer), midToTrackId: this.#lines.trackIds() };
    } catch (error) {
      this.#isNegotiating = false;
      throw error;
    }
  }

  /** While the answer is made: what it will carry is settled here. */
  #onOffer(lines: readonly SdpMedia[]): void {
    this.#changed = false;
    for (const down of this.#lines.offered(lines)) {
      this.#logger.info({ track: down.trackId, codec: down.source.codec.name }, 'a client cannot receive a track');
      this.#tracks.remove(down);
      this.#events.refused(down.trackId);
    }
  }

  answerSent(): void {
    this.#hasAnswered = true;
    this.#isNegotiating = false;
    this.#lines.answered();
    this.#tracks.startReady();
    if (this.#changed || this.#lines.waiting > 0) this.#needOffer();
  }

  suspended(): void {
    this.#isReturning = true;
    clearTimeout(this.#offerTimer);
    clearTimeout(this.#returnTimer);
  }

  /**
   * The request may have been lost with the connection. Clients that are back offer by themselves, to restart ICE, and native ones lock up when they are asked
   * before they have the answer (see #ask): what is needed is asked for behind it.
   */
  resumed(): Promise<void> {
    this.suspended();
    if (this.#isNegotiating || this.#lines.waiting > 0) this.#changed = true;
    this.#isNegotiating = false;
    this.#returnTimer = setTimeout(() => {
      this.#isReturning = false;
      if (this.#changed) this.#needOffer();
    }, RETURN_OFFER_MS);
    return Promise.resolve();
  }

  setAnswer(): void {
    this.#logger.debug('an answer where we make no offers');
  }

  addCandidate(_connection: 'publisher' | 'subscriber', candidate: string): void {
    this.#connection.addCandidate(candidate);
  }

  addTrack(source: UpTrack, participantSid: string, trackSid: string): DownTrack | undefined {
    if (this.#closed) return undefined;
    const down = this.#tracks.create(source, participantSid, trackSid);
    if (!this.#lines.add(down)) return undefined;
    this.#tracks.add(down);
    this.#needOffer();
    return down;
  }

  removeTrack(down: DownTrack): void {
    this.#tracks.remove(down);
    if (this.#lines.remove(down)) this.#needOffer();
  }

  sendData(message: Buffer, reliable: boolean): boolean {
    return this.#data.send(message, reliable);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#offerTimer);
    clearTimeout(this.#returnTimer);
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
    this.#tracks.close();
    await this.#connection.close();
  }

  #onDataChannel(channel: DataChannel): void {
    if (channel.label === '_reliable') this.#data.reliable = channel;
    if (channel.label === '_lossy') this.#data.lossy = channel;
  }

  /** Several changes in one turn make one request. */
  #needOffer(): void {
    this.#changed = true;
    // The first offer comes by itself.
    if (!this.#hasAnswered || this.#closed) return;
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined;
      if (this.#changed && !this.#closed) this.#ask();
    });
  }

  /**
   * One at a time: what changes meanwhile is asked for when the answer is with the client. Native clients (rust-sdks before #1252, so @livekit/rtc-node 1.1.0)
   * that are asked while they wait for an answer lock up at that answer, and never offer again.
   */
  #ask(): void {
    if (this.#isNegotiating || this.#isReturning) return;
    this.#isNegotiating = true;
    const { audios, videos } = this.#lines.missing();
    this.#logger.debug({ audios, videos }, 'asks for an offer');
    this.#offerTimer = setTimeout(() => this.#events.stuck('no offer that was asked for'), this.#options.answerMs);
    this.#events.sectionsNeeded(audios, videos);
  }
}
