import type { RemoteParticipant, RoomEvents } from '../rtc/types.js';
import type { ChannelContext } from './channel_context.js';
import { RemoteUser } from './remote_user.js';
import { isVisible } from './visibility.js';

/**
 * Whom we see, and the callbacks about them in their order: online, tracks available, subscribe states; and back: subscribe states to Idle, offline. It says
 * nothing before open(), which tells those already there in the order of the room.
 */
export class Roster {
  readonly #users = new Map<string, RemoteUser>();
  readonly #listeners: (() => void)[] = [];

  constructor(
    private readonly context: ChannelContext,
    /** The last visible user has gone. */
    private readonly onEmpty: () => void,
    /** A user has become visible. */
    private readonly onSeen: () => void,
  ) {}

  get size(): number {
    return this.#users.size;
  }

  /** Whether anybody in the room is visible, before open() too. */
  anybody(): boolean {
    return [...this.context.room.participants.values()].some((one) => isVisible(one, this.context.profile));
  }

  open(): void {
    this.#on('participant_joined', (participant) => this.#review(participant));
    this.#on('participant_changed', (participant) => this.#review(participant));
    this.#on('participant_left', (participant) => this.#left(participant));
    this.#on('track_published', (participant) => this.#review(participant));
    this.#on('track_unpublished', (participant) => this.#review(participant));
    this.#on('track_muted', (participant) => this.#review(participant));
    this.#on('track_subscribed', (participant, publication, track) =>
      this.#users.get(participant.identity)?.subscribed(publication, track),
    );
    this.#on('track_unsubscribed', (participant, publication) =>
      this.#users.get(participant.identity)?.unsubscribed(publication),
    );
    this.#on('subscription_failed', (trackSid, reason) => {
      for (const user of this.#users.values()) if (user.subscriptionFailed(trackSid, reason)) return;
    });
    for (const participant of this.context.room.participants.values()) this.#review(participant);
  }

  get(uid: string): RemoteUser | undefined {
    return this.#users.get(uid);
  }

  [Symbol.iterator](): IterableIterator<RemoteUser> {
    return this.#users.values();
  }

  /** The subscriptions of everybody go back to Idle. Nobody went offline: we did. */
  close(): void {
    for (const remove of this.#listeners.splice(0)) remove();
    for (const user of this.#users.values()) user.close();
    this.#users.clear();
  }

  #on<E extends keyof RoomEvents>(event: E, listener: (...values: RoomEvents[E]) => void): void {
    // EventEmitter's own type of a listener is conditional on the map and not assignable from a generic one.
    const typed = listener as Parameters<typeof this.context.room.on<E>>[1];
    this.context.room.on(event, typed);
    this.#listeners.push(() => this.context.room.off(event, typed));
  }

  #review(participant: RemoteParticipant): void {
    const uid = participant.identity;
    if (uid === this.context.room.localIdentity) return;
    let user = this.#users.get(uid);
    if (!isVisible(participant, this.context.profile)) {
      if (user !== undefined) this.#gone(uid);
      return;
    }
    // The same user from elsewhere: the earlier one went, whether we heard of it or not.
    if (user !== undefined && user.participant.sid !== participant.sid) {
      this.#gone(uid);
      user = undefined;
    }
    if (user === undefined) {
      user = new RemoteUser(uid, participant, this.context);
      this.#users.set(uid, user);
      this.onSeen();
    }
    user.participant = participant;
    user.update();
  }

  #left(participant: RemoteParticipant): void {
    const user = this.#users.get(participant.identity);
    if (user?.participant.sid === participant.sid) this.#gone(participant.identity);
  }

  #gone(uid: string): void {
    const user = this.#users.get(uid);
    if (user === undefined) return;
    this.#users.delete(uid);
    user.close();
    this.context.outbox.event('REMOTE_USER_OFFLINE', { uid });
    if (this.#users.size === 0) this.onEmpty();
  }
}
