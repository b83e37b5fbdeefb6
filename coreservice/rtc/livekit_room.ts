import { EventEmitter } from 'node:events';
import { type ParticipantInfo, type ParticipantPermission } from '@livekit/protocol';
import type { ReceivedTrack } from './receive/incoming_tracks.js';
import { RemoteParticipants, type ParticipantChange } from './room/remote_participants.js';
import { Rejoiner } from './room/rejoiner.js';
import { Subscriptions } from './room/subscriptions.js';
import { endCauseOf, mayComeBack } from './room/leave_reasons.js';
import { SentAudioTrack } from './send/local_audio_track.js';
import { SentVideoTrack } from './send/local_video_track.js';
import { RoomSession } from './session/room_session.js';
import type { SentTrack } from './session/track_requests.js';
import { packUserData } from './session/user_data.js';
import type { MediaTransportFactory } from '../../webrtc/media_transport.js';
import { WeriftTransport } from '../../webrtc/werift_transport.js';
import type {
  LocalAudioTrack,
  LocalVideoTrack,
  PublishAudioOptions,
  PublishVideoOptions,
  RemoteParticipant,
  Room,
  RoomEndCause,
  RoomEvents,
  RoomOptions,
  RoomStats,
} from './types.js';

/** Larger messages are no matter for a data channel of one packet after the other. */
const MAX_DATA_BYTES = 60_000;
const SEND_DATA_TIMEOUT_MS = 10_000;

/**
 * A LiveKit client at the protocol level. What is wanted (published tracks, subscriptions, qualities, attributes) lives here; a RoomSession is one stay
 * on the server that fulfils it. When a stay is lost, another takes its place and the wants are replayed.
 */
export class LiveKitRoom extends EventEmitter<RoomEvents> implements Room {
  readonly #options: RoomOptions;
  readonly #transports: MediaTransportFactory;
  readonly #participants = new RemoteParticipants();
  readonly #subscriptions: Subscriptions;
  readonly #published = new Set<SentTrack>();
  readonly #rejoiner: Rejoiner;
  #session: RoomSession | undefined;
  #token: string;
  #attributes: Record<string, string> = {};
  #permission: ParticipantPermission | undefined;
  #state: 'new' | 'connecting' | 'connected' | 'reconnecting' | 'ended' = 'new';
  #closing: Promise<void> | undefined;
  /** What a reconnection in vain ends as. */
  #lossCause: RoomEndCause = 'connection_lost';
  #released: Promise<void> = Promise.resolve();
  #local = { sid: '', identity: '', roomName: '' };
  #lostBytes = { sentBytes: 0, receivedBytes: 0 };

