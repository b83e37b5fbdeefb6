import { WakeUp } from '../../common/wake_up.js';
import type { LogFilter, LogLine } from './log_line.js';

export interface ReadLine {
  line: LogLine;
  /** Lines that fitted and were lost just before this one. */
  droppedBefore: number;
}

export interface LogReaderOptions {
  /** Of what waits for this reader. */
  capacity: { lines: number; characters: number };
  onClose: () => void;
}

/** One reader of the log, with a queue of its own: when it is full the oldest of it is lost, and the next line says so. */
export class LogReader {
  readonly #filter: LogFilter;
  readonly #options: LogReaderOptions;
  readonly #queue: LogLine[];
  #characters: number;
  #dropped = 0;
  #ended = false;
  readonly #news = new WakeUp();

  constructor(filter: LogFilter, first: LogLine[], options: LogReaderOptions) {
    this.#filter = filter;
    this.#queue = first;
    this.#characters = first.reduce((sum, { text }) => sum + text.length, 0);
    this.#options = options;
  }

  offer(line: LogLine): void {
    if (this.#ended || !line.fits(this.#filter)) return;
    const { lines, characters } = this.#options.capacity;
    this.#queue.push(line);
    this.#characters += line.text.length;
    while (this.#queue.length > lines || (this.#characters > characters && this.#queue.length > 1)) {
      this.#take();
      this.#dropped += 1;
    }
    this.#news.wake();
  }

  /** The next line; undefined behind the last one, or when the signal aborts. */
  async next(signal: AbortSignal): Promise<ReadLine | undefined> {
    while (!signal.aborted) {
      const line = this.#take();
      if (line !== undefined) {
        const droppedBefore = this.#dropped;
        this.#dropped = 0;
        return { line, droppedBefore };
      }
      if (this.#ended) return undefined;
      await this.#news.sleep(signal);
    }
    return undefined;
  }

  /** Nothing more comes; what waits is read first. */
  end(): void {
    this.#ended = true;
    this.#news.wake();
  }

  close(): void {
    this.end();
    this.#queue.length = 0;
    this.#options.onClose();
  }

  #take(): LogLine | undefined {
    const line = this.#queue.shift();
    if (line !== undefined) this.#characters -= line.text.length;
    return line;
  }
}
