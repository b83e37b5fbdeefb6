import type { Logger } from '../../common/logger.js';
import type { EngineSession } from '../engine/engine_session.js';
import { CoreRestartStep } from '../../gen/alirtc/v1/events.js';
import { invalidField } from '../refusals.js';

const LEVELS: readonly string[] = ['', 'trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/** The loggers of the daemon, some of which belong to an engine. */
export interface LeveledLoggers {
  /** Undefined: as everything else. */
  setFor(engineId: string, level: string | undefined): void;
}

/** The log level of one engine at run time: of what the daemon writes about it, and of what its core writes. */
export class EngineLogLevels {
  readonly #loggers: LeveledLoggers;
  readonly #logger: Logger;
  readonly #levels = new Map<string, string>();
  /** Engines whose ends and restarts are followed. */
  readonly #followed = new Set<string>();

  constructor(loggers: LeveledLoggers, logger: Logger) {
    this.#loggers = loggers;
    this.#logger = logger;
  }

  /** Empty: the daemon's own level. Throws INVALID_ARGUMENT. */
  set(session: EngineSession, level: string): void {
    const { engineId } = session;
    if (!LEVELS.includes(level))
      throw invalidField('level', level, 'is no level', {
        remedy: `give one of ${LEVELS.slice(1).join(', ')}, or nothing`,
      });
    if (level === '') this.#levels.delete(engineId);
    else this.#levels.set(engineId, level);
    this.#apply(session);
    if (this.#followed.has(engineId)) return;
    this.#followed.add(engineId);
    session.log.onAppend(({ event }) => {
      // The new core has its own level.
      if (event.$case === 'coreRestart' && event.value.step === CoreRestartStep.SETTINGS_REPLAYED) this.#apply(session);
    });
    void session.done.then(() => {
      this.#loggers.setFor(engineId, undefined);
      this.#levels.delete(engineId);
      this.#followed.delete(engineId);
    });
  }

  #apply(session: EngineSession): void {
    const level = this.#levels.get(session.engineId);
    this.#loggers.setFor(session.engineId, level);
    session.sendParameter({ logLevel: level ?? this.#logger.level });
  }
}
