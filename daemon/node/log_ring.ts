import { refusal } from '../refusals.js';
import { LogLine } from './log_line.js';
import type { LogFilter } from './log_line.js';
import { LogReader } from './log_reader.js';

export const KEPT_LINES = 5_000;
const KEPT_CHARACTERS = 4_000_000;

export interface LogRequest extends LogFilter {
  /** How many of the kept lines come first. */
  sinceLines: number;
  /** What comes later is wanted, too. */
  follow: boolean;
}

/** The newest lines of the daemon's log, and who reads them. Writing never waits for a reader. */
export class LogRing {
  readonly #keptLines: number;
  readonly #keptCharacters: number;
  readonly #lines: (LogLine | undefined)[] = [];
  /** The oldest that is kept; the places before it are empty, and are taken out of the list now and then. */
  #first = 0;
  #characters = 0;
  #written = 0;
  #ended = false;
  readonly #readers = new Set<LogReader>();

  constructor({ lines = KEPT_LINES, characters = KEPT_CHARACTERS } = {}) {
    this.#keptLines = lines;
    this.#keptCharacters = characters;
  }

  /** A destination for pino that writes to `out`, and keeps what it writes. */
  tee(out: { write(line: string): unknown }): { write(line: string): void } {
    return {
      write: (line) => {
        out.write(line);
        this.append(line);
      },
    };
  }

  append(written: string): void {
    const line = new LogLine((this.#written += 1), written);
    this.#lines.push(line);
    this.#characters += line.text.length;
    while (this.#length > this.#keptLines || (this.#characters > this.#keptCharacters && this.#length > 1))
      this.#forgetOldest();
    for (const reader of this.#readers) reader.offer(line);
  }

  /** Throws RESOURCE_EXHAUSTED when `most` follow it already. Whoever opens a reader closes it. */
  open(request: LogRequest, most: number): LogReader {
    if (this.#readers.size >= most)
      throw refusal('resource_exhausted', 'TOO_MANY_STREAMS', `max-log-readers is ${most}`, {
        remedy: 'close one of them, or raise max-log-readers (--max-log-readers)',
        metadata: { limit: String(most), setting: 'max-log-readers' },
      });
    const reader = new LogReader(request, this.#newest(request), {
      capacity: { lines: this.#keptLines, characters: this.#keptCharacters },
      onClose: () => this.#readers.delete(reader),
    });
    if (this.#ended || !request.follow) reader.end();
    else this.#readers.add(reader);
    return reader;
  }

  /** The daemon ends in order: readers get what waits for them, and their end. */
  end(): void {
    this.#ended = true;
    for (const reader of this.#readers) reader.end();
  }

  get #length(): number {
    return this.#lines.length - this.#first;
  }

  #forgetOldest(): void {
    this.#characters -= this.#lines[this.#first]?.text.length ?? 0;
    this.#lines[this.#first] = undefined;
    this.#first += 1;
    if (this.#first <= this.#keptLines) return;
    this.#lines.splice(0, this.#first);
    this.#first = 0;
  }

  #newest({ sinceLines, ...filter }: LogRequest): LogLine[] {
    const found: LogLine[] = [];
    for (let index = this.#lines.length - 1; index >= this.#first && found.length < sinceLines; index -= 1) {
      const line = this.#lines[index];
      if (line?.fits(filter) === true) found.push(line);
    }
    return found.reverse();
  }
}
