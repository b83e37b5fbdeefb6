import type { ReceivedTrack } from '../receive/incoming_tracks.js';
import type { RoomSession } from '../session/room_session.js';
import type { Publication, RemoteParticipants } from './remote_participants.js';

/** Tracks that the server sent and nobody has asked for yet. */
const MAX_EARLY = 64;

/** Which tracks are wanted, in which quality, and which of them have media. Lives over rejoins. */
export class Subscriptions {
  readonly #wanted = new Set<string>();
  readonly #qualities = new Map<string, 'high' | 'low'>();
  readonly #attached = new Map<string, { track: ReceivedTrack; publication: Publication }>();
  readonly #early = new Map<string, ReceivedTrack>();

  constructor(
    private readonly participants: RemoteParticipants,
    private readonly session: () => RoomSession | undefined,
  ) {}

  isWanted(trackSid: string): boolean {
    return this.#wanted.has(trackSid);
  }

  /** Gives the track when its media is there already: sent early, or still there after an unsubscription that this takes back. */
  subscribe(trackSid: string): ReceivedTrack | undefined {
    if (this.#wanted.has(trackSid)) return undefined;
    this.#wanted.add(trackSid);
    this.#ask(trackSid, true);
    const early = this.#early.get(trackSid);
    this.#early.delete(trackSid);
    return early ?? this.#attached.get(trackSid)?.track;
  }

  unsubscribe(trackSid: string): void {
    if (!this.#wanted.delete(trackSid)) return;
    this.#ask(trackSid, false);
  }

  /** A publication became known: it may have been wanted before. */
  onPublished(trackSid: string): void {
    if (this.#wanted.has(trackSid)) this.#ask(trackSid, true);
  }

  setQuality(trackSid: string, quality: 'high' | 'low'): void {
    this.#qualities.set(trackSid, quality);
    // Also before its media is there: LiveKit then begins with that layer.
    if (this.#wanted.has(trackSid)) this.session()?.setVideoQuality(trackSid, quality);
  }

  attach(track: ReceivedTrack, publication: Publication): void {
    this.#attached.set(track.sid, { track, publication });
    publication.track = track;
    const quality = this.#qualities.get(track.sid);
    if (quality !== undefined) this.session()?.setVideoQuality(track.sid, quality);
  }

  /** False when the track was not attached (any more). */
  detach(track: ReceivedTrack): boolean {
    this.#early.delete(track.sid);
    const attached = this.#attached.get(track.sid);
    if (attached?.track !== track) return false;
    this.#attached.delete(track.sid);
    attached.publication.track = undefined;
    return true;
  }

  /** For a track that is gone for good. */
  take(trackSid: string): ReceivedTrack | undefined {
    this.forget(trackSid);
    const attached = this.#attached.get(trackSid);
    if (attached === undefined) return undefined;
    this.detach(attached.track);
    return attached.track;
  }

  forget(trackSid: string): void {
    this.#wanted.delete(trackSid);
    this.#qualities.delete(trackSid);
    this.#early.delete(trackSid);
  }

  /** The session is gone and its tracks with it; what is wanted stays wanted. */
  detachAll(): void {
    for (const { track } of [...this.#attached.values()]) this.detach(track);
    this.#early.clear();
  }

  keepEarly(track: ReceivedTrack): void {
    if (this.#early.size < MAX_EARLY) this.#early.set(track.sid, track);
  }

  /** Asks a new session for everything wanted. */
  replay(): void {
    for (const trackSid of this.#wanted) this.#ask(trackSid, true);
  }

  #ask(trackSid: string, subscribe: boolean): void {
    const found = this.participants.findTrack(trackSid);
    if (found !== undefined) this.session()?.subscribe(found.participant.sid, trackSid, subscribe);
  }
}
