import { SubscriptionError, SubscriptionResponse, TrackSubscribed, VideoQuality } from '@livekit/protocol';
import type { UpdateTrackSettings } from '@livekit/protocol';
import type { DownTrack } from '../forward/down_track.js';
import type { TrackOutlet } from '../forward/participant_media.js';
import type { Participant } from './participant.js';
import type { Publication } from './publication.js';

interface Subscription {
  publisher: Participant;
  publication: Publication;
  down: DownTrack;
}

/** Which tracks of others a participant gets. */
export class Subscriptions {
  readonly #owner: Participant;
  readonly #connection: TrackOutlet;
  readonly #active = new Map<string, Subscription>();
  /** What the client asked for or declined by itself; everything else follows auto-subscribe. */
  readonly #wishes = new Map<string, boolean>();

  constructor(owner: Participant, connection: TrackOutlet) {
    this.#owner = owner;
    this.#connection = connection;
  }

  has(trackSid: string): boolean {
    return this.#active.has(trackSid);
  }

  /** A track of somebody else is there. */
  available(publisher: Participant, publication: Publication): void {
    if (this.#wishes.get(publication.sid) ?? this.#owner.autoSubscribe) this.#add(publisher, publication);
  }

  /** The client asks; found is undefined when there is no such track. */
  request(
    trackSid: string,
    subscribe: boolean,
    found: { publisher: Participant; publication: Publication } | undefined,
  ): void {
    if (!subscribe) {
      this.#wishes.set(trackSid, false);
      this.withdrawn(trackSid, true);
    } else if (found === undefined) {
      this.#respond(trackSid, SubscriptionError.SE_TRACK_NOTFOUND);
    } else {
      this.#wishes.set(trackSid, true);
      this.#add(found.publisher, found.publication);
    }
  }

  settings(update: UpdateTrackSettings): void {
    for (const sid of update.trackSids) {
      const down = this.#active.get(sid)?.down;
      if (down === undefined) continue;
      down.setPaused(update.disabled);
      down.setWanted({
        quality: update.quality === VideoQuality.OFF ? VideoQuality.LOW : update.quality,
        width: update.width,
        height: update.height,
      });
    }
  }

  /** The track ended, or is not wanted any more. */
  withdrawn(trackSid: string, keepWish = false): void {
    const subscription = this.#active.get(trackSid);
    if (!keepWish) this.#wishes.delete(trackSid);
    if (subscription === undefined) return;
    this.#active.delete(trackSid);
    this.#connection.removeTrack(subscription.down);
  }

  /** The connection gave the track up by itself. */
  dropped(trackSid: string): void {
    this.#active.delete(trackSid);
    this.#wishes.set(trackSid, false);
  }

  close(): void {
    this.#active.clear();
    this.#wishes.clear();
  }

  #add(publisher: Participant, publication: Publication): void {
    const { track } = publication;
    if (publication.unsupported) this.#respond(publication.sid, SubscriptionError.SE_CODEC_UNSUPPORTED);
    if (track === undefined || this.#active.has(publication.sid) || this.#owner.closed) return;
    if (!this.#owner.state.grants.canSubscribe) return;
    const down = this.#connection.addTrack(track, publisher.sid, publication.sid);
    if (down === undefined) {
      this.#respond(publication.sid, SubscriptionError.SE_UNKNOWN);
      return;
    }
    this.#active.set(publication.sid, { publisher, publication, down });
    publisher.link.send({ case: 'trackSubscribed', value: new TrackSubscribed({ trackSid: publication.sid }) });
  }

  #respond(trackSid: string, err: SubscriptionError): void {
    this.#owner.link.send({ case: 'subscriptionResponse', value: new SubscriptionResponse({ trackSid, err }) });
  }
}
