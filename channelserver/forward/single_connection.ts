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
  /** m-lines that the client was asked for since its last offer. */
  #asked: { audios: number; videos: number } | undefined;
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
    return { sdp: await this.#connection.answer(offer), midToTrackId: this.#lines.trackIds() };
  }

  /** While the answer is made: what it will carry is settled here. */
  #onOffer(lines: readonly SdpMedia[]): void {
    this.#asked = undefined;
    this.#changed = false;
    for (const down of this.#lines.offered(lines)) {
      this.#logger.info({ track: down.trackId, codec: down.source.codec.name }, 'a client cannot receive a track');
      this.#tracks.remove(down);
      this.#events.refused(down.trackId);
    }
  }

  answerSent(): void {
    this.#hasAnswered = true;
    this.#lines.answered();
    this.#tracks.startReady();
    if (this.#changed || this.#lines.waiting > 0) this.#needOffer();
  }

  resumed(): Promise<void> {
    // The request may have been lost with the connection.
    if (this.#asked !== undefined || this.#lines.waiting > 0) {
      this.#asked = undefined;
      this.#needOffer();
    }
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

  #ask(): void {
    const { audios, videos } = this.#lines.missing();
    const asked = this.#asked ?? { audios: 0, videos: 0 };
    const more = { audios: Math.max(0, audios - asked.audios), videos: Math.max(0, videos - asked.videos) };
    // An offer is on its way that will be answered with all of this.
    if (this.#asked !== undefined && more.audios + more.videos === 0) return;
    this.#asked = { audios: asked.audios + more.audios, videos: asked.videos + more.videos };
    this.#logger.debug(more, 'asks for an offer');
    clearTimeout(this.#offerTimer);
    this.#offerTimer = setTimeout(() => this.#events.stuck('no offer that was asked for'), this.#options.answerMs);
    this.#events.sectionsNeeded(more.audios, more.videos);
  }
}
