import type { Callback } from '../../coreservice/ipc/callbacks.js';
import type { CommandFields, CommandName } from '../../coreservice/ipc/commands.js';
import type { EndCause } from '../../common/lifecycle.js';

/** One live core process, as an engine session uses it. */
export interface EngineCore {
  readonly pid: number;
  readonly port: number;
  /** Throws AlirtcError unavailable when the connection has ended. The payload is not copied: it may not change. */
  send<N extends CommandName>(name: N, fields: CommandFields<N>, payload?: Uint8Array): void;
  /** Resolves when there is room to send more, and when the connection ends. */
  drained(): Promise<void>;
  /** The last lines that the process wrote, for the error when it died. */
  lastLines(): string[];
  /** Resolves when the process has ended in order, or as soon as it is known to be lost; close() ends what is left of it. Never rejects. */
  readonly done: Promise<EndCause>;
  /** Ends the process at once, without asking; `done` tells as of every death. */
  kill(): void;
  /** Asks it to end, then makes it end. Bounded; idempotent. */
  close(): Promise<void>;
}

export interface EngineCoreOptions {
  engineId: string;
  servicePath: string;
  lowPort: number;
  highPort: number;
  logPath: string;
  onCallback: (callback: Callback) => void;
  /** Ends what has been started so far; the start then rejects. */
  signal?: AbortSignal;
}

/** Resolves when the process listens and the connection stands; rejects with AlirtcError unavailable or resource_exhausted. */
export type StartEngineCore = (options: EngineCoreOptions) => Promise<EngineCore>;
