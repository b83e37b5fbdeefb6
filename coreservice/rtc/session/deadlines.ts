interface Running {
  timer: NodeJS.Timeout | undefined;
  timeoutMs: number;
  expire: () => void;
}

/** Deadlines of what a server is asked for. They stand still while it cannot be reached, and begin anew when it can. */
export class Deadlines {
  readonly #running = new Set<Running>();
  #isPaused = false;
  #isClosed = false;

  /** Calls `expire` after so long, unless the function that this gives is called before. */
  begin(timeoutMs: number, expire: () => void): () => void {
    const deadline: Running = { timer: undefined, timeoutMs, expire };
    this.#running.add(deadline);
    if (this.#isClosed) queueMicrotask(() => this.#expire(deadline));
    else if (!this.#isPaused) this.#start(deadline);
    return () => this.#end(deadline);
  }

  /** Like `work`, or rejects with that text after so long. */
  async limit<T>(work: Promise<T>, timeoutMs: number, text: string): Promise<T> {
    let end: () => void = () => undefined;
    const late = new Promise<never>((_resolve, reject) => {
      end = this.begin(timeoutMs, () => reject(new Error(text)));
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      end();
    }
  }

  pause(): void {
    this.#isPaused = true;
    for (const { timer } of this.#running) clearTimeout(timer);
  }

  restart(): void {
    this.#isPaused = false;
    for (const deadline of this.#running) this.#start(deadline);
  }

  /** Nothing is waited for any more: all are over. */
  close(): void {
    this.#isClosed = true;
    for (const deadline of [...this.#running]) this.#expire(deadline);
  }

  #start(deadline: Running): void {
    clearTimeout(deadline.timer);
    deadline.timer = setTimeout(() => this.#expire(deadline), deadline.timeoutMs);
  }

  #expire(deadline: Running): void {
    clearTimeout(deadline.timer);
    if (this.#running.delete(deadline)) deadline.expire();
  }

  #end(deadline: Running): void {
    clearTimeout(deadline.timer);
    this.#running.delete(deadline);
  }
}
