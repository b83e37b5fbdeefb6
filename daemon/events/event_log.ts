import { AlirtcError } from '../../common/errors.js';
import type { EngineEnded, EngineSnapshot, GetEventHandlerResponse } from '../../gen/alirtc/v1/events.js';
import type { Clock } from '../clock.js';
import { refusal } from '../refusals.js';

export type EngineEvent = Exclude<NonNullable<GetEventHandlerResponse['event']>, { $case: 'snapshot' }>;

export interface LoggedEvent {
  /** Counts up by one from 1. */
  sequence: number;
  /** Unix time in microseconds. */
  timeUs: number;
  event: EngineEvent;
}

export interface EventWait<T> {
  /** Returns something for the event that ends the wait; may throw what the wait then rejects with. */
  match: (event: EngineEvent) => T | undefined;
  /** Left out: as long as the engine lives; give a signal then. */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** For the error's text: "the result of the join". */
  what: string;
}

export const DEFAULT_RING_EVENTS = 4096;
export const DEFAULT_RING_BYTES = 8_000_000;

interface Slot {
  logged: LoggedEvent;
  /** Bytes of all events before this one, since the beginning. */
  bytesBefore: number;
}

/**
 * The ordered events of one engine: numbers without gaps, a ring bounded in events and in bytes, an end. Readers are cursors into the ring, so a slow
 * reader costs no memory; one that lags by more than half of the ring is ended while the event it needs next can still be asked for.
 */
export class EventLog {
  readonly #ring: (Slot | undefined)[];
  readonly #maxBytes: number;
  readonly #clock: Clock;
  readonly #listeners = new Set<(event: LoggedEvent) => void>();
  #next = 1;
  #oldest = 1;
  /** Of all events since the beginning. */
  #bytes = 0;
  #ended = false;

  constructor(clock: Clock, capacity = DEFAULT_RING_EVENTS, maxBytes = DEFAULT_RING_BYTES) {
    if (capacity < 2) throw new RangeError(`an event ring of ${capacity}`);
    this.#clock = clock;
    this.#maxBytes = maxBytes;
    this.#ring = new Array<Slot | undefined>(capacity);
  }

  /** The number that the next event will have. */
  get next(): number {
    return this.#next;
  }

  /** The oldest number that can be asked for; equals `next` while nothing was logged. */
  get oldest(): number {
    return this.#oldest;
  }

  /** True: the last event was the end. */
  get ended(): boolean {
    return this.#ended;
  }

  /** True: a reader whose next event is that one is so far behind the newest that it has to be ended. */
  lagsTooFar(sequence: number): boolean {
    const bytesBehind = this.#bytes - (this.#slot(sequence + 1)?.bytesBefore ?? this.#bytes);
    return this.#eventsLagTooFar(sequence) || bytesBehind > this.#maxBytes / 2;
  }

