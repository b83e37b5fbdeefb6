import { randomBytes } from 'node:crypto';
import type { FeedMessages } from '../../common/console_api.js';
import { WakeUp } from '../../common/wake_up.js';

export interface FeedEntry {
  /** Counts up by one from 1. */
  number: number;
  event: keyof FeedMessages;
  json: string;
}

const MAX_ENTRIES = 2048;
const MAX_CHARACTERS = 2_000_000;

/**
 * What changed on this node, numbered, in a ring bounded in messages and in characters. Readers are cursors: a slow one costs nothing, and one that was
 * overtaken is told. A reader that comes back says the id that it saw last and goes on from there when the ring still holds it.
 */
export class ChangeFeed {
  /** Ids of a daemon that was restarted mean nothing to this one. */
  readonly #boot = randomBytes(4).toString('hex');
  #entries: FeedEntry[] = [];
  #characters = 0;
  #next = 1;
  #closed = false;
  readonly #news = new WakeUp();

  /** The number that the next message will have. */
  get next(): number {
    return this.#next;
  }

  get closed(): boolean {
    return this.#closed;
  }

  publish<E extends keyof FeedMessages>(event: E, message: FeedMessages[E]): void {
    if (this.#closed) return;
    const json = JSON.stringify(message);
    this.#entries.push({ number: this.#next, event, json });
    this.#next += 1;
    this.#characters += json.length;
    let gone = 0;
    while (this.#entries.length - gone > MAX_ENTRIES || this.#characters > MAX_CHARACTERS) {
      this.#characters -= this.#entries[gone]?.json.length ?? this.#characters;
      gone += 1;
    }
    if (gone > 0) this.#entries = this.#entries.slice(gone);
    this.#news.wake();
  }

  /** Nobody listened: what was not published cannot be told, so that no reader may go on from before. */
  forget(): void {
    this.#entries = [];
    this.#characters = 0;
    this.#next += 1;
  }

  close(): void {
    this.#closed = true;
    this.#news.wake();
  }

  idOf(number: number): string {
    return `${this.#boot}-${number}`;
  }

  /** Where a reader goes on that saw `id` last; undefined: it has to begin with a snapshot. */
  resume(id: string): number | undefined {
    const [, boot, number] = /^([0-9a-f]+)-(\d{1,15})$/.exec(id) ?? [];
    if (boot !== this.#boot) return undefined;
    const next = Number(number) + 1;
    return next === this.#next || this.at(next) !== undefined ? next : undefined;
  }

  at(number: number): FeedEntry | undefined {
    const first = this.#entries[0]?.number ?? this.#next;
    return this.#entries[number - first];
  }

  /** Resolves when there is more than before that number, the feed has closed, or the signal aborts. */
  async moreThan(number: number, signal: AbortSignal): Promise<void> {
    if (number < this.#next || this.#closed) return;
    await this.#news.sleep(signal);
  }
}
