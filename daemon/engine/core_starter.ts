import path from 'node:path';
import type { Logger } from '../../common/logger.js';
import { CoreProcess } from './core_process.js';
import type { CoreProcessOptions } from './core_process.js';
import type { EngineCore, EngineCoreOptions, StartEngineCore } from './engine_core.js';
import { workFolderOf } from './log_path.js';
import { PortRange } from './port_range.js';
import type { WarmCores } from './warm_cores.js';

export interface CoreStarterOptions extends Pick<
  CoreProcessOptions,
  'environment' | 'coreDumps' | 'readyTimeoutMs' | 'ladder' | 'surroundings'
> {
  logger: Logger;
  /** Each core process works in the folder of its engine's id below this one; left out: as workFolderOf() has it. */
  workRoot?: string;
  /** Processes that run already, of the same environment. */
  warm?: WarmCores | undefined;
}

/** What engine sessions start their core processes with. */
export function createCoreStarter(options: CoreStarterOptions): StartEngineCore {
  const { logger, workRoot, warm, ...processOptions } = options;
  return async (wanted) => {
    const { engineId, servicePath, lowPort, highPort, logPath, signal } = wanted;
    signal?.throwIfAborted();
    const taken = warm?.take(servicePath, lowPort, highPort);
    if (taken !== undefined) {
      taken.logger.setBindings({ engineId });
      return engineCore(taken.core, wanted);
    }
    const core = new CoreProcess({
      ...processOptions,
      path: servicePath,
      ports: new PortRange({ low: lowPort, high: highPort }),
      workFolder: workRoot === undefined ? workFolderOf(logPath, engineId) : path.join(workRoot, engineId),
      logger: logger.child({ engineId }),
    });
    const cancel = (): void => void core.close();
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      await core.start();
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
    return engineCore(core, wanted);
  };
}

/** A started process as an engine session uses it. */
function engineCore(core: CoreProcess, { onCallback }: EngineCoreOptions): EngineCore {
  const { connection, pid, port } = core;
  if (pid === undefined || port === undefined) throw new Error('a started core process has no process id or port');
  connection.on('callback', onCallback);
  return {
    pid,
    port,
    send: (name, fields, payload) => connection.send(name, fields, payload),
    drained: () => connection.drained(),
    lastLines: () => [...core.lastLines],
    done: Promise.race([core.lost, core.done]),
    kill: () => core.kill(),
    close: () => core.close(),
  };
}
