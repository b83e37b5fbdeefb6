import type { EndCause } from '../../common/lifecycle.js';
import { messageOf } from '../../common/errors.js';
import type { Logger } from '../../common/logger.js';
import type { CoreRestart } from '../../gen/alirtc/v1/events.js';
import { CoreRestartStep } from '../../gen/alirtc/v1/events.js';
import type { Clock } from '../clock.js';
import { CoreHeartbeat } from './core_heartbeat.js';
import type { HeartbeatOptions } from './core_heartbeat.js';
import { RestartBudget } from './core_restart_policy.js';
import type { RestartPolicy } from './core_restart_policy.js';
import type { EngineCore } from './engine_core.js';

/** What a supervisor does for its engine, and what it asks of it. */
export interface SupervisedEngine {
  readonly clock: Clock;
  readonly logger: Logger;
  /** A new process; rejects when the signal aborts. */
  startCore(signal: AbortSignal): Promise<EngineCore>;
  /** Tells a new core what every core is told; resolves when it has answered. */
  greet(core: EngineCore): Promise<void>;
  /** GET_SDK_VERSION. */
  ask(): Promise<unknown>;
  /** The core is lost. With `restarts` another one is going to take its place. */
  onLost(error: Error, restarts: boolean): void;
  /** The core of an attempt is lost: whoever waits for it stops. */
  onAttemptLost(error: Error): void;
  /** Brings the engine to where it was before; `step` tells how far it is. Rejects when the core is not fit for it. */
  comeBack(step: TellStep, signal: AbortSignal): Promise<void>;
  tell(step: CoreRestart): void;
  /** No core is started any more. */
  onGivenUp(error: Error): void;
}

export type TellStep = (step: CoreRestartStep, facts?: Partial<CoreRestart>) => void;

export interface SupervisorOptions {
  policy: RestartPolicy;
  heartbeat: HeartbeatOptions;
}

const HEADLINE_CHARACTERS = 1_000;

/** The core process of one engine: starts it, notices when it dies or hangs, and by policy puts another one in its place. */
export class CoreSupervisor {
  readonly #engine: SupervisedEngine;
  readonly #options: SupervisorOptions;
  readonly #budget: RestartBudget;
  readonly #heartbeat: CoreHeartbeat;
  readonly #stopping = new AbortController();
  /** Processes that are being ended. */
  readonly #ending = new Set<Promise<void>>();
  #core: EngineCore | undefined;
  #started = false;
  #hung: Error | undefined;
  #recovery: Promise<void> | undefined;
  /** The core of the attempt that is under way died of it. */
  #attemptLoss: Error | undefined;
  #lostAtMs = 0;
  #restarts = 0;

