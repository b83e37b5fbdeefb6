/** Time, so that tests need none of it. */
export interface Clock {
  /** Unix time in milliseconds, with a fraction. */
  nowMs(): number;
  /** Calls once after that time; the returned function takes it back. Does not keep the process alive. */
  after(delayMs: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => performance.timeOrigin + performance.now(),
  after(delayMs, call) {
    const timer = setTimeout(call, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Resolves with the promise, or rejects with what `late` makes once the time is over. */
export function withDeadline<T>(promise: Promise<T>, deadlineMs: number, clock: Clock, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(deadlineMs, () => reject(late()));
    promise.then(resolve, reject).finally(cancel);
  });
}