  constructor(options: RoomOptions, transports: MediaTransportFactory = WeriftTransport) {
    super();
    this.#options = options;
    this.#transports = transports;
    this.#token = options.token;
    this.#subscriptions = new Subscriptions(this.#participants, () => this.#session);
    this.#rejoiner = new Rejoiner({
      limitMs: options.reconnectLimitMs,
      attempt: (timeoutMs) => this.#rejoin(timeoutMs),
      giveUp: (detail) => void this.#end(this.#lossCause, detail, false),
    });
  }

  get localSid(): string {
    return this.#local.sid;
  }
  get localIdentity(): string {
    return this.#local.identity;
  }
  get roomName(): string {
    return this.#local.roomName;
  }
  get participants(): ReadonlyMap<string, RemoteParticipant> {
    return this.#participants.byIdentity;
  }
  /** What the server lets us do, by its last word; undefined when it says nothing of it. */
  get permission(): ParticipantPermission | undefined {
    return this.#permission;
  }

  async connect(): Promise<void> {
    if (this.#state !== 'new') throw new Error('connect() works once');
    this.#state = 'connecting';
    try {
      const session = await this.#joinSession(this.#options.connectTimeoutMs);
      if (this.#closing !== undefined) {
        await session.close(true);
        throw new Error('closed while connecting');
      }
      this.#state = 'connected';
      this.#adopt(session);
    } catch (error) {
      this.#state = 'ended';
      throw error;
    }
  }

  #joinSession(timeoutMs: number): Promise<RoomSession> {
    const { url, logger } = this.#options;
    return RoomSession.join({
      url,
      token: this.#token,
      connectTimeoutMs: timeoutMs,
      logger,
      transports: this.#transports,
    });
  }

  /** Takes over a fresh session: first who is there, then its events. */
  #adopt(session: RoomSession, then: () => void = () => undefined): void {
    const { participant, room, otherParticipants } = session.join;
    this.#session = session;
    this.#local = {
      sid: participant?.sid ?? '',
      identity: participant?.identity ?? '',
      roomName: room?.name ?? '',
    };
    this.#permission = participant?.permission ?? this.#permission;
    session.on('participants', (infos) => this.#onParticipants(infos));
    session.on('track_added', (track) => this.#onTrackAdded(track));
    session.on('track_removed', (track) => this.#onTrackRemoved(track));
    session.on('subscription_failed', (sid, reason) => this.#onSubscriptionFailed(sid, reason));
    session.on('own_track_ended', (sid) => this.#onOwnTrackEnded(sid));
    session.on('data', (message) => this.emit('data', message));
    session.on('token', (token) => (this.#token = token));
    session.on('lost', (reason, detail) => this.#onLost(session, reason, detail));
    session.on('left', (request) => {
      const { cause, detail } = endCauseOf(request);
      if (mayComeBack(request)) this.#onLost(session, 'signal', detail, cause);
      else void this.#end(cause, detail, false);
    });
    // Who was there is told behind connect()'s own resolution and what its caller does with it.
    setImmediate(() => {
      if (this.#session !== session) return;
      this.#tell(this.#participants.replace(otherParticipants, this.#local.identity));
      session.start();
      then();
    });
  }

  #onParticipants(infos: readonly ParticipantInfo[]): void {
    const own = infos.find((info) => info.sid === this.#local.sid);
    if (own !== undefined) {
      this.#permission = own.permission ?? this.#permission;
      this.#session?.confirmAttributes(own.attributes);
    }
    this.#tell(this.#participants.update(infos, this.#local.identity));
  }

  #tell(changes: readonly ParticipantChange[]): void {
    for (const change of changes) {
      if (this.#state === 'ended') return;
      if (change.kind === 'track_unpublished') this.#onUnpublished(change.publication.sid);
      if ('publication' in change) this.emit(change.kind, change.participant, change.publication);
      else this.emit(change.kind, change.participant);
      if (change.kind === 'track_published') this.#subscriptions.onPublished(change.publication.sid);
    }
  }

  /** The media of an unpublished track ends before it is told that the track has gone. */
  #onUnpublished(trackSid: string): void {
    const track = this.#subscriptions.take(trackSid);
    if (track === undefined) return;
    track.end();
  }

  #onTrackAdded(track: ReceivedTrack): void {
    const found = this.#participants.findTrack(track.sid);
    // An offer can be ahead of the update that tells of the track, and late after an unsubscription.
    if (found === undefined || !this.#subscriptions.isWanted(track.sid)) {
      this.#subscriptions.keepEarly(track);
      return;
    }
    this.#subscriptions.attach(track, found.publication);
    this.emit('track_subscribed', found.participant, found.publication, track);
  }

  #onTrackRemoved(track: ReceivedTrack): void {
    const found = this.#participants.findTrack(track.sid);
    if (this.#subscriptions.detach(track) && found !== undefined)
      this.emit('track_unsubscribed', found.participant, found.publication);
  }

  #onSubscriptionFailed(trackSid: string, reason: string): void {
    if (!this.#subscriptions.isWanted(trackSid)) return;
    this.#subscriptions.forget(trackSid);
    this.emit('subscription_failed', trackSid, reason);
  }

  #onOwnTrackEnded(sid: string): void {
    for (const track of [...this.#published]) {
      if (track.sid !== sid) continue;
      this.#published.delete(track);
      this.#session?.unpublish(track);
      track.end();
    }
  }

  #onLost(
    session: RoomSession,
    reason: 'signal' | 'media',
    detail: string,
    cause: RoomEndCause = 'connection_lost',
  ): void {
    if (this.#session !== session || this.#state !== 'connected') return;
    this.#lossCause = cause;
    this.#options.logger.warn({ reason, detail }, 'connection lost');
    this.#state = 'reconnecting';
    this.#drop(false);
    this.emit('reconnecting', reason);
    if (this.#closing === undefined) this.#rejoiner.start(detail);
  }

  /** Lets go of the session; its end goes on behind, and close() waits for it. */
  #drop(sayLeave: boolean): void {
    const session = this.#session;
    if (session === undefined) return;
    this.#session = undefined;
    const { sentBytes, receivedBytes } = session.stats();
    this.#lostBytes.sentBytes += sentBytes;
    this.#lostBytes.receivedBytes += receivedBytes;
    this.#subscriptions.detachAll();
    this.#released = Promise.all([this.#released, session.close(sayLeave)]).then(() => undefined);
  }

  /** One attempt to come back; rejects when another makes sense. */
  async #rejoin(timeoutMs: number): Promise<void> {
    const session = await this.#joinSession(Math.min(timeoutMs, this.#options.connectTimeoutMs));
    if (this.#state !== 'reconnecting' || this.#closing !== undefined) {
      await session.close(true);
      return;
    }
    this.#state = 'connected';
    this.#adopt(session, () => void this.#restore(session));
  }

  /** Replays what is wanted on a new session, then tells that all is as before. */
  async #restore(session: RoomSession): Promise<void> {
    const { logger } = this.#options;
    this.#subscriptions.replay();
    const attempts = [...this.#published].map((track) => this.#republish(session, track));
    if (Object.keys(this.#attributes).length > 0) attempts.push(session.setAttributes(this.#attributes));
    for (const result of await Promise.allSettled(attempts)) {
      if (result.status === 'rejected') logger.warn({ error: String(result.reason) }, 'not restored after the rejoin');
    }
    if (this.#session !== session || this.#state !== 'connected') return;
    this.emit('reconnected');
    for (const track of this.#published) if (track.kind === 'video') track.requestKeyFrames();
  }

  async #republish(session: RoomSession, track: SentTrack): Promise<void> {
    await session.publish(track);
    // It may have been unpublished meanwhile.
    if (!this.#published.has(track)) session.unpublish(track);
  }

  close(): Promise<void> {
    this.#closing ??= this.#end('left', '', true);
    return this.#closing;
  }

  async #end(cause: RoomEndCause, detail: string, sayLeave: boolean): Promise<void> {
    const wasOver = this.#state === 'ended' || this.#state === 'new';
    const hadJoined = this.#local.sid !== '';
    this.#rejoiner.close();
    if (this.#state !== 'connecting') this.#state = 'ended';
    this.#drop(sayLeave);
    for (const track of this.#published) track.end();
    this.#published.clear();
    if (!wasOver && hadJoined) this.emit('ended', cause, detail);
    await this.#released;
  }

  #connectedSession(): RoomSession {
    if (this.#session === undefined) throw new Error('the room is not connected');
    return this.#session;
  }

  async publishVideo(options: PublishVideoOptions): Promise<LocalVideoTrack> {
    if (options.layers.length === 0) throw new RangeError('a video track has at least one layer');
    const track = new SentVideoTrack(options);
    await this.#publish(track);
    return track;
  }

  async publishAudio(options: PublishAudioOptions): Promise<LocalAudioTrack> {
    const track = new SentAudioTrack(options);
    await this.#publish(track);
    return track;
  }

  async #publish(track: SentTrack): Promise<void> {
    const session = this.#connectedSession();
    // The server would leave such a request without an answer.
    if (this.#permission?.canPublish === false) throw new Error('the server does not let this participant publish');
    await session.publish(track);
    if (this.#session !== session) throw new Error('the connection was lost while publishing');
    this.#published.add(track);
  }

  unpublish(track: LocalVideoTrack | LocalAudioTrack): Promise<void> {
    const own = [...this.#published].find((candidate) => candidate === track);
    if (own !== undefined) {
      this.#published.delete(own);
      this.#session?.unpublish(own);
      own.end();
    }
    return Promise.resolve();
  }

  subscribe(trackSid: string): void {
    // A server says nothing to who may not subscribe: it would be waited for without end.
    if (this.#permission?.canSubscribe === false)
      queueMicrotask(() =>
        this.emit('subscription_failed', trackSid, 'the server does not let this participant subscribe'),
      );
    const present = this.#subscriptions.subscribe(trackSid);
    if (present !== undefined) this.#onTrackAdded(present);
  }

  unsubscribe(trackSid: string): void {
    this.#subscriptions.unsubscribe(trackSid);
  }

  setVideoQuality(trackSid: string, quality: 'high' | 'low'): void {
    this.#subscriptions.setQuality(trackSid, quality);
  }

  async setAttributes(attributes: Record<string, string>): Promise<void> {
    await this.#connectedSession().setAttributes(attributes);
    this.#attributes = { ...this.#attributes, ...attributes };
  }

  async sendData(payload: Buffer, { topic, reliable }: { topic: string; reliable: boolean }): Promise<void> {
    if (payload.length > MAX_DATA_BYTES) throw new RangeError(`data messages have at most ${MAX_DATA_BYTES} bytes`);
    const session = this.#connectedSession();
    const packet = packUserData(payload, { topic, reliable }, this.#local);
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('the data channel did not open')), SEND_DATA_TIMEOUT_MS);
    });
    await Promise.race([session.sendData(packet, reliable), deadline]).finally(() => clearTimeout(timer));
  }

  stats(): RoomStats {
    const now = this.#session?.stats() ?? { roundTripMs: 0, sentBytes: 0, receivedBytes: 0 };
    return {
      roundTripMs: now.roundTripMs,
      sentBytes: this.#lostBytes.sentBytes + now.sentBytes,
      receivedBytes: this.#lostBytes.receivedBytes + now.receivedBytes,
    };
  }
}
