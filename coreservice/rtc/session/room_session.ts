import { EventEmitter } from 'node:events';
import {
  LeaveRequest_Action,
  ParticipantTracks,
  RequestResponse_Reason,
  SignalTarget,
  SubscriptionError,
  type TrickleRequest,
  UpdateParticipantMetadata,
  UpdateSubscription,
  UpdateTrackSettings,
  VideoQuality,
  type JoinResponse,
  type LeaveRequest,
  type RequestResponse,
  type TrackInfo,
  type DataPacket,
} from '@livekit/protocol';
import { RoomConnectError } from '../connect_error.js';
import type { Logger } from '../../../common/logger.js';
import { IncomingTracks } from '../receive/incoming_tracks.js';
import { readCandidate } from '../signal/connection_signal.js';
import { resumeQuery, type ResumeCause } from '../signal/join_request.js';
import type { SignalConnection, SignalMessage } from '../signal/signal_connection.js';
import type { DataMessage } from '../types.js';
import type { DataChannel, MediaTransport } from '../../../webrtc/media_transport.js';
import { addressesFor, joinServer, type JoinedServer, type JoinServerOptions } from './join_server.js';
import { OutgoingTracks } from './outgoing_tracks.js';
import type { Publisher } from './publisher.js';
import { RequestTable } from './request_table.js';
import { StalledTransports, syncState, type ResumeOptions } from './resume.js';
import type { SessionEvents } from './session_events.js';
import type { Subscriber } from './subscriber.js';
import type { SentTrack } from './track_requests.js';
import { readUserData } from './user_data.js';

export interface SessionOptions extends JoinServerOptions {
  logger: Logger;
}

const REPORT_INTERVAL_MS = 1000;
/** ICE checks after a restart, on slow networks. */
const MEDIA_BACK_MS = 5000;
const ATTRIBUTES_TIMEOUT_MS = 5000;
/** Messages waiting in a data channel beyond this mean that the network does not take them. */
const MAX_BUFFERED_DATA_BYTES = 4 * 1024 * 1024;

/**
 * One stay on a server, from a JoinResponse to its end: signalling and one peer connection, or two. After a loss it may be resumed, with all its tracks;
 * where that does not work the room starts another.
 */
export class RoomSession extends EventEmitter<SessionEvents> {
  readonly join: JoinResponse;
  readonly #signal: SignalConnection;
  readonly #logger: Logger;
  readonly #publisher: Publisher;
  readonly #subscriber: Subscriber | undefined;
  readonly #incoming: IncomingTracks;
  readonly #outgoing: OutgoingTracks;
  readonly #requests = new RequestTable();
  #reportTimer: NodeJS.Timeout | undefined;
  /** Tracks that were asked for, and whose they are. */
  readonly #subscribed = new Map<string, string>();
  readonly #stalled = new StalledTransports();
  #hadMedia = false;
  #isLost = false;
  #isBroken = false;
  #isOver = false;

  private constructor({ signal, publisher, subscriber }: JoinedServer, logger: Logger) {
    super();
    this.#signal = signal;
    this.#logger = logger;
    this.join = signal.join;
    this.#publisher = publisher;
    this.#subscriber = subscriber;
    this.#incoming = new IncomingTracks((subscriber ?? publisher).transport, publisher.cname);
    this.#outgoing = new OutgoingTracks(publisher, publisher.cname, (message) => signal.send(message));
  }

  /** Resolves right after the JoinResponse. Rejects with a RoomConnectError. */
  static async join(options: SessionOptions): Promise<RoomSession> {
    const joined = await joinServer(options);
    options.logger.debug({ connections: joined.subscriber === undefined ? 1 : 2 }, 'joined');
    return new RoomSession(joined, options.logger);
  }

  get #transports(): MediaTransport[] {
    return [this.#publisher, this.#subscriber].flatMap((connection) => connection?.transport ?? []);
  }