  /** The setting that ends a reader there. */
  limitOfLag(sequence: number): { setting: string; limit: number } {
    return this.#eventsLagTooFar(sequence)
      ? { setting: 'event-ring', limit: this.#ring.length }
      : { setting: 'event-ring-bytes', limit: this.#maxBytes };
  }

  #eventsLagTooFar(sequence: number): boolean {
    return this.#next - sequence > this.#ring.length / 2;
  }

  /** Nothing is appended after the end. */
  append(event: EngineEvent): void {
    if (this.#ended) return;
    if (event.$case === 'ended') this.#ended = true;
    const logged: LoggedEvent = { sequence: this.#next, timeUs: Math.floor(this.#clock.nowMs() * 1000), event };
    const bytes = bytesOf(event.value);
    this.#makeRoom(bytes);
    this.#ring[logged.sequence % this.#ring.length] = { logged, bytesBefore: this.#bytes };
    this.#bytes += bytes;
    this.#next += 1;
    for (const listener of [...this.#listeners]) listener(logged);
  }

  end(ended: EngineEnded): void {
    this.append({ $case: 'ended', value: ended });
  }

  at(sequence: number): LoggedEvent | undefined {
    return this.#slot(sequence)?.logged;
  }

  #slot(sequence: number): Slot | undefined {
    const slot = this.#ring[sequence % this.#ring.length];
    return slot?.logged.sequence === sequence ? slot : undefined;
  }

  /** Lets go of the oldest events until one more of that size fits; the newest one always stays. */
  #makeRoom(bytes: number): void {
    const isFull = (): boolean => this.#next - this.#oldest >= this.#ring.length;
    const kept = (): number => this.#bytes - (this.#slot(this.#oldest)?.bytesBefore ?? this.#bytes);
    while (this.#oldest < this.#next && (isFull() || kept() + bytes > this.#maxBytes)) {
      this.#ring[this.#oldest % this.#ring.length] = undefined;
      this.#oldest += 1;
    }
  }

  /** Called inside append(), in the order of the events. The returned function takes it back. */
  onAppend(listener: (event: LoggedEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Where a reader that asks for `from` begins (0: from now on). Throws OUT_OF_RANGE with what can be asked for when the ring does not hold it
   * (any more).
   */
  position(from: number): number {
    if (from === 0) return this.#ended ? this.#next - 1 : this.#next;
    if (from >= this.oldest && from <= this.#next) return from;
    throw refusal(
      'out_of_range',
      'EVENTS_OUT_OF_RANGE',
      `from_sequence ${from}: the log holds ${this.oldest} to ${this.#next - 1}`,
      {
        field: 'from_sequence',
        value: String(from),
        remedy: 'ask from "oldest" to "next", or 0 for what happens from now on',
        metadata: { oldest: String(this.oldest), next: String(this.#next) },
      },
    );
  }

  /** Resolves with what `match` returns for an event from now on. Rejects at the deadline, when the signal aborts, and when the engine ends. */
  waitFor<T>(wait: EventWait<T>): Promise<T> {
    const waited = new Promise<T>((resolve, reject) => {
      const finish = (act: () => void): void => {
        stopListening();
        stopTimer();
        wait.signal?.removeEventListener('abort', onAbort);
        act();
      };
      const onAbort = (): void =>
        finish(() =>
          reject(new AlirtcError('cancelled', `cancelled while waiting for ${wait.what}`, { reason: 'CANCELLED' })),
        );
      const stopListening = this.onAppend(({ event }) => {
        try {
          const result = wait.match(event);
          if (result !== undefined) finish(() => resolve(result));
          else if (event.$case === 'ended') finish(() => reject(engineEnded(event.value, wait.what)));
        } catch (error) {
          finish(() => reject(error instanceof Error ? error : new Error(String(error))));
        }
      });
      const { timeoutMs } = wait;
      const onTimeout = (): void =>
        finish(() =>
          reject(
            refusal('deadline_exceeded', 'DEADLINE_EXCEEDED', `${wait.what} did not come in ${timeoutMs} ms`, {
              remedy: 'look at the events: it may still come',
            }),
          ),
        );
      const stopTimer = timeoutMs === undefined ? () => undefined : this.#clock.after(timeoutMs, onTimeout);
      if (wait.signal?.aborted === true) onAbort();
      else wait.signal?.addEventListener('abort', onAbort, { once: true });
    });
    // Who began to wait before sending may never get to awaiting.
    waited.catch(() => undefined);
    return waited;
  }
}

/** What an event keeps in memory, roughly: its texts and payloads, and as much again for each field as an object costs. */
const BYTES_PER_FIELD = 32;

function bytesOf(value: unknown): number {
  if (value instanceof Uint8Array) return BYTES_PER_FIELD + value.byteLength;
  if (typeof value === 'string') return BYTES_PER_FIELD + 2 * value.length;
  if (typeof value !== 'object' || value === null) return BYTES_PER_FIELD;
  return Object.values(value).reduce<number>((sum, field) => sum + bytesOf(field), BYTES_PER_FIELD);
}

export function engineEnded(ended: EngineEnded, what: string): AlirtcError {
  return refusal('unavailable', 'ENGINE_ENDED', `the engine ended while waiting for ${what}: ${ended.detail}`, {
    remedy: 'create a new engine',
  });
}

export type SnapshotSource = () => EngineSnapshot;
