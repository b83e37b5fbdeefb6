import type { RoomSession } from '../session/room_session.js';
import type { SentTrack } from '../session/track_requests.js';

/** The tracks that we publish. They live over rejoins. */
export class OwnTracks {
  readonly #tracks = new Set<SentTrack>();
  readonly #session: () => RoomSession | undefined;

  constructor(session: () => RoomSession | undefined) {
    this.#session = session;
  }

  /** Resolves when the server has it and its packets can go. */
  async publish(session: RoomSession, track: SentTrack): Promise<void> {
    await session.publish(track);
    if (this.#session() !== session) throw new Error('the connection was lost while publishing');
    this.#tracks.add(track);
  }

  unpublish(track: unknown): void {
    const own = [...this.#tracks].find((candidate) => candidate === track);
    if (own !== undefined) this.#end(own);
  }

  /** The server ended it. */
  onEnded(sid: string): void {
    for (const track of [...this.#tracks]) if (track.sid === sid) this.#end(track);
  }

  #end(track: SentTrack): void {
    this.#tracks.delete(track);
    this.#session()?.unpublish(track);
    track.end();
  }

  /** Publishes all of them on a new session; one promise for each. */
  republish(session: RoomSession): Promise<void>[] {
    return [...this.#tracks].map(async (track) => {
      await session.publish(track);
      // It may have been unpublished meanwhile.
      if (!this.#tracks.has(track)) session.unpublish(track);
    });
  }

  requestKeyFrames(): void {
    for (const track of this.#tracks) if (track.kind === 'video') track.requestKeyFrames();
  }

  endAll(): void {
    for (const track of this.#tracks) track.end();
    this.#tracks.clear();
  }
}
