import type { Logger } from '../../../common/logger.js';
import { atServer, RoomConnectError, shownUrl } from '../connect_error.js';

/** What one server said counts for all of them: they share keys and rooms. */
const FINAL_KINDS = new Set<RoomConnectError['kind']>(['unauthorized', 'room_full']);

/** A server that hangs costs every attempt its share of the time. */
const SLOW_MS = 30_000;

/** The servers of one cluster, in the order of preference. The one that worked last is asked first. */
export class ChannelServers {
  readonly #urls: readonly string[];
  readonly #logger: Logger;
  /** Servers that hung lately, and until when they are asked last. */
  readonly #slowUntilMs = new Map<string, number>();
  #current = 0;

  constructor(urls: readonly string[], logger: Logger) {
    if (urls.length === 0) throw new RangeError('a room needs the URL of a channel server');
    this.#urls = [...new Set(urls)];
    this.#logger = logger;
  }

  get count(): number {
    return this.#urls.length;
  }

  /** The one that worked last. */
  get current(): string {
    return this.#urls[this.#current] ?? '';
  }

  /**
   * Asks one after the other until one takes us; each gets its share of the time that is left. Rejects with a RoomConnectError that names every server
   * and what it said, of the kind of the last one.
   */
  async firstOf<T>(timeoutMs: number, attempt: (url: string, timeoutMs: number) => Promise<T>): Promise<T> {
    const deadline = performance.now() + timeoutMs;
    const failures: RoomConnectError[] = [];
    const order = this.#order();
    for (const [tried, url] of order.entries()) {
      const leftMs = deadline - performance.now();
      if (tried > 0 && leftMs <= 0) break;
      try {
        const result = await attempt(url, Math.max(1, leftMs / (this.count - tried)));
        if (url !== this.current) this.#logger.warn({ server: shownUrl(url) }, 'another channel server is used');
        this.#current = this.#urls.indexOf(url);
        this.#slowUntilMs.delete(url);
        return result;
      } catch (error) {
        const failure = atServer(error, url);
        failures.push(failure);
        if (failure.kind === 'timeout') this.#slowUntilMs.set(url, performance.now() + SLOW_MS);
        if (FINAL_KINDS.has(failure.kind)) break;
        if (this.count > 1) this.#logger.warn({ reason: failure.kind }, failure.message);
      }
    }
    throw oneOf(failures);
  }

  /** The one that worked last, those behind it, those before it; what hung lately is asked last. */
  #order(): string[] {
    const order = [...this.#urls.slice(this.#current), ...this.#urls.slice(0, this.#current)];
    const now = performance.now();
    const isSlow = (url: string): number => ((this.#slowUntilMs.get(url) ?? 0) > now ? 1 : 0);
    return order.sort((one, other) => isSlow(one) - isSlow(other));
  }
}

function oneOf(failures: readonly RoomConnectError[]): RoomConnectError {
  const last = failures.at(-1);
  if (last === undefined || failures.length === 1)
    return last ?? new RoomConnectError('timeout', 'no channel server was asked in time');
  return new RoomConnectError(last.kind, failures.map(({ message }) => message).join('; '), { cause: last });
}
