import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../../common/errors.js';
import type { Logger } from '../../common/logger.js';

/** What one core process may use; 0: as much as there is. */
export interface CoreLimits {
  memoryMb: number;
  /** Of one processor: 150 is one and a half. */
  cpuPercent: number;
}

export interface CoreGroupsOptions {
  limits: CoreLimits;
  logger: Logger;
  /** Where cgroup v2 is mounted. */
  root?: string;
  /** The file that says in which group this process is (cgroups(7)). */
  own?: string;
}

const PERIOD_US = 100_000;
const DAEMON_GROUP = 'alirtcd-daemon';

/** A control group (cgroup v2, kernel.org "Control Group v2") for each core process, below the daemon's own, which the platform has to have delegated. */
export class CoreGroups {
  readonly #folder: string;
  readonly #options: CoreGroupsOptions;

  private constructor(folder: string, options: CoreGroupsOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Undefined where no limits are wanted, or, with one line in the log, where they cannot be had. */
  static open(options: CoreGroupsOptions): CoreGroups | undefined {
    const { memoryMb, cpuPercent } = options.limits;
    const wanted = [...(memoryMb > 0 ? ['memory'] : []), ...(cpuPercent > 0 ? ['cpu'] : [])];
    if (wanted.length === 0) return undefined;
    try {
      return new CoreGroups(prepare(options, wanted), options);
    } catch (error) {
      options.logger.warn(
        { reason: messageOf(error), wanted },
        'limits of core processes are not available: cgroup v2 is not delegated to the daemon; cores run without',
      );
      return undefined;
    }
  }

  /** Puts a process into a group of its own. The returned function removes the group once the process has ended. */
  add(pid: number): () => void {
    const { memoryMb, cpuPercent } = this.#options.limits;
    const group = path.join(this.#folder, `core-${pid}`);
    const remove = (): void => {
      try {
        rmdirSync(group);
      } catch (error) {
        this.#options.logger.warn({ group, reason: messageOf(error) }, 'the group of a core process is left behind');
      }
    };
    mkdirSync(group);
    try {
      if (memoryMb > 0) writeFileSync(path.join(group, 'memory.max'), String(memoryMb * 1024 * 1024));
      if (cpuPercent > 0)
        writeFileSync(path.join(group, 'cpu.max'), `${Math.round((cpuPercent / 100) * PERIOD_US)} ${PERIOD_US}`);
      writeFileSync(path.join(group, 'cgroup.procs'), String(pid));
    } catch (error) {
      remove();
      throw error;
    }
    return remove;
  }
}

/** The daemon's own group with the controllers switched on for the groups in it. */
function prepare({ root = '/sys/fs/cgroup', own = '/proc/self/cgroup' }: CoreGroupsOptions, wanted: string[]): string {
  const line = readFileSync(own, 'utf8')
    .split('\n')
    .find((one) => one.startsWith('0::'));
  if (line === undefined) throw new Error('there is no cgroup v2');
  const folder = path.join(root, line.slice('0::'.length));
  const has = readFileSync(path.join(folder, 'cgroup.controllers'), 'utf8').trim().split(' ');
  const missing = wanted.filter((controller) => !has.includes(controller));
  if (missing.length > 0) throw new Error(`the daemon's group has no controller ${missing.join(', ')}`);
  // A group has processes of its own, or groups with controllers: the daemon goes into one beside the cores.
  const daemon = path.join(folder, DAEMON_GROUP);
  mkdirSync(daemon, { recursive: true });
  writeFileSync(path.join(daemon, 'cgroup.procs'), String(process.pid));
  writeFileSync(path.join(folder, 'cgroup.subtree_control'), wanted.map((controller) => `+${controller}`).join(' '));
  return folder;
}
