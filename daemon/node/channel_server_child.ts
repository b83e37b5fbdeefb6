import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { Lifecycle } from '../../common/lifecycle.js';
import type { Logger } from '../../common/logger.js';
import { messageOf } from '../../common/errors.js';
import { systemClock, withDeadline } from '../clock.js';

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

export interface ChannelServerChildOptions {
  /** The executable. */
  path: string;
  keysFile: string;
  logger: Logger;
  readyTimeoutMs?: number;
}

const READY_TIMEOUT_MS = 15_000;
const FIRST_BACKOFF_MS = 250;
const LONGEST_BACKOFF_MS = 10_000;
/** One that ran for that long starts the back-off anew. */
const STABLE_MS = 30_000;
const CLOSE_STDIN_MS = 2_000;
const TERM_MS = 1_000;
const KILL_MS = 2_000;
const MAX_LINE_CHARACTERS = 4_000;

/**
 * The embedded channel server: a child that ends when its standard input does, so also with a daemon that is killed. When it dies it is started
 * again on the same port, so that cores find it where it was.
 */
export class ChannelServerChild extends Lifecycle {
  readonly #options: ChannelServerChildOptions;
  #child: Child | undefined;
  #exited: Promise<void> = Promise.resolve();
  #url: string | undefined;
  #restartTimer: NodeJS.Timeout | undefined;
  #backoffMs = FIRST_BACKOFF_MS;
  #isKilled = false;

  constructor(options: ChannelServerChildOptions) {
    super();
    this.#options = options;
  }

  /** ws://host:port, from start() on. */
  get url(): string | undefined {
    return this.#url;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Ends it without asking. */
  kill(): void {
    this.#isKilled = true;
    this.#child?.kill('SIGKILL');
  }

  /** Has it read the key file again. */
  rereadKeys(): void {
    this.#child?.kill('SIGHUP');
  }

  protected override async onStart(): Promise<void> {
    this.#url = await this.#spawn(0);
  }

  protected override async onClose(): Promise<void> {
    clearTimeout(this.#restartTimer);
    const child = this.#child;
    if (child === undefined) return;
    child.stdin.end();
    if (await this.#exitedWithin(CLOSE_STDIN_MS)) return;
    child.kill('SIGTERM');
    if (await this.#exitedWithin(TERM_MS)) return;
    child.kill('SIGKILL');
    if (!(await this.#exitedWithin(KILL_MS)))
      this.#options.logger.error({ pid: child.pid }, 'the channel server outlives SIGKILL');
  }

  /** Resolves with its URL. */
  async #spawn(port: number): Promise<string> {
    const { path, keysFile, logger, readyTimeoutMs = READY_TIMEOUT_MS } = this.#options;
    const { PATH, HOME } = process.env;
    const child: Child = spawn(path, ['--keys', keysFile, '--port', String(port), '--exit-with-stdin'], {
      stdio: ['pipe', 'pipe', 'pipe'],
      // Ctrl-C in a terminal reaches every process of its group; this one has to outlive the engines that leave its channels.
      detached: true,
      env: {
        ...(PATH === undefined ? {} : { PATH }),
        ...(HOME === undefined ? {} : { HOME }),
        ALIRTCD_LOG_LEVEL: logger.level,
      },
    });
    this.#child = child;
    const startedMs = Date.now();
    // Writing to one that has died is not an error of ours.
    child.stdin.on('error', () => undefined);
    const lastLines: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => {
      const text = line.slice(0, MAX_LINE_CHARACTERS);
      lastLines.splice(0, Math.max(0, lastLines.length - 9));
      lastLines.push(text);
      logger.debug({ pid: child.pid, line: text }, 'channel server');
    });
    this.#exited = new Promise((resolve) => {
      child.once('error', () => resolve());
      child.once('close', () => resolve());
    });
    const failed = new Promise<never>((_resolve, reject) => {
      child.once('error', (error) => reject(new Error(`the channel server ${path} did not start: ${error.message}`)));
      child.once('close', (code, signal) =>
        reject(
          new Error(`the channel server ${path} ended (${signal ?? code}); its last lines:\n${lastLines.join('\n')}`),
        ),
      );
    });
    const url = await withDeadline(
      Promise.race([firstUrl(child), failed]),
      readyTimeoutMs,
      systemClock,
      () =>
        new Error(
          `the channel server ${path} was not ready in ${readyTimeoutMs} ms; its last lines:\n${lastLines.join('\n')}`,
        ),
    );
    failed.catch((error: unknown) => this.#onDeath(child, messageOf(error), Date.now() - startedMs));
    return url;
  }

  #onDeath(child: Child, reason: string, livedMs: number): void {
    if (this.#child !== child || this.#isKilled || this.state === 'closing' || this.state === 'closed') return;
    this.#options.logger.error({ reason }, 'the channel server died');
    if (livedMs > STABLE_MS) this.#backoffMs = FIRST_BACKOFF_MS;
    this.#restartLater();
  }

  #restartLater(): void {
    const delayMs = this.#backoffMs;
    this.#backoffMs = Math.min(LONGEST_BACKOFF_MS, delayMs * 2);
    this.#restartTimer = setTimeout(() => void this.#restart(), delayMs);
    this.#restartTimer.unref();
  }

  async #restart(): Promise<void> {
    try {
      await this.#spawn(Number(new URL(this.#url ?? 'ws://127.0.0.1:0').port));
      this.#options.logger.warn({ url: this.#url }, 'the channel server runs again');
    } catch (error) {
      this.#child?.kill('SIGKILL');
      if (this.state === 'closing' || this.state === 'closed') return;
      this.#options.logger.error({ reason: messageOf(error) }, 'the channel server did not start again');
      this.#restartLater();
    }
  }

  #exitedWithin(ms: number): Promise<boolean> {
    return withDeadline(
      this.#exited.then(() => true),
      ms,
      systemClock,
      () => new Error('still there'),
    ).catch(() => false);
  }
}

/** The one JSON line that it promises; what it prints else is passed over. */
function firstUrl(child: Child): Promise<string> {
  return new Promise((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      try {
        const { url } = JSON.parse(line.slice(0, MAX_LINE_CHARACTERS)) as { url?: unknown };
        if (typeof url === 'string') resolve(new URL(url).href.replace(/\/$/, ''));
      } catch {
        // Not the line.
      }
    });
  });
}
