import type { EngineRegistry } from '../engine/engine_registry.js';
import type { MeteredProcess } from './process_meter.js';

/** The daemon, its channel server when it has one, a core for each engine, and those that were started ahead. */
export function familyOf(
  registry: Pick<EngineRegistry, 'list'> & Partial<Pick<EngineRegistry, 'warmProcessIds'>>,
  channelServerPid: () => number | undefined,
): MeteredProcess[] {
  const processes: MeteredProcess[] = [{ kind: 'daemon', processId: process.pid, engineId: '' }];
  const serverPid = channelServerPid();
  if (serverPid !== undefined) processes.push({ kind: 'channel-server', processId: serverPid, engineId: '' });
  for (const { engineId, coreProcessId } of registry.list())
    processes.push({ kind: 'core', processId: coreProcessId, engineId });
  for (const processId of registry.warmProcessIds ?? []) processes.push({ kind: 'warm-core', processId, engineId: '' });
  // An engine whose core is just being replaced has none.
  return processes.filter(({ processId }) => processId > 0);
}
