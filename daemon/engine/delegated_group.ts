import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../../common/errors.js';

export interface DelegatedGroupOptions {
  /** Where cgroup v2 is mounted. */
  root?: string;
  /** The file that says in which group this process is (cgroups(7)). */
  own?: string;
}

/** systemd's DelegateSubgroup= may name it, too. */
const DAEMON_GROUP = 'alirtcd-daemon';
const CORE_GROUP = /^core-\d+$/;

/**
 * The control group (cgroup v2, kernel.org "Control Group v2") that the platform has delegated to the daemon. A group has processes of its own, or groups with
 * controllers: so the daemon, and every other process that it starts, is in a group beside those of the cores.
 */
export class DelegatedGroup {
  readonly folder: string;
  readonly #controllers: readonly string[];
  readonly #daemon: string;
  /** The platform has put the daemon into its place already. */
  readonly #wasInside: boolean;

  private constructor(own: string, controllers: readonly string[]) {
    this.#controllers = controllers;
    this.#wasInside = path.basename(own) === DAEMON_GROUP;
    this.folder = this.#wasInside ? path.dirname(own) : own;
    this.#daemon = path.join(this.folder, DAEMON_GROUP);
  }

  /** Throws, with nothing changed, when it is not delegated, has not these controllers, or holds processes of others. */
  static enter(controllers: readonly string[], options: DelegatedGroupOptions): DelegatedGroup {
    const { root = '/sys/fs/cgroup', own = '/proc/self/cgroup' } = options;
    const line = readFileSync(own, 'utf8')
      .split('\n')
      .find((one) => one.startsWith('0::'));
    if (line === undefined) throw new Error('there is no cgroup v2');
    const group = new DelegatedGroup(path.join(root, line.slice('0::'.length)), controllers);
    const has = readFileSync(path.join(group.folder, 'cgroup.controllers'), 'utf8').trim().split(' ');
    const missing = controllers.filter((controller) => !has.includes(controller));
    if (missing.length > 0) throw new Error(`the daemon's group has no controller ${missing.join(', ')}`);
    mkdirSync(group.#daemon, { recursive: true });
    try {
      group.#move(group.#daemon);
      group.#switch('+');
    } catch (error) {
      const explained = group.#explained(error);
      group.#stepBack();
      throw explained;
    }
    group.#removeLeftBehind();
    return group;
  }

  /** Behind the last core: as it was found, so that another daemon can be started in it. What others are in stays as it is. */
  leave(): void {
    try {
      if (this.#coreGroups().length > 0 || this.#processesIn(this.#daemon).some((pid) => pid !== process.pid)) return;
      this.#switch('-');
    } catch {
      // The platform has taken it away, or somebody else uses it.
      return;
    }
    this.#stepBack();
  }

  /** Of a daemon that was killed. One that has processes cannot be removed. */
  #removeLeftBehind(): void {
    for (const name of this.#coreGroups())
      try {
        rmdirSync(path.join(this.folder, name));
      } catch {
        // Of another daemon in the same group.
      }
  }

  #coreGroups(): string[] {
    return readdirSync(this.folder).filter((name) => CORE_GROUP.test(name));
  }

  #switch(sign: '+' | '-'): void {
    const words = this.#controllers.map((controller) => `${sign}${controller}`);
    writeFileSync(path.join(this.folder, 'cgroup.subtree_control'), words.join(' '));
  }

  #move(folder: string): void {
    writeFileSync(path.join(folder, 'cgroup.procs'), String(process.pid));
  }

  #stepBack(): void {
    if (this.#wasInside) return;
    try {
      this.#move(this.folder);
      rmdirSync(this.#daemon);
    } catch {
      // It is as good a place as the one above.
    }
  }

  /** The kernel says EBUSY, and not of whom. */
  #explained(error: unknown): Error {
    const others = this.#processesIn(this.folder).filter((pid) => pid !== process.pid);
    if (others.length === 0) return error instanceof Error ? error : new Error(messageOf(error));
    const names = others.slice(0, 3).map((pid) => `${nameOf(pid)} (${pid})`);
    const text = `other processes are in the daemon's group, which has to be its own: ${names.join(', ')}`;
    return new Error(`${text}${others.length > names.length ? ' and more' : ''}`, { cause: error });
  }

  #processesIn(folder: string): number[] {
    try {
      const lines = readFileSync(path.join(folder, 'cgroup.procs'), 'utf8').split('\n');
      return lines.filter((line) => line !== '').map(Number);
    } catch {
      return [];
    }
  }
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
