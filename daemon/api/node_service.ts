import type { Logger } from '../../common/logger.js';
import type { NodeServiceServer } from '../../gen/alirtc/v1/node.js';
import type { EngineRegistry } from '../engine/engine_registry.js';
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
}

export function nodeService(registry: EngineRegistry, options: NodeServiceOptions, logger: Logger): NodeServiceServer {
  return {
    getNodeStatus: unary(logger, async () => {
      const { version, startedAtUs, channelServerPid } = options;
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
      };
    }),
  };
}
