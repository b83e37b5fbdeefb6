import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../../common/errors.js';
import type { EndCause } from '../../common/lifecycle.js';
import { Lifecycle } from '../../common/lifecycle.js';
import type { Logger } from '../../common/logger.js';
import type { Clock } from '../clock.js';
import { CoreProcess } from './core_process.js';
import type { CoreProcessOptions } from './core_process.js';
import { isHalted } from './is_halted.js';
import { PortRange } from './port_range.js';

export interface WarmCoresOptions extends Pick<
  CoreProcessOptions,
  'environment' | 'coreDumps' | 'readyTimeoutMs' | 'ladder' | 'surroundings'
> {
  /** How many are kept. */
  count: number;
  servicePath: string;
  ports: { low: number; high: number };
  /** Each core works in a folder of its own below this one, which goes with the process. */
  workRoot: string;
  clock: Clock;
  logger: Logger;
}

/** A core process that nobody has told anything yet. */
export interface WarmCore {
  core: CoreProcess;
  /** What it logs with; whoever takes it says for which engine. */
  logger: Logger;
}

/** Behind a creation: the engine's join is to have the processor first. */
const REFILL_DELAY_MS = 200;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

/**
 * Core processes that are started and connected before anybody asks for an engine. One that is taken is replaced in the background, one after the other; one that dies
 * too. Where none can be started it is tried again, after longer and longer pauses: engines are then started as without a pool.
 */
export class WarmCores extends Lifecycle {
  readonly #options: WarmCoresOptions;
  readonly #logger: Logger;
  readonly #idle: WarmCore[] = [];
  readonly #folders = new Set<Promise<void>>();
  #starting: CoreProcess | undefined;
  #filling: Promise<void> | undefined;
  #cancelRefill: () => void = () => undefined;
  #retryMs = FIRST_RETRY_MS;

  constructor(options: WarmCoresOptions) {
    super();
    this.#options = options;
    this.#logger = options.logger;
  }

  /** How many can be taken now. */
  get size(): number {
    return this.#idle.length;
  }

  get processIds(): number[] {
    return this.#idle.flatMap(({ core }) => (core.pid === undefined ? [] : [core.pid]));
  }

  /** The one that has waited longest, when it fits. It is the taker's from then on. */
  take(servicePath: string, lowPort: number, highPort: number): WarmCore | undefined {
    if (this.state !== 'ready' || servicePath !== this.#options.servicePath) return undefined;
    for (;;) {
      const index = this.#idle.findIndex(({ core: { port = 0 } }) => port >= lowPort && port <= highPort);
      const [taken] = index < 0 ? [] : this.#idle.splice(index, 1);
      if (taken === undefined) return undefined;
      this.#refillAfter(REFILL_DELAY_MS);
      const { pid } = taken.core;
      if (pid !== undefined && !isHalted(pid)) return taken;
      // Nobody asks it anything while it waits, so nobody has found it: the creation would, when its time is over.
      this.#logger.warn({ pid }, 'a warm core was halted: it is ended');
      taken.core.kill();
      void taken.core.close();
    }
  }

  /** Does not wait for the first ones. */
  protected override onStart(): Promise<void> {
    this.#refillAfter(0);
    return Promise.resolve();
  }

  protected override async onClose(cause: EndCause): Promise<void> {
    this.#cancelRefill();
    void this.#starting?.close(cause);
    await this.#filling;
    await Promise.all(this.#idle.splice(0).map(({ core }) => core.close(cause)));
    await Promise.all(this.#folders);
  }

  #refillAfter(delayMs: number): void {
    this.#cancelRefill();
    this.#cancelRefill = this.#options.clock.after(delayMs, () => {
      this.#filling ??= this.#fill().finally(() => (this.#filling = undefined));
    });
  }

  async #fill(): Promise<void> {
    while (this.#isOpen && this.#idle.length < this.#options.count) {
      try {
        await this.#startOne();
        this.#retryMs = FIRST_RETRY_MS;
      } catch (error) {
        if (!this.#isOpen) return;
        this.#logger.warn({ reason: messageOf(error), retryMs: this.#retryMs }, 'a warm core could not be started');
        this.#refillLater();
        return;
      }
    }
  }

  async #startOne(): Promise<void> {
    const { servicePath, ports, workRoot, environment, coreDumps, readyTimeoutMs, ladder, surroundings } =
      this.#options;
    const logger = this.#logger.child({ warmCore: true });
    const workFolder = path.join(workRoot, randomBytes(6).toString('hex'));
    const core = new CoreProcess({
      path: servicePath,
      ports: new PortRange(ports),
      workFolder,
      logger,
      ...(environment === undefined ? {} : { environment }),
      ...(surroundings === undefined ? {} : { surroundings }),
      ...(coreDumps === undefined ? {} : { coreDumps }),
      ...(readyTimeoutMs === undefined ? {} : { readyTimeoutMs }),
      ...(ladder === undefined ? {} : { ladder }),
    });
    void core.done.then(() => this.#onEnd(core, workFolder));
    this.#starting = core;
    try {
      await core.start();
    } finally {
      this.#starting = undefined;
    }
    if (this.#isOpen) this.#idle.push({ core, logger });
    else await core.close();
  }

  /** Also of one that was taken: its folder goes with it. */
  #onEnd(core: CoreProcess, workFolder: string): void {
    const removed = rm(workFolder, { recursive: true, force: true })
      .catch(() => undefined)
      .finally(() => this.#folders.delete(removed));
    this.#folders.add(removed);
    const index = this.#idle.findIndex((idle) => idle.core === core);
    if (index < 0) return;
    this.#idle.splice(index, 1);
    if (!this.#isOpen) return;
    this.#logger.warn({ pid: core.pid }, 'a warm core died');
    this.#refillLater();
  }

  #refillLater(): void {
    this.#refillAfter(this.#retryMs);
    this.#retryMs = Math.min(LONGEST_RETRY_MS, 2 * this.#retryMs);
  }

  get #isOpen(): boolean {
    return this.state === 'starting' || this.state === 'ready';
  }
}
