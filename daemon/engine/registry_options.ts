import type { Config } from '../config/schema.js';
import type { EngineRegistryOptions } from './engine_registry.js';

type Parts = Pick<
  EngineRegistryOptions,
  'admit' | 'keys' | 'channelServers' | 'startCore' | 'laneFolder' | 'warmCores' | 'clock' | 'logger'
>;

/** What the registry takes of the settings: as they were at the start, and `now` those that can be reloaded. */
export function registryOptions(config: Config, now: () => Config, parts: Parts): EngineRegistryOptions {
  return {
    ...parts,
    corePorts: { low: config['core-port-low'], high: config['core-port-high'] },
    builtinCoreService: config['builtin-core-service'],
    coreServices: config['core-service'],
    logRoot: config['log-root'],
    // Read anew for each engine.
    get maxEngines() {
      return now()['max-engines'];
    },
    get eventRing() {
      return now()['event-ring'];
    },
    get eventRingBytes() {
      return now()['event-ring-bytes'];
    },
    coreRestart: {
      mode: config['core-restart'],
      delayMs: config['core-restart-delay-ms'],
      maxDelayMs: config['core-restart-delay-max-ms'],
      attempts: config['core-restart-attempts'],
      windowMs: config['core-restart-window-seconds'] * 1000,
    },
    leaseSeconds: config['lease-seconds'],
    heartbeat: { intervalMs: config['core-heartbeat-ms'], limitMs: config['core-heartbeat-limit-ms'] },
  };
}
