import os from 'node:os';
import { Lifecycle } from '../../common/lifecycle.js';
import type { Logger } from '../../common/logger.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config/schema.js';
import type { EngineRegistry } from '../engine/engine_registry.js';
import { metricsRoutes } from '../http/metrics_routes.js';
import type { ReadProcess } from '../http/process_reader.js';
import type { Route } from '../http/routes.js';
import { Admission } from './admission.js';
import type { CallObserver } from './call_observer.js';
import { logCalls } from './call_log.js';
import { Drain } from './drain.js';
import { NEW_ENGINE_MS } from './engine_cost.js';
import { keepJournal } from './engine_journal.js';
import { familyOf } from './family.js';
import type { Health } from './health.js';
import { NodeMetrics } from './metrics/node_metrics.js';
import { PROCESS_KINDS, ProcessMeter } from './process_meter.js';
import type { Traces } from './traces.js';

export interface NodeOperationsOptions {
  config: Config;
  /** The settings as they count now: some can be reloaded. */
  now: () => Config;
  version: string;
  registry: EngineRegistry;
  channelServerPid: () => number | undefined;
  /** Undefined while starting. */
  health: () => Health | undefined;
  readProcess: ReadProcess;
  clock: Clock;
  logger: Logger;
}

/** What operators see of this node and do with it: what its processes use, metrics, load and capacity, its orderly end. Made before the first engine. */
export class NodeOperations extends Lifecycle {
  readonly meter: ProcessMeter;
  readonly admission: Admission;
  readonly drain: Drain;
  readonly metrics: NodeMetrics;
  readonly #options: NodeOperationsOptions;
  #traces: Traces | undefined;

  constructor(options: NodeOperationsOptions) {
    super();
    this.#options = options;
    const { registry, version, now, channelServerPid, readProcess, clock, health, logger } = options;
    this.meter = new ProcessMeter(() => familyOf(registry, channelServerPid), readProcess, clock);
    this.admission = new Admission({
      measuredMs: () => PROCESS_KINDS.reduce((sum, kind) => sum + this.meter.figures(kind).loadMs, 0),
      coreMs: (engineId) => this.meter.coreLoadMs(engineId),
      capacityMs: () => now()['capacity-ms'] || os.availableParallelism() * 1000,
      clock,
      onRefused: (what) => this.metrics.load.refused(what),
    });
    this.drain = new Drain({
      registry,
      onBegin: () => {
        logger.info({ engines: registry.size }, 'draining');
        health()?.set(false);
      },
      clock,
    });
    this.metrics = new NodeMetrics({
      registry,
      meter: this.meter,
      version,
      maxEngines: () => now()['max-engines'],
      admission: this.admission,
      isDraining: () => this.drain.isDraining,
    });
    keepJournal(registry, logger);
    registry.onCreated((session) => void session.done.then(() => this.admission.forget(session.engineId)));
  }

  /** All that follow the calls, from start() on. */
  get callObservers(): CallObserver[] {
    const observers = [logCalls(this.#options.logger), this.metrics.calls];
    return this.#traces === undefined ? observers : [...observers, this.#traces.calls];
  }

  /** Of the HTTP port. */
  get routes(): Route[] {
    return metricsRoutes({
      metrics: this.metrics,
      isServing: () => this.#options.health()?.isServing === true,
      admission: this.admission,
      isDraining: () => this.drain.isDraining,
    });
  }

  /** Throws UNAVAILABLE while draining, and RESOURCE_EXHAUSTED when there is no room for another engine. */
  admitEngine(engineId: string): void {
    this.drain.checkMayCreate();
    this.admission.admit('engine', engineId, NEW_ENGINE_MS);
  }

  protected override async onStart(): Promise<void> {
    await this.meter.start();
    const { config, version, registry } = this.#options;
    const endpoint = config['traces-endpoint'];
    if (endpoint === undefined) return;
    const { startTraces } = await import('./traces.js');
    this.#traces = await startTraces({ endpoint, version, registry });
  }

  protected override async onClose(): Promise<void> {
    await this.#traces?.close();
    await this.meter.close({ kind: 'owner_closed' });
  }
}
