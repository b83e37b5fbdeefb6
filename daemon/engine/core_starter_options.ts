import type { Logger } from '../../common/logger.js';
import { systemClock } from '../clock.js';
import type { Config } from '../config/schema.js';
import { forbidCoreDumps } from '../node/core_dumps.js';
import { CoreGroups } from './core_groups.js';
import type { CoreStarterOptions } from './core_starter.js';
import { SystemSurroundings } from './core_surroundings.js';

/** What all core processes have in common, from the settings. Before any other process is started: what is set up here is theirs, too, and a process that is there would be in the way of control groups. */
export async function coreStarterOptions(config: Config, logger: Logger): Promise<CoreStarterOptions> {
  const coreDumps = config['core-dumps'];
  if (!coreDumps) await forbidCoreDumps(logger);
  const limits = { memoryMb: config['core-memory-mb'], cpuPercent: config['core-cpu-percent'] };
  const groups = CoreGroups.open({ limits, clock: systemClock, logger });
  return {
    logger,
    environment: config['channel-server-relay-only'] ? { ALIRTC_RELAY_ONLY: '1' } : {},
    coreDumps,
    surroundings: new SystemSurroundings({ nice: config['core-nice'], groups, logger }),
  };
}
