import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../../support/eventually.js';
import { readCommand, runCommand, type Finished } from '../../image/support/run_command.js';

export const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
const PACKAGING = path.join(PROJECT, 'packaging', 'systemd');
const TARGETS = ['sysinit', 'basic', 'shutdown', 'network-online', 'time-sync', 'multi-user'];
const NAMESPACES = ['--pid', '--mount', '--cgroup', '--uts', '--ipc', '--net'];
const LOG = '/run/alirtcd.log';

/** The unit with the program that was built here in place of the installed one. */
export async function unitOfHere(): Promise<string> {
  const unit = await readFile(path.join(PACKAGING, 'alirtcd.service'), 'utf8');
  return unit.replace('=/usr/bin/alirtcd ', `=${path.join(PROJECT, 'dist', 'bin', 'alirtcd.mjs')} `);
}

/** A real systemd as the first process of namespaces of its own, with the unit of alirtcd and hardly another one. Takes root. */
export class SmallSystem implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #folder: string;
  /** The first process, as it is called outside. */
  #pid = 0;
  #log = '';

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.#log = (this.#log + chunk.toString()).slice(-10_000)));
  }

  static async boot(): Promise<SmallSystem> {
    const cache = path.join(PROJECT, '.cache');
    await mkdir(cache, { recursive: true });
    const folder = await mkdtemp(path.join(cache, 'systemd-'));
    const units = path.join(folder, 'units');
    await cp(PACKAGING, units, { recursive: true });
    for (const target of TARGETS)
      await writeFile(path.join(units, `${target}.target`), `[Unit]\nDescription=${target}\nDefaultDependencies=no\n`);
    await writeFile(path.join(units, 'alirtcd.service'), await unitOfHere());
    const boot = path.join(PROJECT, 'test', 'systemd', 'support', 'boot.sh');
    const args = [...NAMESPACES, '--fork', '--kill-child=KILL', boot, units, PACKAGING];
    const system = new SmallSystem(spawn('unshare', args, { stdio: ['ignore', 'pipe', 'pipe'] }), folder);
    try {
      await eventually(() => system.#whyNotUp(), 30_000);
      // There is no journal in this machine. What lies in a home would be hidden from the service.
      const isInHome = /^\/(root|home)\//.test(PROJECT);
      const home = isInHome ? `ProtectHome=tmpfs\nBindReadOnlyPaths=${PROJECT}\n` : '';
      await system.dropIn('here', `StandardOutput=append:${LOG}\nStandardError=append:${LOG}\n${home}`);
      return system;
    } catch (error) {
      await system[Symbol.asyncDispose]();
      throw new Error(`systemd did not come up:\n${system.#log}`, { cause: error });
    }
  }

  /** Sets more of the unit, for the next start. */
  async dropIn(name: string, service: string): Promise<void> {
    const folder = '/run/units/alirtcd.service.d';
    await this.shell(
      `mkdir -p ${folder} && printf '[Service]\\n${service.replaceAll('\n', '\\n')}' > ${folder}/${name}.conf`,
    );
    await this.systemctl('daemon-reload');
  }

  /** In the machine, as its root. */
  run(...command: string[]): Promise<Finished> {
    return runCommand('nsenter', ['-t', String(this.#pid), '-p', '-m', '-C', '-u', '-i', '-n', '--', ...command]);
  }

  /** Rejects when it fails. */
  shell(text: string): Promise<string> {
    return this.#read('sh', '-c', text);
  }

  systemctl(...args: string[]): Promise<string> {
    return this.#read('systemctl', '--no-pager', ...args);
  }

  /** A property of the unit. */
  show(property: string): Promise<string> {
    return this.systemctl('show', 'alirtcd', '--value', '-p', property);
  }

  /** The command line of alirtc, at the daemon's socket. */
  alirtc(...args: string[]): string[] {
    const program = path.join(PROJECT, 'dist', 'bin', 'alirtc.mjs');
    return [process.execPath, program, '--address', 'unix:/run/alirtcd/alirtcd.sock', ...args];
  }

  /** What the daemon wrote. */
  async daemonLog(): Promise<string> {
    return (await this.run('cat', LOG)).out;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await exited;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  #read(...command: string[]): Promise<string> {
    const args = ['-t', String(this.#pid), '-p', '-m', '-C', '-u', '-i', '-n', '--', ...command];
    return readCommand('nsenter', args, process.env, 60_000);
  }

  async #whyNotUp(): Promise<string | undefined> {
    const { pid = 0, exitCode } = this.#child;
    if (exitCode !== null) return `it ended with ${exitCode}`;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    this.#pid = Number(children.trim().split(' ')[0]);
    if (this.#pid === 0) return 'no first process';
    const { code, out, err } = await this.run('systemctl', 'is-system-running');
    return code === 0 ? undefined : out + err;
  }
}
