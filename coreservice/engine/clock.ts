export interface EngineTimer {
  cancel(): void;
}

/** All time in the engine comes from here, so that tests own it. */
export interface EngineClock {
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** Unix time in microseconds; never goes back while the process lives, whatever happens to the system's clock. */
  unixUs(): number;
  after(delayMs: number, run: () => void): EngineTimer;
  /** Resolves when everything that waits for the event loop already has had its turn. */
  turn(): Promise<void>;
}

export function systemClock(): EngineClock {
  return {
    nowMs: () => performance.now(),
    unixUs: () => Math.round((performance.timeOrigin + performance.now()) * 1000),
    turn: () => new Promise((resolve) => setImmediate(resolve)),
    after: (delayMs, run) => {
      // By way of setImmediate: what has arrived meanwhile (pushed sound, packets) is read before a late timer acts on its absence.
      let immediate: NodeJS.Immediate | undefined;
      const timer = setTimeout(() => {
        immediate = setImmediate(run);
      }, delayMs);
      return {
        cancel: () => {
          clearTimeout(timer);
          if (immediate !== undefined) clearImmediate(immediate);
        },
      };
    },
  };
}

/** Resolves like `work`, or rejects with `onTimeout()` after timeoutMs. The work itself goes on: its owner has to stop it. */
export async function withDeadline<T>(
  clock: EngineClock,
  timeoutMs: number,
  work: Promise<T>,
  onTimeout: () => Error,
): Promise<T> {
  let timer: EngineTimer | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = clock.after(timeoutMs, () => reject(onTimeout()));
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    timer?.cancel();
  }
}

/** A deadline that may stand still. Nothing is left of it after cancel(). */
export class Deadline {
  /** Rejects when the time is over. */
  readonly expired: Promise<never>;
  readonly #start: () => EngineTimer;
  #timer: EngineTimer | undefined;

  constructor(clock: EngineClock, timeoutMs: number, onTimeout: () => Error) {
    let expire: (error: Error) => void = () => undefined;
    this.expired = new Promise((_resolve, reject) => (expire = reject));
    this.expired.catch(() => undefined);
    this.#start = () => clock.after(timeoutMs, () => expire(onTimeout()));
    this.restart();
  }

  pause(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** The whole time begins again. */
  restart(): void {
    this.pause();
    this.#timer = this.#start();
  }

  cancel(): void {
    this.pause();
  }
}
