import { EventEmitter } from 'node:events';
import { type ParticipantInfo, type ParticipantPermission } from '@livekit/protocol';
import type { ReceivedTrack } from './receive/incoming_tracks.js';
import { OwnTracks } from './room/own_tracks.js';
import { RemoteParticipants, type ParticipantChange } from './room/remote_participants.js';
import { Stays } from './room/stays.js';
import { Subscriptions } from './room/subscriptions.js';
import { SentAudioTrack } from './send/local_audio_track.js';
import { SentVideoTrack } from './send/local_video_track.js';
import type { RoomSession } from './session/room_session.js';
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
  RoomEvents,
  RoomOptions,
  RoomStats,
} from './types.js';

/** Larger messages are no matter for a data channel of one packet after the other. */
const MAX_DATA_BYTES = 60_000;
const UNPUBLISHED_TIMEOUT_MS = 3_000;
const SEND_DATA_TIMEOUT_MS = 10_000;

/**
 * A LiveKit client at the protocol level. What is wanted (published tracks, subscriptions, qualities, attributes) lives here; a RoomSession is one stay
 * on the server that fulfils it. When a stay is lost, another takes its place (room/stays.ts) and the wants are replayed.
 */
export class LiveKitRoom extends EventEmitter<RoomEvents> implements Room {
  readonly #options: RoomOptions;
  readonly #participants = new RemoteParticipants();
  readonly #stays: Stays;
  readonly #subscriptions: Subscriptions;
  readonly #ownTracks: OwnTracks;
  #attributes: Record<string, string> = {};
  #permission: ParticipantPermission | undefined;
  #local = { sid: '', identity: '', roomName: '' };

  constructor(options: RoomOptions, transports: MediaTransportFactory = WeriftTransport) {
    super();
    this.#options = options;
    this.#stays = new Stays(options, transports, {
      adopted: (session) => this.#adopt(session),
      begin: ({ join }) => this.#tell(this.#participants.replace(join.otherParticipants, this.#local.identity)),
      dropped: () => this.#subscriptions.detachAll(),
      restore: (session) => this.#restore(session),
      reconnecting: (reason, detail) => this.emit('reconnecting', reason, detail),
      reconnected: () => {
        this.emit('reconnected');
        this.#ownTracks.requestKeyFrames();
      },
      ended: (cause, detail, told) => {
        this.#ownTracks.endAll();
        if (told) this.emit('ended', cause, detail);
      },
    });
    this.#subscriptions = new Subscriptions(this.#participants, () => this.#stays.session);
    this.#ownTracks = new OwnTracks(() => this.#stays.session);
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

  connect(): Promise<void> {
    return this.#stays.connect();
  }

  close(): Promise<void> {
    return this.#stays.close();
  }

  #adopt(session: RoomSession): void {
    const { participant, room } = session.join;
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
    session.on('own_track_ended', (sid) => this.#ownTracks.onEnded(sid));
    session.on('data', (message) => this.emit('data', message));
  }

  #onParticipants(infos: readonly ParticipantInfo[]): void {
    const own = infos.find((info) => info.sid === this.#local.sid);
    if (own !== undefined) {
      this.#ownTracks.onListed(new Set(own.tracks.map((track) => track.sid)));
      this.#stays.session?.onOwnState(own.attributes, own.tracks);
      this.#setPermission(own.permission ?? this.#permission);
    }
    this.#tell(this.#participants.update(infos, this.#local.identity));
  }

  #setPermission(permission: ParticipantPermission | undefined): void {
    const before = this.#permission?.canPublish ?? true;
    this.#permission = permission;
    const canPublish = permission?.canPublish ?? true;
    if (canPublish !== before) this.emit('permission_changed', canPublish);
  }

  #tell(changes: Iterable<ParticipantChange>): void {
    for (const change of changes) {
      if (this.#stays.isOver) return;
      // The media of an unpublished track ends before it is told that the track has gone.
      if (change.kind === 'track_unpublished') this.#subscriptions.take(change.publication.sid)?.end();
      if ('publication' in change) this.emit(change.kind, change.participant, change.publication);
      else this.emit(change.kind, change.participant);
      if (change.kind === 'track_published') this.#subscriptions.onPublished(change.publication.sid);
    }
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

  async #restore(session: RoomSession): Promise<void> {
    const { logger } = this.#options;
    this.#subscriptions.replay();
    const attempts = this.#ownTracks.republish(session);
    if (Object.keys(this.#attributes).length > 0) attempts.push(session.setAttributes(this.#attributes));
    for (const result of await Promise.allSettled(attempts)) {
      if (result.status === 'rejected') logger.warn({ error: String(result.reason) }, 'not restored after the rejoin');
    }
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
    // The server would leave such a request without an answer.
    if (this.#permission?.canPublish === false) throw new Error('the server does not let this participant publish');
    await this.#ownTracks.publish(track, () => this.#stays.whenConnected());
  }

  unpublish(track: LocalVideoTrack | LocalAudioTrack): Promise<void> {
    this.#ownTracks.unpublish(track);
    return Promise.resolve();
  }

  whenUnpublished(): Promise<void> {
    return this.#ownTracks.whenUnpublished(UNPUBLISHED_TIMEOUT_MS);
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
    await this.#stays.connected().setAttributes(attributes);
    this.#attributes = { ...this.#attributes, ...attributes };
  }

  async sendData(payload: Buffer, { topic, reliable }: { topic: string; reliable: boolean }): Promise<void> {
    if (payload.length > MAX_DATA_BYTES) throw new RangeError(`data messages have at most ${MAX_DATA_BYTES} bytes`);
    const session = this.#stays.connected();
    const packet = packUserData(payload, { topic, reliable }, this.#local);
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('the data channel did not open')), SEND_DATA_TIMEOUT_MS);
    });
    await Promise.race([session.sendData(packet, reliable), deadline]).finally(() => clearTimeout(timer));
  }

  stats(): RoomStats {
    return this.#stays.stats();
  }
}
