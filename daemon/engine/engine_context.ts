import type { Logger } from '../../common/logger.js';
import type { CommandFields, CommandName } from '../../coreservice/ipc/commands.js';
import type { EngineState } from '../../gen/alirtc/v1/events.js';
import type { Clock } from '../clock.js';
import type { EngineEvent, EventLog } from '../events/event_log.js';
import type { EngineModel } from './engine_model.js';
import type { Stay } from './stay.js';

/** What the parts of an engine session share. */
export interface EngineContext {
  readonly engineId: string;
  readonly log: EventLog;
  readonly model: EngineModel;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stay: Stay;
  emit(event: EngineEvent): void;
  /** Emits the change, unless it is none. */
  setState(state: EngineState, reason: string): void;
  /** Throws UNAVAILABLE when no core process lives: CORE_DIED, or CORE_RESTARTING. */
  send<N extends CommandName>(name: N, fields: CommandFields<N>, payload?: Uint8Array): void;
  /** Sends a setting, and keeps it for a core process that replaces this one, which gets it when there is none just now. A setting of the same slot is replaced. */
  set<N extends CommandName>(slot: string, name: N, fields: CommandFields<N>): void;
}

/** How long a call with `wait` waits for the callback of something other than a join. */
export const WAIT_MS = 10_000;
