import path from 'node:path';
import type { Logger } from '../../common/logger.js';
import { CoreProcess } from './core_process.js';
import type { EngineCore, EngineCoreOptions } from './engine_core.js';
import { PortRange } from './port_range.js';

/** Starts real core processes. */
export function engineCoreStarter(logger: Logger): (options: EngineCoreOptions) => Promise<EngineCore> {
  return async ({ engineId, servicePath, lowPort, highPort, logPath, onCallback }) => {
    const core = new CoreProcess({
      path: servicePath,
      ports: new PortRange({ low: lowPort, high: highPort }),
      workFolder: path.join(logPath, 'work'),
      logger: logger.child({ engineId }),
    });
    await core.start();
    const { connection } = core;
    connection.on('callback', onCallback);
    return {
      pid: core.pid ?? 0,
      port: core.port ?? 0,
      send: (name, fields, payload) => connection.send(name, fields, payload),
      drained: () => connection.drained(),
      lastLines: () => [...core.lastLines],
      done: core.done,
      close: () => core.close(),
    };
  };
}
