import { Gauge, Registry } from 'prom-client';
import type { EngineRegistry } from '../../engine/engine_registry.js';
import type { CallObserver } from '../call_observer.js';
import type { ProcessMeter } from '../process_meter.js';
import type { Admission } from '../admission.js';
import { EngineMetrics } from './engine_metrics.js';
import { grpcMetrics } from './grpc_metrics.js';
import { LoadMetrics } from './load_metrics.js';
import { MediaMetrics } from './media_metrics.js';
import { processMetrics } from './process_metrics.js';

export interface NodeMetricsOptions {
  registry: Pick<EngineRegistry, 'list' | 'onCreated'>;
  meter: ProcessMeter;
  version: string;
  /** Looked up at every reading: it can be reloaded. */
  maxEngines: () => number;
  admission: Pick<Admission, 'loadMs' | 'capacityMs'>;
  isDraining: () => boolean;
}

/** All metrics of the daemon, by prom-client. Made before the first engine: it follows all of them. */
export class NodeMetrics {
  readonly register = new Registry();
  readonly load: LoadMetrics;
  /** Counts the calls. */
  readonly calls: CallObserver;

  constructor({ registry, meter, version, maxEngines, admission, isDraining }: NodeMetricsOptions) {
    const build = new Gauge({
      name: 'alirtcd_build_info',
      help: 'The version, as a label; always 1.',
      labelNames: ['version'],
      registers: [this.register],
    });
    build.set({ version }, 1);
    new EngineMetrics(this.register, registry, maxEngines);
    new MediaMetrics(this.register, registry);
    processMetrics(this.register, meter);
    this.load = new LoadMetrics(this.register, { admission, isDraining });
    this.calls = grpcMetrics(this.register);
  }

  get contentType(): string {
    return this.register.contentType;
  }

  /** Prometheus' text format. */
  text(): Promise<string> {
    return this.register.metrics();
  }
}
