import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../../common/errors.js';
import type { Logger } from '../../common/logger.js';
import type { Clock } from '../clock.js';
import { DelegatedGroup } from './delegated_group.js';
import type { DelegatedGroupOptions } from './delegated_group.js';

/** What one core process may use; 0: as much as there is. */
export interface CoreLimits {
  memoryMb: number;
  /** Of one processor: 150 is one and a half. */
  cpuPercent: number;
}

export interface CoreGroupsOptions extends DelegatedGroupOptions {
  limits: CoreLimits;
  clock: Clock;
  logger: Logger;
}

/** Called once the process has ended; says why the system ended it, where it did. */
export type LeaveGroup = () => string | undefined;

const PERIOD_US = 100_000;
/** A group whose processes were killed is empty a moment later. */
const REMOVE_AGAIN_MS = 50;
const REMOVALS = 40;

/** A control group for each core process, in the one that the platform has delegated to the daemon. */
export class CoreGroups {
  readonly #delegated: DelegatedGroup;
  readonly #options: CoreGroupsOptions;
  /** Groups that could not be removed yet, and what takes back the next trial. */
  readonly #remaining = new Map<string, () => void>();

  private constructor(delegated: DelegatedGroup, options: CoreGroupsOptions) {
    this.#delegated = delegated;
    this.#options = options;
  }

  /**
   * Undefined where no limits are wanted, or, with one line in the log, where they cannot be had. Before the daemon has started any other process: it would be in the way.
   */
  static open(options: CoreGroupsOptions): CoreGroups | undefined {
    const { memoryMb, cpuPercent } = options.limits;
    const wanted = [...(memoryMb > 0 ? ['memory'] : []), ...(cpuPercent > 0 ? ['cpu'] : [])];
    if (wanted.length === 0) return undefined;
    try {
      return new CoreGroups(DelegatedGroup.enter(wanted, options), options);
    } catch (error) {
      options.logger.warn(
        { reason: messageOf(error), wanted },
        'limits of core processes are not available: cgroup v2 is not delegated to the daemon; cores run without',
      );
      return undefined;
    }
  }

  /** Puts a process into a group of its own. */
  add(pid: number): LeaveGroup {
    const group = path.join(this.#delegated.folder, `core-${pid}`);
    // Of a process that had the same number; an empty one can be removed.
    if (existsSync(group)) rmdirSync(group);
    mkdirSync(group);
    try {
      this.#limit(group);
      writeFileSync(path.join(group, 'cgroup.procs'), String(pid));
    } catch (error) {
      this.#remove(group, REMOVALS);
      throw error;
    }
    return () => {
      const why = this.#whyEnded(group);
      this.#remove(group, REMOVALS);
      return why;
    };
  }

  /** Behind the last core: leaves the delegated group as it was found. */
  close(): void {
    for (const [group, cancel] of this.#remaining) {
      cancel();
      this.#remove(group, 1);
    }
    this.#delegated.leave();
  }

  #limit(group: string): void {
    const { memoryMb, cpuPercent } = this.#options.limits;
    if (cpuPercent > 0)
      writeFileSync(path.join(group, 'cpu.max'), `${Math.round((cpuPercent / 100) * PERIOD_US)} ${PERIOD_US}`);
    if (memoryMb === 0) return;
    writeFileSync(path.join(group, 'memory.max'), String(memoryMb * 1024 * 1024));
    // What is beyond it would be swapped, and the core with it, for minutes. Not there without swap accounting.
    writeWhereThere(path.join(group, 'memory.swap.max'), '0');
    // A core that has made processes ends with all of them, not with the largest.
    writeWhereThere(path.join(group, 'memory.oom.group'), '1');
  }

  #whyEnded(group: string): string | undefined {
    const { memoryMb } = this.#options.limits;
    if (memoryMb === 0) return undefined;
    try {
      const kills = /^oom_kill (\d+)$/m.exec(readFileSync(path.join(group, 'memory.events'), 'utf8'))?.[1];
      return Number(kills ?? 0) > 0 ? `it took more memory than core-memory-mb allows: ${memoryMb} MB` : undefined;
    } catch {
      return undefined;
    }
  }

  /** The kernel refuses while a process is in it: one that the core has left there. */
  #remove(group: string, trials: number): void {
    this.#remaining.delete(group);
    try {
      rmdirSync(group);
    } catch (error) {
      if (trials > 1) {
        writeWhereThere(path.join(group, 'cgroup.kill'), '1');
        const again = (): void => this.#remove(group, trials - 1);
        this.#remaining.set(group, this.#options.clock.after(REMOVE_AGAIN_MS, again));
        return;
      }
      this.#options.logger.warn({ group, reason: messageOf(error) }, 'the group of a core process is left behind');
    }
  }
}

/** Files that not every kernel has; it takes none that it does not know. */
function writeWhereThere(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch {
    // The group does without.
  }
}
