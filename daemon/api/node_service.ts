import type { Logger } from '../../common/logger.js';
import type { GetConfigResponse, NodeServiceServer } from '../../gen/alirtc/v1/node.js';
import type { ConfigInForce } from '../config/config_in_force.js';
import { checkRange } from '../engine/checks.js';
import type { EngineRegistry } from '../engine/engine_registry.js';
import type { EngineLogLevels } from '../node/engine_log_levels.js';
import type { LogRing } from '../node/log_ring.js';
import { unary } from './handlers.js';
import { logStream } from './log_stream.js';
import { nodeStatus } from './node_status.js';
import type { NodeStatusOptions } from './node_status.js';

export interface NodeServiceOptions extends NodeStatusOptions {
  logLevels: EngineLogLevels;
  logs: LogRing;
  settings: Pick<ConfigInForce, 'view'>;
}

const MAX_DRAIN_SECONDS = 86_400;

export function nodeService(registry: EngineRegistry, options: NodeServiceOptions, logger: Logger): NodeServiceServer {
  return {
    getNodeStatus: unary(logger, () => nodeStatus(registry, options)),
    setEngineLogLevel: unary(logger, ({ engineId, level }) => {
      options.logLevels.set(registry.get(engineId), level);
      return {};
    }),
    drain: unary(logger, ({ deadlineSeconds }) => {
      const seconds = checkRange('deadline_seconds', deadlineSeconds, 0, MAX_DRAIN_SECONDS);
      const deadlineMs = options.drain.begin(seconds * 1000, 'Drain was called');
      return { deadlineUs: Math.floor(deadlineMs * 1000), engines: registry.size };
    }),
    getLogs: logStream(options.logs, registry, options.limitSettings, logger),
    getConfig: unary(logger, () => configResponse(options.settings)),
  };
}

function configResponse(inForce: Pick<ConfigInForce, 'view'>): GetConfigResponse {
  const { settings, file = '', fault = '' } = inForce.view();
  return {
    settings: settings.map(({ name, value = '', origin, reloadable, pending }) => ({
      name,
      value,
      origin,
      reloadable,
      pending: pending && { value: pending.value ?? '', origin: pending.origin },
    })),
    file,
    fault,
  };
}
