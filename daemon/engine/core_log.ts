import type { Logger } from '../../common/logger.js';
import { withoutTokens } from '../../common/token/token_text.js';

export interface CoreLogOptions {
  logger: Logger;
  /** How many of the last lines are kept for error messages; 30 by default. */
  keptLines?: number;
  /** What is logged in one second; the rest is only counted. 200 by default. */
  maxLinesPerSecond?: number;
  now?: () => number;
}

type Stream = 'stdout' | 'stderr';

const MAX_LINE_BYTES = 4096;
const SECOND_MS = 1000;
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/** Cuts one stream of a child into lines of at most 4 KiB; the rest of a longer line is skipped. */
class LineSplitter {
  #parts: Buffer[] = [];
  #bytes = 0;
  #skippedBytes = 0;
  readonly #onLine: (line: string) => void;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  feed(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      this.#take(chunk.subarray(start, end));
      this.flush();
      start = end + 1;
    }
    this.#take(chunk.subarray(start));
  }

  /** The line so far, as if a newline had come. */
  flush(): void {
    if (this.#bytes === 0) return;
    const cut = this.#skippedBytes === 0 ? '' : ` [${this.#skippedBytes} more bytes]`;
    const line = Buffer.concat(this.#parts).toString('utf8').trimEnd();
    this.#parts = [];
    this.#bytes = 0;
    this.#skippedBytes = 0;
    if (line.length > 0 || cut.length > 0) this.#onLine(line + cut);
  }

  #take(part: Buffer): void {
    const room = Math.min(part.byteLength, MAX_LINE_BYTES - this.#bytes);
    // A copy: what is kept of a line must not hold on to the whole chunk.
    if (room > 0) this.#parts.push(Buffer.from(part.subarray(0, room)));
    this.#bytes += room;
    this.#skippedBytes += part.byteLength - room;
  }
}

/** What a core process prints: into the log, with levels where its lines have them, and the last lines kept for error messages. */
export class CoreLog {
  readonly #logger: Logger;
  readonly #keptLines: number;
  readonly #maxLinesPerSecond: number;
  readonly #now: () => number;
  readonly #splitters: Record<Stream, LineSplitter>;
  readonly #kept: string[] = [];
  #windowStartMs = -Infinity;
  #loggedInWindow = 0;
  #unlogged = 0;

  /** onStdoutLine sees every line of standard output first; when it answers true the line is no log line. */
  constructor(options: CoreLogOptions, onStdoutLine: (line: string) => boolean = () => false) {
    this.#logger = options.logger;
    this.#keptLines = options.keptLines ?? 30;
    this.#maxLinesPerSecond = options.maxLinesPerSecond ?? 200;
    this.#now = options.now ?? (() => performance.now());
    this.#splitters = {
      stdout: new LineSplitter((line) => void (onStdoutLine(line) || this.#onLine('stdout', line))),
      stderr: new LineSplitter((line) => this.#onLine('stderr', line)),
    };
  }

  /** The last lines of both streams, oldest first. */
  get lastLines(): readonly string[] {
    return this.#kept;
  }

  feed(stream: Stream, chunk: Buffer): void {
    this.#splitters[stream].feed(chunk);
  }

  /** The streams have ended: half a line is a line now. */
  end(): void {
    this.#splitters.stdout.flush();
    this.#splitters.stderr.flush();
    this.#reportUnlogged();
  }

  #onLine(stream: Stream, raw: string): void {
    const line = withoutTokens(raw);
    this.#kept.push(line);
    if (this.#kept.length > this.#keptLines) this.#kept.shift();
    const nowMs = this.#now();
    if (nowMs - this.#windowStartMs >= SECOND_MS) {
      this.#windowStartMs = nowMs;
      this.#loggedInWindow = 0;
      this.#reportUnlogged();
    }
    if (this.#loggedInWindow >= this.#maxLinesPerSecond) {
      this.#unlogged++;
      return;
    }
    this.#loggedInWindow++;
    this.#log(stream, line);
  }

  #reportUnlogged(): void {
    if (this.#unlogged > 0) this.#logger.warn({ lines: this.#unlogged }, 'the core printed more than is logged');
    this.#unlogged = 0;
  }

  #log(stream: Stream, line: string): void {
    const record = parseRecord(line);
    if (record === undefined) this.#logger.info({ stream }, line);
    else this.#logger[record.level](record.fields, record.text);
  }
}

interface LogRecord {
  level: (typeof LEVELS)[number];
  text: string;
  fields: Record<string, unknown>;
}

/** Our own core logs JSON lines: their level, text and further fields. */
function parseRecord(line: string): LogRecord | undefined {
  if (!line.startsWith('{')) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return undefined;
  }
  const { level, msg, time: _time, pid: _pid, name: _name, ...fields } = json as Record<string, unknown>;
  const known = LEVELS.find((one) => one === level);
  return known === undefined || typeof msg !== 'string' ? undefined : { level: known, text: msg, fields };
}
