import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { AlirtcClient } from '../../../client/index.js';
import type { AlirtcEvent, Engine } from '../../../client/index.js';
import { file, type Group } from './control_group.js';

export const USER_ID = 200;
export const HUNGRY_CORE = '/test/hungry_core';
const READY_MS = 120_000;
/** By its path: busybox's shell takes its own one else. */
const AS_USER = ['/usr/bin/setpriv', '--reuid=alirtcd', '--regid=alirtcd', '--clear-groups'];
/** The shell goes into the group; who takes its place is there from its first moment on. */
const IN_GROUP = 'echo 0 > "$0" && exec "$@"';

/** alirtcd as its own user, started in a control group as a service manager does. */
export class GuestDaemon {
  readonly log: string[];
  readonly client: AlirtcClient;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, client: AlirtcClient, log: string[]) {
    this.#child = child;
    this.client = client;
    this.log = log;
  }

  static async start(group: Group, ...flags: string[]): Promise<GuestDaemon> {
    const folder = mkdtempSync('/tmp/node-');
    chownSync(folder, USER_ID, USER_ID);
    const address = `unix:${folder}/alirtcd.sock`;
    const own = [
      '--listen',
      address,
      '--log-root',
      `${folder}/log`,
      '--http-listen',
      'off',
      '--capacity-ms',
      '1000000',
      '--core-service',
      HUNGRY_CORE,
    ];
    const child = spawn('sh', ['-c', IN_GROUP, file(group, 'cgroup.procs'), ...AS_USER, 'alirtcd', ...own, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: '/usr/bin', HOME: folder, TMPDIR: folder },
    });
    const log: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => log.push(line));
    await readyLine(child, log);
    return new GuestDaemon(child, await AlirtcClient.connect(address, { connectTimeoutMs: READY_MS }), log);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The lines of its log in which that stands. */
  said(text: string): string[] {
    return this.log.filter((line) => line.includes(text));
  }

  /** Gives the exit code, or the signal's name. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string | null> {
    this.client.close();
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    await exited;
    return this.#child.exitCode ?? this.#child.signalCode;
  }
}

function readyLine(child: ChildProcess, log: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`${why}: ${log.slice(-20).join('\n')}`));
    setTimeout(() => fail('the daemon is not ready'), READY_MS).unref();
    child.once('exit', (code) => fail(`the daemon ended with ${code}`));
    if (child.stdout !== null) createInterface({ input: child.stdout }).once('line', () => resolve());
  });
}

/** All events of an engine from its first on, as they come. */
export function eventsOf(engine: Engine): AlirtcEvent[] {
  const events: AlirtcEvent[] = [];
  void (async () => {
    for await (const event of engine.events({ fromSequence: 1 })) events.push(event);
  })().catch(() => undefined);
  return events;
}
