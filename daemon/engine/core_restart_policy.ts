import type { CoreRestartPolicy } from '../../gen/alirtc/v1/engine.js';
import { CoreRestartMode } from '../../gen/alirtc/v1/engine.js';
import { invalidField } from '../refusals.js';
import { checkRange } from './checks.js';

/** Whether and how a core process that died is replaced. */
export interface RestartPolicy {
  mode: 'never' | 'on-crash';
  /** Before the first restart; doubled for each further one within the window. */
  delayMs: number;
  maxDelayMs: number;
  /** Restarts within the window. */
  attempts: number;
  windowMs: number;
}

export const RESTART_LIMITS = { delayMs: 60_000, maxDelayMs: 600_000, attempts: 100, windowSeconds: 86_400 } as const;

/** What a client said for its engine, over what the daemon is configured for. Throws INVALID_ARGUMENT. */
export function restartPolicy(said: CoreRestartPolicy | undefined, usual: RestartPolicy): RestartPolicy {
  if (said === undefined) return usual;
  const of = (name: string, value: number, most: number, otherwise: number): number =>
    checkRange(`core_restart.${name}`, value, 0, most) || otherwise;
  return {
    mode: modeOf(said.mode, usual.mode),
    delayMs: of('delay_ms', said.delayMs, RESTART_LIMITS.delayMs, usual.delayMs),
    maxDelayMs: of('max_delay_ms', said.maxDelayMs, RESTART_LIMITS.maxDelayMs, usual.maxDelayMs),
    attempts: of('attempts', said.attempts, RESTART_LIMITS.attempts, usual.attempts),
    windowMs: 1000 * of('window_seconds', said.windowSeconds, RESTART_LIMITS.windowSeconds, usual.windowMs / 1000),
  };
}

function modeOf(mode: CoreRestartMode, usual: RestartPolicy['mode']): RestartPolicy['mode'] {
  switch (mode) {
    case CoreRestartMode.UNSPECIFIED:
      return usual;
    case CoreRestartMode.NEVER:
      return 'never';
    case CoreRestartMode.ON_CRASH:
      return 'on-crash';
    default:
      throw invalidField('core_restart.mode', mode, 'is not a CoreRestartMode', {
        remedy: 'give a value of CoreRestartMode in engine.proto',
      });
  }
}

/** Counts the restarts of one engine within the window. */
export class RestartBudget {
  readonly #policy: RestartPolicy;
  #takenMs: number[] = [];

  constructor(policy: RestartPolicy) {
    this.#policy = policy;
  }

  /** The next restart: its number within the window, and how long to wait before it. Undefined: there were too many. */
  take(nowMs: number): { attempt: number; delayMs: number } | undefined {
    const { attempts, windowMs, delayMs, maxDelayMs } = this.#policy;
    this.#takenMs = this.#takenMs.filter((atMs) => nowMs - atMs < windowMs);
    const before = this.#takenMs.length;
    if (before >= attempts) return undefined;
    this.#takenMs.push(nowMs);
    return { attempt: before + 1, delayMs: Math.min(maxDelayMs, delayMs * 2 ** before) };
  }
}