  /** From now on events come. */
  start(): void {
    for (const connection of [this.#publisher, this.#subscriber]) {
      if (connection === undefined) continue;
      connection.on('failed', (reason) => {
        this.#isBroken = true;
        this.#lose('media', reason);
      });
      this.#stalled.watch(connection.transport, () => this.#lose('media', 'the server is not heard any more'));
      connection.transport.once('connected', () => (this.#hadMedia = true));
      connection.transport.on('data_channel', (channel) => this.#listenTo(channel));
    }
    if (this.#subscriber === undefined) {
      this.#publisher.on('sections', (sections) => this.#incoming.onSections(sections));
      for (const channel of this.#publisher.channels) this.#listenTo(channel);
    } else this.#subscriber.on('sections', (sections) => this.#incoming.onSections(sections));
    this.#incoming.on('added', (track) => this.emit('track_added', track));
    this.#incoming.on('removed', (track) => this.emit('track_removed', track));
    this.#reportTimer = setInterval(() => {
      this.#outgoing.sendReports();
      this.#incoming.sendReports();
    }, REPORT_INTERVAL_MS);
    // The answer to the join request's offer may be here already.
    if (this.#subscriber === undefined) this.#publisher.gather();
    this.#signal.on('message', (message) => this.#onMessage(message));
    this.#signal.on('closed', (reason) => this.#lose('signal', reason));
    this.#signal.start();
    // Servers that want it say so: the first track then need not wait for ICE and DTLS.
    if (this.#subscriber !== undefined && (this.join.fastPublish || !this.join.subscriberPrimary))
      this.#publisher.start();
  }

  #listenTo(channel: DataChannel): void {
    const reliable = channel.label === '_reliable';
    channel.on('message', (data) => this.#onData(data, reliable));
  }

  #onMessage(message: SignalMessage): void {
    switch (message.case) {
      case 'offer':
        this.#subscriber?.onOffer(message.value.sdp, message.value.id);
        break;
      case 'answer':
        this.#publisher.onAnswer(message.value.sdp, message.value.id, message.value.midToTrackId);
        break;
      case 'mediaSectionsRequirement':
        this.#publisher.addReceiving(message.value.numAudios, message.value.numVideos);
        break;
      case 'trickle':
        this.#onTrickle(message.value);
        break;
      case 'update':
        this.emit('participants', message.value.participants);
        break;
      case 'trackPublished':
        this.#outgoing.onPublished(message.value);
        break;
      case 'trackUnpublished':
        this.emit('own_track_ended', message.value.trackSid);
        break;
      case 'subscribedQualityUpdate':
        this.#outgoing.onSubscribedQualities(message.value);
        break;
      case 'subscriptionResponse':
        if (message.value.err !== SubscriptionError.SE_UNKNOWN)
          this.emit('subscription_failed', message.value.trackSid, SubscriptionError[message.value.err]);
        break;
      case 'subscriptionPermissionUpdate':
        if (!message.value.allowed)
          this.emit('subscription_failed', message.value.trackSid, 'not allowed by its publisher');
        break;
      case 'requestResponse':
        this.#onRequestResponse(message.value);
        break;
      case 'refreshToken':
        this.emit('token', message.value);
        break;
      case 'leave':
        this.#onLeave(message.value);
        break;
      default:
        // Speakers, connection quality, stream states, room updates: nothing here depends on them.
        this.#logger.trace({ message: message.case }, 'signal message passed over');
    }
  }

  #onRequestResponse(response: RequestResponse): void {
    const { request, reason, message } = response;
    if (request.case !== 'addTrack' || reason === RequestResponse_Reason.OK) this.#requests.onResponse(response);
    else if (reason === RequestResponse_Reason.QUEUED) this.#outgoing.onKnown(request.value.cid);
    else this.#outgoing.onRefused(request.value.cid, message);
  }

  #onTrickle({ candidateInit, target }: TrickleRequest): void {
    const candidate = readCandidate(candidateInit);
    if (candidate === undefined) return;
    const side = target === SignalTarget.PUBLISHER ? this.#publisher : (this.#subscriber ?? this.#publisher);
    side.transport.addRemoteCandidate(candidate);
  }

  #onLeave(request: LeaveRequest): void {
    if (this.#isOver) return;
    if (request.action === LeaveRequest_Action.RESUME) {
      this.#lose('signal', 'the server asks to resume');
      return;
    }
    this.#isOver = true;
    this.emit('left', request);
  }

  #lose(reason: 'signal' | 'media', detail: string): void {
    if (this.#isOver || this.#isLost) return;
    this.#isLost = true;
    this.#outgoing.pause();
    this.emit('lost', reason, detail);
  }

  /** Media has been there at least once. */
  get hadMedia(): boolean {
    return this.#hadMedia;
  }

  /** False when only a new stay helps. */
  get canResume(): boolean {
    return !this.#isOver && !this.#isBroken;
  }

  /** True while media is not known to be lost: then there is time to wait for the server. */
  get hasMedia(): boolean {
    return this.canResume && !this.#stalled.any;
  }

  /**
   * Takes the stay up again after "lost": a new WebSocket, and ICE restarts; the tracks stay. Resolves when signalling is back; whenMediaIsBack() has to
   * follow. Rejects with a RoomConnectError.
   */
  async resume({ url, token, timeoutMs }: ResumeOptions, cause: ResumeCause): Promise<void> {
    const single = this.#subscriber === undefined;
    const path = single ? '/rtc/v1' : '/rtc';
    const query = resumeQuery(this.join.participant?.sid ?? '', cause, single);
    await this.#signal.reopen({ url, path, query, token, timeoutMs }, ({ iceServers }) => {
      const addresses = addressesFor(this.#signal);
      if (iceServers.length > 0) for (const one of this.#transports) one.configure({ iceServers, addresses });
      return syncState(this.#subscribed, this.#outgoing.publishedSids);
    });
    this.#outgoing.repeat();
    // The server restarts the subscriber connection by an offer of its own.
    this.#publisher.restart();
  }

  /** Resolves when the server is heard on every connection; the stay goes on with it. Rejects with a RoomConnectError, after 5 s at the latest. */
  async whenMediaIsBack(): Promise<void> {
    await this.#stalled.whenNone(MEDIA_BACK_MS);
    if (!this.canResume) throw new RoomConnectError('server', 'media was lost while resuming');
    this.#isLost = false;
    this.#outgoing.goOn();
  }

  #onData(data: Buffer, reliable: boolean): void {
    let message: DataMessage | undefined;
    try {
      message = readUserData(data, reliable);
    } catch {
      this.#logger.debug('a data message that is no DataPacket');
    }
    if (message !== undefined) this.emit('data', message);
  }

  publish(track: SentTrack): Promise<void> {
    return this.#outgoing.publish(track);
  }

  unpublish(track: SentTrack): void {
    this.#outgoing.unpublish(track);
  }

  subscribe(participantSid: string, trackSid: string, subscribe: boolean): void {
    if (subscribe) this.#subscribed.set(trackSid, participantSid);
    else this.#subscribed.delete(trackSid);
    this.#signal.send({
      case: 'subscription',
      value: new UpdateSubscription({
        trackSids: [trackSid],
        subscribe,
        participantTracks: [new ParticipantTracks({ participantSid, trackSids: [trackSid] })],
      }),
    });
  }

