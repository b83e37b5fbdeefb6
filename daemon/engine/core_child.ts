import type { AlirtcError } from '../../common/errors.js';
import type { Logger } from '../../common/logger.js';
import type { CoreChild, SpawnOptions } from './core_executable.js';
import { cannotExecute, spawnCore } from './core_executable.js';
import { CoreLog } from './core_log.js';
import type { LeaveGroup } from './core_groups.js';
import type { CoreSurroundings } from './core_surroundings.js';

export interface CoreChildOptions extends SpawnOptions {
  logger: Logger;
  keptLines?: number;
  surroundings?: CoreSurroundings;
}

export interface CoreExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

const BIND_LINE = /^\s*Bind port:\s*(\d{1,5})\s*$/;
const HIGHEST_PORT = 65_535;
/** How long output is awaited after the exit: a grandchild may hold the pipes open. */
const OUTPUT_AFTER_EXIT_MS = 200;

/** Processes that run. When the daemon exits, whatever the reason, they go with it: a core that is deaf to the end of its socket too. */
const running = new Set<CoreChild>();

function killRunning(): void {
  for (const child of running) child.kill('SIGKILL');
}

function keepTrack(child: CoreChild): void {
  if (running.size === 0) process.on('exit', killRunning);
  running.add(child);
}

function loseTrack(child: CoreChild): void {
  running.delete(child);
  if (running.size === 0) process.off('exit', killRunning);
}

/** The operating system's side of a core process: what it prints, its exit, signals to it. */
export class CoreChildHandle {
  readonly #child: CoreChild;
  readonly #log: CoreLog;
  readonly #path: string;
  readonly #leave: LeaveGroup | undefined;
  #whyEnded: string | undefined;
  #exit: CoreExit | undefined;
  #spawnError: AlirtcError | undefined;
  #resolveBindPort!: (port: number) => void;
  /** The port of its line "Bind port: <port>". Stays pending when it never prints one. */
  readonly bindPort: Promise<number> = new Promise((resolve) => (this.#resolveBindPort = resolve));
  /** The process has ended, or could not be started, and its last output has been read. Never rejects. */
  readonly exited: Promise<void>;

  constructor(options: CoreChildOptions) {
    this.#path = options.path;
    this.#log = new CoreLog(options, (line) => this.#onStdoutLine(line));
    this.#child = spawnCore(options);
    const { pid } = this.#child;
    if (pid !== undefined) this.#leave = options.surroundings?.enter(pid);
    this.#child.stdout.on('data', (chunk: Buffer) => this.#log.feed('stdout', chunk));
    this.#child.stderr.on('data', (chunk: Buffer) => this.#log.feed('stderr', chunk));
    this.exited = this.#watch();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get lastLines(): readonly string[] {
    return this.#log.lastLines;
  }

  get exit(): CoreExit | undefined {
    return this.#exit;
  }

  /** Set when the system could not execute the file. */
  get spawnError(): AlirtcError | undefined {
    return this.#spawnError;
  }

  /** How it ended, for people. */
  get exitText(): string {
    if (this.#exit === undefined) return 'it runs';
    const { code, signal } = this.#exit;
    const text = signal === null ? `it exited with code ${code ?? 'unknown'}` : `it was ended by ${signal}`;
    return this.#whyEnded === undefined ? text : `${text}: ${this.#whyEnded}`;
  }

  /** True when the process has ended by then. */
  async exitedWithin(timeoutMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), timeoutMs)));
    const ended = await Promise.race([this.exited.then(() => true), timeout]);
    clearTimeout(timer);
    return ended;
  }

  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#child.kill(signal);
  }

  /** Lets go of the pipes. */
  release(): void {
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
  }

  #watch(): Promise<void> {
    const child = this.#child;
    keepTrack(child);
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const settle = (): void => {
        clearTimeout(timer);
        this.#log.end();
        resolve();
      };
      child.once('exit', (code, signal) => {
        this.#exit = { code, signal };
        loseTrack(child);
        this.#whyEnded = this.#leave?.();
        timer = setTimeout(settle, OUTPUT_AFTER_EXIT_MS);
      });
      child.once('close', settle);
      child.on('error', (error) => {
        // Also emitted when a signal cannot be delivered; only without a process id there was no process.
        if (child.pid !== undefined) return;
        loseTrack(child);
        this.#spawnError = cannotExecute(this.#path, error);
        settle();
      });
    });
  }

  #onStdoutLine(line: string): boolean {
    const port = Number(BIND_LINE.exec(line)?.[1] ?? 0);
    if (port < 1 || port > HIGHEST_PORT) return false;
    this.#resolveBindPort(port);
    return true;
  }
}
