export interface PushCounts {
  taken: number;
  /** Did not fit. */
  refused: number;
  /** Accepted and dropped, in no channel. */
  discarded: number;
}

/**
 * A model of one of the core's push queues, so that a push that does not fit is refused before it goes over the IPC, and a push stream waits. The unit is
 * a millisecond of sound or a picture.
 *
 * With a core that tells what left its queue (ConsumedExtension), the content is what was pushed less what was consumed, both counted since the core
 * was created. With one that does not (the vendor's), only its "buffer full" edges are known.
 */
export class PushGate {
  #capacity: number;
  #pushed = 0;
  #consumed = 0;
  #counting = false;
  /** The core's own edge; matters while the core does not count. */
  #coreIsFull = false;
  #announcedFull = false;
  /** Pushes since the engine was created, whatever became of the core. */
  readonly counts: PushCounts = { taken: 0, refused: 0, discarded: 0 };
  readonly #waiters: { cost: number; resolve: (hasRoom: boolean) => void }[] = [];
  readonly #announce: (isFull: boolean) => void;

  /** `announce` is called with true when a push was refused, and with false once the queue has drained to half. */
  constructor(capacity: number, announce: (isFull: boolean) => void) {
    this.#capacity = capacity;
    this.#announce = announce;
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** True: the core tells what left its queue. */
  get counting(): boolean {
    return this.#counting;
  }

  get queued(): number {
    return Math.max(0, this.#pushed - this.#consumed);
  }

  setCapacity(capacity: number): void {
    this.#capacity = capacity;
    this.#advance();
  }

  /** Takes room for a push, or announces "full" once and answers false. */
  tryPush(cost: number): boolean {
    if (this.#fits(cost)) {
      this.#take(cost);
      return true;
    }
    this.counts.refused += 1;
    if (!this.#announcedFull) {
      this.#announcedFull = true;
      if (this.#counting) this.#announce(true);
    }
    return false;
  }

  /**
   * Takes room for a push as soon as there is some, in the order of the calls. Rejects with the signal's reason. A cost above the capacity waits for an empty queue.
   * False: the core went away meanwhile, and no room was taken.
   */
  async push(cost: number, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    if (this.#waiters.length === 0 && this.#fits(cost)) {
      this.#take(cost);
      return true;
    }
    return new Promise<boolean>((resolve, reject) => {
      const waiter = {
        cost,
        resolve: (hasRoom: boolean): void => {
          signal.removeEventListener('abort', onAbort);
          resolve(hasRoom);
        },
      };
      const onAbort = (): void => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
        this.#advance();
      };
      this.#waiters.push(waiter);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** The core's total of what left its queue. */
  consumed(total: number): void {
    this.#counting = true;
    this.#consumed = total;
    this.#advance();
  }

  /** The core's own edge. Returns true when it has to be passed on, because this gate does not make the edges itself. */
  coreEdge(isFull: boolean): boolean {
    this.#coreIsFull = isFull;
    if (!isFull && !this.#counting) this.#announcedFull = false;
    this.#advance();
    return !this.#counting;
  }

  /** The core is gone: nobody waits for its queue. */
  interrupt(): void {
    for (const waiter of this.#waiters.splice(0)) waiter.resolve(false);
  }

  /** A new core: nothing is queued, nothing is known. */
  reset(): void {
    this.#pushed = 0;
    this.#consumed = 0;
    this.#counting = false;
    this.#coreIsFull = false;
    this.#announcedFull = false;
    this.#advance();
  }

  /** Of a push that had taken room and was not handed to the core after all: nothing would ever tell that it left the queue. */
  giveBack(cost: number): void {
    this.#pushed = Math.max(0, this.#pushed - cost);
    this.counts.taken -= 1;
    this.#advance();
  }

  /** A push that was accepted and goes nowhere: the engine is in no channel. */
  discard(): void {
    this.counts.discarded += 1;
  }

  #take(cost: number): void {
    this.#pushed += cost;
    this.counts.taken += 1;
  }

  #fits(cost: number): boolean {
    if (!this.#counting) return !this.#coreIsFull;
    return this.queued + cost <= this.#capacity || this.queued <= 0;
  }

  #advance(): void {
    for (let first = this.#waiters[0]; first !== undefined && this.#fits(first.cost); first = this.#waiters[0]) {
      this.#waiters.shift();
      this.#take(first.cost);
      first.resolve(true);
    }
    if (this.#counting && this.#announcedFull && this.queued <= this.#capacity / 2) {
      this.#announcedFull = false;
      this.#announce(false);
    }
  }
}