  constructor(engine: SupervisedEngine, options: SupervisorOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#budget = new RestartBudget(options.policy);
    this.#heartbeat = new CoreHeartbeat(
      options.heartbeat,
      engine.clock,
      () => engine.ask(),
      () => this.#onHung(),
    );
  }

  get core(): EngineCore | undefined {
    return this.#core;
  }

  get isRestarting(): boolean {
    return this.#recovery !== undefined;
  }

  /** True: a core that dies from now on is replaced, as far as the policy's attempts go. */
  get replaces(): boolean {
    return this.#started && this.#options.policy.mode === 'on-crash' && !this.#stopping.signal.aborted;
  }

  /** Cores that took the place of another since the beginning. */
  get restarts(): number {
    return this.#restarts;
  }

  /** The first core. A failure of it is the failure of the start. */
  async start(): Promise<void> {
    await this.#newCore();
    this.#started = true;
    this.#heartbeat.start();
  }

  /** Ends the core, and whatever is left of those before it. Bounded by their ladders. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the engine ends'));
    this.#heartbeat.stop();
    await this.#recovery;
    const core = this.#core;
    this.#core = undefined;
    await core?.close();
    await Promise.all(this.#ending);
  }

  async #newCore(): Promise<void> {
    const { signal } = this.#stopping;
    const core = await this.#engine.startCore(signal);
    this.#core = core;
    this.#hung = undefined;
    void core.done.then((cause) => this.#onDone(core, cause));
    await this.#engine.greet(core);
  }

  #onHung(): void {
    const { limitMs } = this.#options.heartbeat;
    this.#hung = new Error(`the core process hangs: no answer to GET_SDK_VERSION in ${limitMs} ms`);
    this.#engine.logger.error({ pid: this.#core?.pid, limitMs }, 'the core process hangs');
    // It cannot be asked for anything any more. Its end is noticed as every end.
    this.#core?.kill();
  }

  #onDone(core: EngineCore, cause: EndCause): void {
    if (this.#core !== core || this.#stopping.signal.aborted) return;
    this.#heartbeat.stop();
    this.#core = undefined;
    const error = this.#lossOf(core, cause);
    this.#engine.logger.error({ pid: core.pid, reason: error.message }, 'the core process died');
    const restarts = this.replaces;
    // What hung up may live on, in the channel too: another one is to take its place now.
    if (restarts) core.kill();
    this.#end(core);
    if (this.#recovery !== undefined) {
      this.#attemptLoss = error;
      this.#engine.onAttemptLost(error);
      return;
    }
    this.#engine.onLost(error, restarts);
    if (!restarts) return this.#engine.onGivenUp(error);
    this.#lostAtMs = this.#engine.clock.nowMs();
    this.#tell(CoreRestartStep.LOST, 0, { coreProcessId: core.pid, text: error.message });
    this.#recovery = this.#recover(error);
  }

  #lossOf(core: EngineCore, cause: EndCause): Error {
    const lines = core.lastLines().slice(-10).join('\n');
    const tail = lines === '' ? 'it printed nothing' : `its last lines:\n${lines}`;
    if (this.#hung !== undefined) return new Error(`${this.#hung.message}; ${tail}`);
    return cause.kind === 'failed' ? cause.error : new Error(`the core process ended; ${tail}`);
  }

  /** Never rejects. */
  async #recover(loss: Error): Promise<void> {
    const { clock, logger } = this.#engine;
    const { signal } = this.#stopping;
    let last = loss;
    for (;;) {
      const next = this.#budget.take(clock.nowMs());
      if (next === undefined) return this.#giveUp(last);
      const { attempt, delayMs } = next;
      this.#tell(CoreRestartStep.WAITING, attempt, { delayMs });
      await pause(delayMs, clock, signal);
      if (signal.aborted) return;
      try {
        await this.#attempt(attempt);
        if (this.#core === undefined) throw new Error('the new core process died as soon as it was there');
        // From here on its death is another loss.
        this.#recovery = undefined;
        this.#restarts += 1;
        this.#tell(CoreRestartStep.COMPLETED, attempt, { coreProcessId: this.#core?.pid ?? 0 });
        logger.info({ attempt, pid: this.#core?.pid }, 'another core process has taken the place of the one that died');
        this.#heartbeat.start();
        return;
      } catch (error) {
        this.#abandon();
        if (signal.aborted) return;
        // How the process died says more than that it was gone.
        last = this.#attemptLoss ?? (error instanceof Error ? error : new Error(messageOf(error)));
        logger.warn({ attempt, reason: last.message }, 'the attempt to restart the core process failed');
        this.#tell(CoreRestartStep.ATTEMPT_FAILED, attempt, { text: last.message });
      }
    }
  }

  async #attempt(attempt: number): Promise<void> {
    this.#attemptLoss = undefined;
    this.#tell(CoreRestartStep.STARTING, attempt);
    await this.#newCore();
    const step: TellStep = (name, facts = {}) =>
      this.#tell(name, attempt, { coreProcessId: this.#core?.pid ?? 0, ...facts });
    step(CoreRestartStep.SETTINGS_REPLAYED);
    await this.#engine.comeBack(step, this.#stopping.signal);
  }

  #giveUp(last: Error): void {
    const { attempts, windowMs } = this.#options.policy;
    this.#engine.onGivenUp(
      new Error(`the core process was restarted ${attempts} times within ${windowMs / 1000} s; ${last.message}`, {
        cause: last,
      }),
    );
  }

  /** The core of an attempt that failed. */
  #abandon(): void {
    const core = this.#core;
    this.#core = undefined;
    if (core === undefined) return;
    core.kill();
    this.#end(core);
  }

  #end(core: EngineCore): void {
    const ended = core.close().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  #tell(step: CoreRestartStep, attempt: number, facts: Partial<CoreRestart> = {}): void {
    const elapsedMs = Math.round(this.#engine.clock.nowMs() - this.#lostAtMs);
    this.#engine.tell({
      step,
      attempt,
      delayMs: 0,
      coreProcessId: 0,
      channel: '',
      userId: '',
      elapsedMs,
      ...facts,
      text: (facts.text ?? '').slice(0, HEADLINE_CHARACTERS),
    });
  }
}

/** Resolves after that time, and when the signal aborts. */
export function pause(delayMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      cancel();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = clock.after(delayMs, finish);
    if (signal.aborted) finish();
    else signal.addEventListener('abort', finish, { once: true });
  });
}
