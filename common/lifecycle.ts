/**
 * The one lifecycle of every long-lived object: new, starting, ready, closing, closed.
 *
 * - start() acts once; when it rejects, everything it took has been released and the state is closed.
 * - close() is idempotent, waits for the end, and is bounded by the deadlines of what it closes.
 * - done resolves with the end's cause and never rejects; it is the only end signal.
 */
export type LifecycleState =
  | 'new' // nothing taken yet
  | 'starting' // start() runs
  | 'ready' // start() has resolved
  | 'closing' // onClose() runs
  | 'closed'; // everything is released, done is resolved

/** Why something ended. */
export type EndCause =
  | { kind: 'requested' } // close() was called by who uses it
  | { kind: 'owner_closed' } // its owner closes
  | { kind: 'failed'; error: Error };

export abstract class Lifecycle {
  #state: LifecycleState = 'new';
  #resolveDone!: (cause: EndCause) => void;
  #closing: Promise<void> | undefined;
  readonly done: Promise<EndCause> = new Promise((resolve) => (this.#resolveDone = resolve));

  get state(): LifecycleState {
    return this.#state;
  }

  async start(): Promise<void> {
    if (this.#state !== 'new') throw new Error(`${this.constructor.name}: start() in state ${this.#state}`);
    this.#setState('starting');
    try {
      await this.onStart();
    } catch (error) {
      await this.close({ kind: 'failed', error: error instanceof Error ? error : new Error(String(error)) });
      throw error;
    }
    // close() may have been called while starting; then what was started has been released by it.
    if (this.state === 'starting') this.#setState('ready');
    else throw new Error(`${this.constructor.name}: closed while starting`);
  }

  close(cause: EndCause = { kind: 'requested' }): Promise<void> {
    this.#closing ??= this.#close(cause);
    return this.#closing;
  }

  async #close(cause: EndCause): Promise<void> {
    const wasNew = this.#state === 'new';
    this.#setState('closing');
    try {
      if (!wasNew) await this.onClose(cause);
    } catch (error) {
      this.onCloseError(error);
    } finally {
      this.#setState('closed');
      this.#resolveDone(cause);
    }
  }

  #setState(next: LifecycleState): void {
    const old = this.#state;
    this.#state = next;
    this.onState(old, next);
  }

  /** Takes what the object needs. May throw; onClose() runs then. */
  protected abstract onStart(): Promise<void>;
  /** Releases everything that was taken so far, youngest first, also after half a start. Bounded in time. */
  protected abstract onClose(cause: EndCause): Promise<void>;
  /** Every transition, for the log. */
  protected onState(_old: LifecycleState, _next: LifecycleState): void {}
  /** onClose() threw: a defect to log; the object is closed all the same. */
  protected onCloseError(_error: unknown): void {}
}
