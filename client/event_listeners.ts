import type { AlirtcStatusError } from './status_error.js';
import { toStatusError } from './status_error.js';
import type { EventOf, EventStream, EventType } from './event_stream.js';

/** What listeners can hear: every event by its name, and "end" when no more come. */
export type ListenerEvents = { [Type in EventType]: EventOf<Type> } & {
  end: { error: AlirtcStatusError | undefined };
};

type Listener = (event: never) => void;

/** Listeners by name over one event stream, which is open while there is any listener. */
export class EventListeners {
  readonly #open: () => EventStream;
  readonly #listeners = new Map<string, Set<Listener>>();
  #stream: EventStream | undefined;

  constructor(open: () => EventStream) {
    this.#open = open;
  }

  add<Type extends keyof ListenerEvents>(type: Type, listener: (event: ListenerEvents[Type]) => void): () => void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
    if (this.#stream === undefined) {
      this.#stream = this.#open();
      void this.#run(this.#stream);
    }
    return () => {
      listeners.delete(listener);
      if ([...this.#listeners.values()].every((set) => set.size === 0)) this.#stop();
    };
  }

  /** Nobody is called any more, but for "end". */
  close(): void {
    this.#stop();
  }

  #stop(): void {
    this.#stream?.cancel();
    this.#stream = undefined;
  }

  async #run(stream: EventStream): Promise<void> {
    let failure: AlirtcStatusError | undefined;
    try {
      for await (const event of stream) this.#emit(event.type, event);
    } catch (error) {
      failure = toStatusError(error);
    }
    if (this.#stream === stream) this.#stream = undefined;
    this.#emit('end', { error: failure });
  }

  #emit<Type extends keyof ListenerEvents>(type: Type, event: ListenerEvents[Type]): void {
    for (const listener of this.#listeners.get(type) ?? []) {
      try {
        (listener as (event: ListenerEvents[Type]) => void)(event);
      } catch (error) {
        // One listener's defect must not keep the others from hearing; it surfaces as an uncaught exception, as with an EventEmitter.
        process.nextTick(() => {
          throw error;
        });
      }
    }
  }
}
