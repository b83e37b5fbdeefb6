/** Numbers frames from 1 for each kind, user and track. It counts what was made, so that gaps at the host are what was dropped. */
export class FrameCounters {
  readonly #next = new Map<string, number>();

  next(kind: string, uid = '', track = 0): number {
    return this.skip(kind, 1, uid, track);
  }

  /** Counts frames that were dropped without a number of their own. */
  skip(kind: string, count: number, uid = '', track = 0): number {
    const key = `${kind} ${uid} ${track}`;
    const sequence = (this.#next.get(key) ?? 0) + count;
    this.#next.set(key, sequence);
    return sequence;
  }
}
