import { WakeUp } from '../../common/wake_up.js';
import type { GetEventHandlerResponse } from '../../gen/alirtc/v1/events.js';
import { refusal } from '../refusals.js';
import type { EventLog, SnapshotSource } from './event_log.js';

/**
 * One reader's way through an event log: the snapshot, then the events from the wanted number on, the last one being the end. Pulled by its user; the
 * log never waits for it.
 */
export class EventReader {
  readonly #log: EventLog;
  readonly #snapshot: GetEventHandlerResponse;
  #snapshotRead = false;
  #cursor: number;
  #finished = false;
  readonly #news = new WakeUp();
  readonly #stop: () => void;

  /** Throws OUT_OF_RANGE. `snapshot` is read now, so that it is consistent with the position. */
  constructor(log: EventLog, from: number, snapshot: SnapshotSource) {
    this.#log = log;
    this.#cursor = log.position(from);
    const last = log.next - 1;
    const timeUs = log.at(last)?.timeUs ?? 0;
    this.#snapshot = { sequence: last, timeUs, event: { $case: 'snapshot', value: snapshot() } };
    this.#stop = log.onAppend(() => this.#news.wake());
  }

  /** The next message, or undefined after the end. Throws RESOURCE_EXHAUSTED when this reader lags too far behind. */
  async next(signal: AbortSignal): Promise<GetEventHandlerResponse | undefined> {
    if (!this.#snapshotRead) {
      this.#snapshotRead = true;
      return this.#snapshot;
    }
    while (!this.#finished && !signal.aborted) {
      if (this.#cursor === this.#log.next) {
        this.#live = true;
        await this.#news.sleep(signal);
        continue;
      }
      return this.#read();
    }
    return undefined;
  }

  close(): void {
    this.#stop();
    this.#finished = true;
    this.#news.wake();
  }

  #read(): GetEventHandlerResponse {
    const logged = this.#log.at(this.#cursor);
    // What was asked for from the start may lie further back than the lag; it is read without waiting, so only falling out of the ring ends it.
    if (logged === undefined || (this.#live && this.#log.lagsTooFar(this.#cursor)))
      throw tooSlow(this.#cursor, this.#log);
    this.#cursor += 1;
    if (this.#cursor === this.#log.next) this.#live = true;
    if (logged.event.$case === 'ended') this.#finished = true;
    return logged;
  }
  /** True once this reader has read all there was. */
  #live = false;
}

function tooSlow(cursor: number, log: EventLog): Error {
  const resume = Math.max(cursor, log.oldest);
  const { setting, limit } = log.limitOfLag(cursor);
  return refusal(
    'resource_exhausted',
    'EVENTS_TOO_SLOW',
    `the reader does not keep up: event ${cursor} of ${log.next - 1}`,
    {
      remedy: `resume with from_sequence ${resume}`,
      metadata: {
        ...{ resume: String(resume), oldest: String(log.oldest), next: String(log.next) },
        ...{ limit: String(limit), setting },
      },
    },
  );
}
