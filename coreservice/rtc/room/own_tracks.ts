import type { RoomSession } from '../session/room_session.js';
import type { SentTrack } from '../session/track_requests.js';

/** The tracks that we publish. They live over rejoins. */
export class OwnTracks {
  readonly #tracks = new Set<SentTrack>();
  readonly #session: () => RoomSession | undefined;
  /** Sids of tracks that have ended here, and of which the server may still tell others. */
  readonly #leaving = new Set<string>();
  readonly #waiting = new Set<() => void>();

  constructor(session: () => RoomSession | undefined) {
    this.#session = session;
  }

  /**
   * Resolves when the server has it and its packets can go. Where the stay ends meanwhile, the next one is asked; `next` resolves with that, or rejects
   * when there will be none.
   */
  async publish(track: SentTrack, next: () => Promise<RoomSession>): Promise<void> {
    for (;;) {
      const session = await next();
      try {
        await session.publish(track);
      } catch (error) {
        if (this.#session() === session) throw error;
        continue;
      }
      if (this.#session() !== session) continue;
      this.#tracks.add(track);
      return;
    }
  }

  unpublish(track: unknown): void {
    const own = [...this.#tracks].find((candidate) => candidate === track);
    if (own !== undefined) this.#end(own);
  }

  /** The server ended it. */
  onEnded(sid: string): void {
    this.#gone(sid);
    for (const track of [...this.#tracks]) if (track.sid === sid) this.#end(track);
  }

  /** The tracks of ours that the server has. */
  onListed(sids: ReadonlySet<string>): void {
    for (const sid of [...this.#leaving]) if (!sids.has(sid)) this.#gone(sid);
  }

  /** Resolves when the server has none of the tracks that were unpublished, or after that time. */
  whenUnpublished(timeoutMs: number): Promise<void> {
    if (this.#leaving.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      this.#waiting.add(wake);
    });
  }

  #gone(sid: string): void {
    this.#leaving.delete(sid);
    if (this.#leaving.size === 0) for (const wake of [...this.#waiting]) wake();
  }

  #end(track: SentTrack): void {
    this.#tracks.delete(track);
    this.#leaving.add(track.sid);
    this.#session()?.unpublish(track);
    track.end();
  }

  /** Publishes all of them on a new session; one promise for each. */
  republish(session: RoomSession): Promise<void>[] {
    // The server forgot them with the stay.
    for (const sid of [...this.#leaving]) this.#gone(sid);
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
    for (const sid of [...this.#leaving]) this.#gone(sid);
  }
}
