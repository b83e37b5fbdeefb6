import type { Logger } from '../../common/logger.js';
import type { NodeServiceServer } from '../../gen/alirtc/v1/node.js';
import type { EngineRegistry } from '../engine/engine_registry.js';
import { checkRange } from '../engine/checks.js';
import type { Admission } from '../node/admission.js';
import type { Drain } from '../node/drain.js';
import type { EngineLogLevels } from '../node/engine_log_levels.js';
import { familyOf } from '../node/family.js';
import { readProcessStatus } from '../node/process_status.js';
import { unary } from './handlers.js';

export interface NodeServiceOptions {
  version: string;
  /** Unix time in microseconds. */
  startedAtUs: number;
  channelServerUrl: () => string | undefined;
  /** Of the embedded channel server; undefined: it is not ours. */
  channelServerPid: () => number | undefined;
  drain: Drain;
  admission: Admission;
  logLevels: EngineLogLevels;
}

const MAX_DRAIN_SECONDS = 86_400;

export function nodeService(registry: EngineRegistry, options: NodeServiceOptions, logger: Logger): NodeServiceServer {
  return {
    getNodeStatus: unary(logger, async () => {
      const { version, startedAtUs, channelServerPid, drain, admission } = options;
      const processes = familyOf(registry, channelServerPid).map(async (one) => ({
        ...one,
        ...(await readProcessStatus(one.processId)),
      }));
      return {
        version,
        startedAtUs,
        channelServerUrl: options.channelServerUrl() ?? '',
        channelServerEmbedded: channelServerPid() !== undefined,
        engines: registry.size,
        processes: await Promise.all(processes),
        draining: drain.isDraining,
        drainDeadlineUs: Math.floor((drain.deadlineMs ?? 0) * 1000),
        load: {
          loadMs: Math.ceil(admission.loadMs),
          capacityMs: admission.capacityMs,
          freeMs: Math.floor(admission.freeMs),
          engines: registry
            .list()
            .map(({ engineId }) => ({ engineId, loadMs: Math.ceil(admission.engineMs(engineId)) })),
        },
      };
    }),
    setEngineLogLevel: unary(logger, ({ engineId, level }) => {
      options.logLevels.set(registry.get(engineId), level);
      return {};
    }),
    drain: unary(logger, ({ deadlineSeconds }) => {
      const seconds = checkRange('deadline_seconds', deadlineSeconds, 0, MAX_DRAIN_SECONDS);
      const deadlineMs = options.drain.begin(seconds * 1000, 'Drain was called');
      return { deadlineUs: Math.floor(deadlineMs * 1000), engines: registry.size };
    }),
  };
}
