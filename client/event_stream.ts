import { status } from '@grpc/grpc-js';
import { EventServiceService } from '../gen/alirtc/v1/events.js';
import type { GetEventHandlerResponse } from '../gen/alirtc/v1/events.js';
import { openMessageStream } from './message_stream.js';
import type { MessageStream } from './message_stream.js';
import type { Transport } from './transport.js';
import type { AlirtcStatusError } from './status_error.js';
import { toStatusError } from './status_error.js';

type Case = NonNullable<GetEventHandlerResponse['event']>;

/** The name of an event, e.g. "onRemoteUserOnLineNotify". */
export type EventType = Case['$case'];
/** What an event of that name tells. */
export type EventValue<Type extends EventType> = Extract<Case, { $case: Type }>['value'];
/** An event: `type` tells what `value` is. */
export type EventOf<Type extends EventType> = Type extends EventType
  ? { type: Type; sequence: number; timeUs: number; value: EventValue<Type> }
  : never;
export type AlirtcEvent = EventOf<EventType>;

export interface EventsOptions {
  /** The first sequence number wanted; left out: a snapshot and what happens from now on. */
  fromSequence?: number | undefined;
  /** Aborting ends the iteration without an error. */
  signal?: AbortSignal | undefined;
  /**
   * Goes on after UNAVAILABLE and RESOURCE_EXHAUSTED from the last number seen; default true. The snapshots of the resumed streams are left
   * out, since the events between are delivered.
   */
  resume?: boolean | undefined;
  /** How long resuming is tried without an answer; default 10 s. */
  resumeTimeoutMs?: number | undefined;
}

/** Events are small; a reader that is a thousand behind is one that the daemon should know of. */
const READ_AHEAD_EVENTS = 256;
const RESUMABLE: ReadonlySet<status> = new Set([status.UNAVAILABLE, status.RESOURCE_EXHAUSTED]);
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/** The callbacks of one engine in their order, over as many streams as it takes. */
export class EventStream implements AsyncIterableIterator<AlirtcEvent, undefined> {
  readonly #transport: Transport;
  readonly #engineId: string;
  readonly #options: EventsOptions;
  readonly #ending = new AbortController();
  #stream: MessageStream<GetEventHandlerResponse>;
  /** The last number that the reader knows of, by an event or the snapshot. */
  #lastSequence: number | undefined;
  #resumed = false;
  #over = false;

  constructor(transport: Transport, engineId: string, options: EventsOptions = {}) {
    this.#transport = transport;
    this.#engineId = engineId;
    this.#options = options;
    this.#stream = this.#open(options.fromSequence ?? 0);
    if (options.signal?.aborted === true) this.cancel();
    else options.signal?.addEventListener('abort', this.cancel, { once: true });
  }

  /** The sequence number of the last event that was read; from it + 1 another stream would go on. */
  get lastSequence(): number | undefined {
    return this.#lastSequence;
  }

  async next(): Promise<IteratorResult<AlirtcEvent, undefined>> {
    while (!this.#over) {
      try {
        const { value, done } = await this.#stream.next();
        if (done === true) break;
        const event = this.#accept(value);
        if (event !== undefined) return { value: event, done: false };
      } catch (error) {
        await this.#recover(toStatusError(error));
      }
    }
    this.#end();
    return { value: undefined, done: true };
  }

  return(): Promise<IteratorResult<AlirtcEvent, undefined>> {
    this.cancel();
    return Promise.resolve({ value: undefined, done: true });
  }

  readonly cancel = (): void => {
    this.#end();
    this.#stream.cancel();
  };

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.cancel();
    return Promise.resolve();
  }

  #open(fromSequence: number): MessageStream<GetEventHandlerResponse> {
    const request = { engineId: this.#engineId, fromSequence };
    return openMessageStream(this.#transport, EventServiceService.getEventHandler, request, {
      readAhead: READ_AHEAD_EVENTS,
    });
  }

  #accept(message: GetEventHandlerResponse): AlirtcEvent | undefined {
    const { event, sequence, timeUs } = message;
    // A newer daemon may send events that this client does not know; their numbers count all the same.
    if (event === undefined) {
      this.#lastSequence = sequence;
      return undefined;
    }
    if (event.$case === 'snapshot') {
      if (this.#resumed) return undefined;
      // With a first number the events before the snapshot's number follow.
      const from = this.#options.fromSequence ?? 0;
      this.#lastSequence = from === 0 ? sequence : Math.min(sequence, from - 1);
    } else {
      this.#lastSequence = sequence;
    }
    // The union is distributed over $case; TypeScript cannot follow it through a generic construction.
    return { type: event.$case, sequence, timeUs, value: event.value } as AlirtcEvent;
  }

  /** Opens the next stream, or throws the error. */
  async #recover(error: AlirtcStatusError): Promise<void> {
    if (this.#over) return;
    const { resume = true, resumeTimeoutMs = 10_000 } = this.#options;
    // A daemon that is shut down by force ends its streams with CANCELLED; a cancellation of ours never gets here.
    const canResume = RESUMABLE.has(error.code) || error.code === status.CANCELLED;
    if (!resume || !canResume || this.#lastSequence === undefined) return this.#fail(error);
    const giveUpAt = Date.now() + resumeTimeoutMs;
    let last = error;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
      if (Date.now() + pauseMs > giveUpAt) return this.#fail(last);
      await pause(pauseMs, this.#ending.signal);
      if (this.#isOver()) return;
      const failure = await this.#reopen(this.#lastSequence + 1);
      if (failure === undefined) return;
      if (!RESUMABLE.has(failure.code)) return this.#fail(failure);
      last = failure;
    }
  }

  /** The snapshot is the proof that the stream stands; the daemon sends it first. */
  async #reopen(fromSequence: number): Promise<AlirtcStatusError | undefined> {
    this.#resumed = true;
    try {
      this.#stream = this.#open(fromSequence);
      await this.#stream.next();
      return undefined;
    } catch (error) {
      return toStatusError(error);
    }
  }

  #isOver(): boolean {
    return this.#over;
  }

  #fail(error: AlirtcStatusError): never {
    this.#end();
    throw error;
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#options.signal?.removeEventListener('abort', this.cancel);
    this.#ending.abort();
  }
}

/** Ends early, without an error, when the signal aborts. */
function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, durationMs);
    signal.addEventListener('abort', finish, { once: true });
    if (signal.aborted) finish();
  });
}
