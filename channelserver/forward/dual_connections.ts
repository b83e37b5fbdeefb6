import type { Logger } from '../../common/logger.js';
import type { DownTrack } from './down_track.js';
import type { ParticipantMedia, ParticipantMediaEvents, ParticipantMediaOptions } from './participant_media.js';
import { PublisherConnection } from './publisher_connection.js';
import { SubscriberConnection } from './subscriber_connection.js';
import type { TransportFactory } from './transports.js';
import type { UpTrack } from './up_track.js';

/** The path /rtc: on one connection the client offers and publishes, on the other one we offer and it receives. */
export class DualConnections implements ParticipantMedia {
  readonly #publisher: PublisherConnection;
  readonly #subscriber: SubscriberConnection;

  constructor(
    transports: TransportFactory,
    events: ParticipantMediaEvents,
    options: ParticipantMediaOptions,
    logger: Logger,
  ) {
    this.#publisher = new PublisherConnection(
      transports(),
      { ...events, state: (state) => events.state({ primary: false }, state) },
      logger,
    );
    this.#subscriber = new SubscriberConnection(
      transports(),
      { ...events, state: (state) => events.state({ primary: true }, state) },
      options,
      logger,
    );
  }

  start(): Promise<void> {
    return this.#subscriber.start();
  }

  async answer(sdp: string): Promise<{ sdp: string; midToTrackId: Record<string, string> }> {
    return { sdp: await this.#publisher.answer(sdp), midToTrackId: {} };
  }

  answerSent(): void {
    // Nothing waits for it.
  }

  suspended(): void {
    // What is said meanwhile waits on the link.
  }

  resumed(): Promise<void> {
    return this.#subscriber.restart();
  }

  setAnswer(sdp: string, id: number): void {
    this.#subscriber.setAnswer(sdp, id);
  }

  addCandidate(connection: 'publisher' | 'subscriber', candidate: string): void {
    (connection === 'publisher' ? this.#publisher : this.#subscriber).addCandidate(candidate);
  }

  addTrack(source: UpTrack, participantSid: string, trackSid: string): DownTrack | undefined {
    return this.#subscriber.addTrack(source, participantSid, trackSid);
  }

  removeTrack(down: DownTrack): void {
    this.#subscriber.removeTrack(down);
  }

  sendData(message: Buffer, reliable: boolean): boolean {
    return this.#subscriber.sendData(message, reliable);
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#publisher.close(), this.#subscriber.close()]);
  }
}
