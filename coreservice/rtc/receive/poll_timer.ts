/** One timer for the polls of all tracks of a connection: cheaper than one each, and nothing runs while nothing is due. */
export class PollTimer {
  readonly #dueAtMs = new Map<() => void, number>();
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Infinity;

  constructor(private readonly nowMs: () => number = () => performance.now()) {}

  /** Runs `task` at `atMs`, on the clock of nowMs; replaces the task's earlier time. Undefined: not at all. */
  schedule(task: () => void, atMs: number | undefined): void {
    if (atMs === undefined) {
      this.#dueAtMs.delete(task);
      return;
    }
    this.#dueAtMs.set(task, atMs);
    // A timer that is too early is harmless: it looks again.
    if (atMs < this.#timerAtMs) this.#arm(atMs);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#dueAtMs.clear();
    this.#timerAtMs = Infinity;
  }

  #arm(atMs: number): void {
    clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(() => this.#run(), Math.max(1, Math.ceil(atMs - this.nowMs())));
  }

  #run(): void {
    this.#timerAtMs = Infinity;
    const now = this.nowMs();
    const due = [...this.#dueAtMs].filter(([, atMs]) => atMs <= now);
    for (const [task] of due) {
      this.#dueAtMs.delete(task);
      task();
    }
    let next = Infinity;
    for (const atMs of this.#dueAtMs.values()) next = Math.min(next, atMs);
    if (next < this.#timerAtMs) this.#arm(next);
  }
}
