import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const ASK_PERIOD_MS = 50;
const READY_TIMEOUT_MS = 30_000;
const END_TIMEOUT_MS = 10_000;
const SHOWN_LINES = 60;
const SHOWN_CHARACTERS = 600;

export interface LoggedProcessOptions {
  /** For messages. */
  name: string;
  command: string;
  args: readonly string[];
  logFile: string;
  /** Asked until it gives true; a rejection is a no. */
  isReady: () => Promise<boolean>;
}

/** A server in a process of its own: its output in a file, its readiness asked for, ended by its process id. May be started again after its end. */
export class LoggedProcess {
  readonly #options: LoggedProcessOptions;
  readonly #killAtExit = (): void => void this.#child?.kill('SIGKILL');
  #child: ChildProcess | undefined;

  constructor(options: LoggedProcessOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.isRunning ? this.#child?.pid : undefined;
  }

  get isRunning(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  /** Nothing happens when it runs. Rejects, with its last lines, when it ends or is not ready in time; it does not run then. */
  async start(): Promise<void> {
    if (this.isRunning) return;
    const { command, args, logFile, name } = this.#options;
    const log = openSync(logFile, 'a', 0o600);
    // It also ends with a test run that is killed: prctl(2), PR_SET_PDEATHSIG. setpriv becomes the command, with the same process id.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', command, ...args], { stdio: ['ignore', log, log] });
    this.#child = child;
    process.once('exit', this.#killAtExit);
    closeSync(log);
    const failed = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? code}`));
    });
    const outcome = await Promise.race([failed, this.#ready()]);
    if (outcome === undefined) return;
    await this.end('SIGKILL');
    throw new Error(`${name} did not start: ${outcome}\n${this.lastLines().join('\n')}`);
  }

  async #ready(): Promise<string | undefined> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (performance.now() < deadline) {
      if (await this.#options.isReady().catch(() => false)) return undefined;
      if (!this.isRunning) return 'it ended';
      await delay(ASK_PERIOD_MS);
    }
    return `not ready in ${READY_TIMEOUT_MS} ms`;
  }

  /** Ends it and waits; SIGKILL when the signal alone does not do it. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    process.off('exit', this.#killAtExit);
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    // One that is stopped hears of the signal only then.
    child.kill('SIGCONT');
    const timer = setTimeout(() => child.kill('SIGKILL'), END_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  }

  /** SIGSTOP, SIGCONT and the like. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  lastLines(count = SHOWN_LINES): string[] {
    try {
      const lines = readFileSync(this.#options.logFile, 'utf8').trimEnd().split('\n').slice(-count);
      return lines.map((line) => line.slice(0, SHOWN_CHARACTERS));
    } catch {
      return [];
    }
  }
}
