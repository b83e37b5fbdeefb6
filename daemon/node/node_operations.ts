import { Lifecycle } from '../../common/lifecycle.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config/schema.js';
import type { EngineRegistry } from '../engine/engine_registry.js';
import { metricsRoutes } from '../http/metrics_routes.js';
import type { ReadProcess } from '../http/process_reader.js';
import type { Route } from '../http/routes.js';
import type { CallObserver } from './call_observer.js';
import { familyOf } from './family.js';
import { NodeMetrics } from './metrics/node_metrics.js';
import { ProcessMeter } from './process_meter.js';

export interface NodeOperationsOptions {
  config: Config;
  version: string;
  registry: EngineRegistry;
  channelServerPid: () => number | undefined;
  /** What the health answer says. */
  isServing: () => boolean;
  readProcess: ReadProcess;
  clock: Clock;
}

/** What operators see of this node, beside its API: what its processes use, and metrics. Made before the first engine. */
export class NodeOperations extends Lifecycle {
  readonly meter: ProcessMeter;
  readonly metrics: NodeMetrics;
  readonly #options: NodeOperationsOptions;

  constructor(options: NodeOperationsOptions) {
    super();
    this.#options = options;
    const { registry, version, config, channelServerPid, readProcess, clock } = options;
    this.meter = new ProcessMeter(() => familyOf(registry, channelServerPid), readProcess, clock);
    this.metrics = new NodeMetrics({ registry, meter: this.meter, version, maxEngines: config['max-engines'] });
  }

  /** All that follow the calls. */
  get callObservers(): CallObserver[] {
    return [this.metrics.calls];
  }

  /** Of the HTTP port. */
  get routes(): Route[] {
    return metricsRoutes({ metrics: this.metrics, isServing: this.#options.isServing });
  }

  protected override async onStart(): Promise<void> {
    await this.meter.start();
  }

  protected override async onClose(): Promise<void> {
    await this.meter.close({ kind: 'owner_closed' });
  }
}
