import os from 'node:os';
import { messageOf } from '../../common/errors.js';
import type { Logger } from '../../common/logger.js';
import type { CoreGroups, LeaveGroup } from './core_groups.js';

/** What the system is told of a core process that has just been spawned. */
export interface CoreSurroundings {
  /** The returned function is called once the process has ended; it says why the system ended it, where it did. */
  enter(pid: number): LeaveGroup;
  /** At the daemon's end, behind the last process. */
  close(): void;
}

/** Priority and control group. What cannot be done is logged: a core without it is better than none. */
export class SystemSurroundings implements CoreSurroundings {
  readonly #nice: number;
  readonly #groups: CoreGroups | undefined;
  readonly #logger: Logger;

  /** nice: 0 to 19, added to nothing: the value itself (nice(2)). */
  constructor(options: { nice: number; groups: CoreGroups | undefined; logger: Logger }) {
    this.#nice = options.nice;
    this.#groups = options.groups;
    this.#logger = options.logger;
  }

  enter(pid: number): LeaveGroup {
    // The process has one thread yet; those that it makes inherit both.
    if (this.#nice > 0) this.#try('nice', pid, () => os.setPriority(pid, this.#nice));
    return this.#try('cgroup', pid, () => this.#groups?.add(pid)) ?? (() => undefined);
  }

  close(): void {
    this.#groups?.close();
  }

  #try<T>(what: string, pid: number, act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      this.#logger.warn({ pid, what, reason: messageOf(error) }, 'a core process could not be limited');
      return undefined;
    }
  }
}
