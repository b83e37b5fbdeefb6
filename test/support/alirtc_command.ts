import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from './eventually.js';
import { BIN } from './running_daemon.js';

export interface Ended {
  code: number | string;
  out: string[];
  err: string[];
}

const ALIRTC = path.join(BIN, 'alirtc.mjs');
const LONGEST_MS = 60_000;

/** The built alirtc as a process of its own; what it prints is there line by line. */
export class AlirtcCommand {
  readonly child: ChildProcess;
  readonly out: string[] = [];
  readonly err: string[] = [];
  readonly ended: Promise<Ended>;

  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, [ALIRTC, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
      timeout: LONGEST_MS,
      killSignal: 'SIGKILL',
    });
    const { stdout, stderr } = this.child;
    if (stdout === null || stderr === null) throw new Error('the command has no output');
    createInterface({ input: stdout }).on('line', (line) => this.out.push(line));
    createInterface({ input: stderr }).on('line', (line) => this.err.push(line));
    this.ended = once(this.child, 'close').then(([code, signal]) => ({
      code: (code ?? signal) as number | string,
      out: this.out,
      err: this.err,
    }));
  }

  /** Resolves with the first line of standard output that fits. */
  async line(fits: (line: string) => boolean, timeoutMs = 20_000): Promise<string> {
    await eventually(() => (this.out.some(fits) ? undefined : this.all()), timeoutMs);
    return this.out.find(fits) ?? '';
  }

  /** Ctrl-C. */
  async interrupt(): Promise<Ended> {
    this.child.kill('SIGINT');
    return this.ended;
  }

  all(): string {
    return [...this.out, ...this.err].join('\n');
  }
}

/** Runs it to its end. */
export function alirtc(args: readonly string[], environment?: Readonly<Record<string, string>>): Promise<Ended> {
  return new AlirtcCommand(args, environment).ended;
}
