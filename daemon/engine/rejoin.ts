import type { JoinExtension } from '../../coreservice/ipc/extension.js';
import { withDeadline } from '../clock.js';
import { refusal } from '../refusals.js';
import type { EngineContext } from './engine_context.js';
import { sendJoin } from './join_command.js';
import { joinFailure } from './join_failure.js';
import type { Join } from './join_request.js';

/** One try to join again, by a core process that took the place of another. */
export class Rejoin {
  readonly #engine: EngineContext;
  readonly #join: Readonly<Join>;
  #lost: Error | undefined;
  #resolve!: () => void;
  #reject!: (error: Error) => void;
  readonly #result: Promise<void> = new Promise((resolve, reject) => {
    this.#resolve = resolve;
    this.#reject = reject;
  });

  constructor(engine: EngineContext, join: Readonly<Join>) {
    this.#engine = engine;
    this.#join = join;
    // It may be lost before anybody waits.
    this.#result.catch(() => undefined);
  }

  /** Throws when the core is gone meanwhile. */
  check(): void {
    if (this.#lost !== undefined) throw this.#lost;
  }

  /** Resolves when joined. Rejects with the join's failure, or CORE_SILENT. */
  send(extension: JoinExtension | undefined, deadlineMs: number): Promise<void> {
    sendJoin(this.#engine, this.#join, extension);
    return withDeadline(this.#result, deadlineMs, this.#engine.clock, () =>
      refusal('unavailable', 'CORE_SILENT', `no result of the join in ${deadlineMs} ms`, { remedy: 'none' }),
    );
  }

  onJoinResult(result: number, text: string): void {
    if (result === 0) this.#resolve();
    else this.#reject(joinFailure(this.#join, { result, text }));
  }

  fail(error: Error): void {
    this.#lost = error;
    this.#reject(error);
  }
}