  setVideoQuality(trackSid: string, quality: 'high' | 'low'): void {
    this.#signal.send({
      case: 'trackSetting',
      value: new UpdateTrackSettings({
        trackSids: [trackSid],
        quality: quality === 'high' ? VideoQuality.HIGH : VideoQuality.LOW,
      }),
    });
  }

  /** Rejects when the server refuses or does not answer in 5 s. */
  setAttributes(attributes: Record<string, string>): Promise<void> {
    return this.#requests.request(ATTRIBUTES_TIMEOUT_MS, attributes, (requestId) =>
      this.#signal.send({
        case: 'updateMetadata',
        value: new UpdateParticipantMetadata({ attributes, requestId }),
      }),
    );
  }

  /** What the server says of ourselves. It shows what was asked for: servers that answer no requests confirm by it. */
  onOwnState(attributes: Readonly<Record<string, string>>, tracks: readonly TrackInfo[]): void {
    this.#requests.confirm(attributes);
    this.#outgoing.onListed(tracks);
  }

  async sendData(packet: DataPacket, reliable: boolean): Promise<void> {
    const channel = await this.#publisher.channel(reliable);
    if (channel.bufferedBytes > MAX_BUFFERED_DATA_BYTES) throw new Error('the data channel is full');
    channel.send(Buffer.from(packet.toBinary()));
  }

  stats(): { roundTripMs: number; sentBytes: number; receivedBytes: number } {
    const transports = this.#transports;
    const roundTrips = transports.map((transport) => transport.roundTripMs).filter((value) => value > 0);
    return {
      roundTripMs: roundTrips.length > 0 ? Math.min(...roundTrips) : this.#signal.roundTripMs,
      sentBytes: transports.reduce((sum, transport) => sum + transport.sentBytes, 0),
      receivedBytes: transports.reduce((sum, transport) => sum + transport.receivedBytes, 0),
    };
  }

  /** Bounded by about a second. */
  async close(sayLeave: boolean): Promise<void> {
    this.#isOver = true;
    clearInterval(this.#reportTimer);
    this.#requests.close();
    this.#outgoing.close();
    this.#incoming.close();
    this.removeAllListeners();
    if (sayLeave) this.#signal.sendLeave();
    await Promise.all([this.#signal.close(500), this.#publisher.close(), this.#subscriber?.close()]);
  }
}
