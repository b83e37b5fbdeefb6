import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { Admission, Admitted } from '../admission.js';

export interface LoadMetricsOptions {
  admission: Pick<Admission, 'loadMs' | 'capacityMs'>;
  isDraining: () => boolean;
}

/** Load and capacity for schedulers and autoscalers, and what was refused. */
export class LoadMetrics {
  readonly #refusals: Counter<'what'>;

  constructor(register: Registry, { admission, isDraining }: LoadMetricsOptions) {
    const gauge = (name: string, help: string, read: () => number): void => {
      const one: Gauge = new Gauge({ name, help, registers: [register], collect: () => one.set(read()) });
    };
    gauge(
      'alirtcd_load_cores',
      'CPU that the node uses and is about to use, in CPU cores.',
      () => admission.loadMs / 1000,
    );
    gauge(
      'alirtcd_capacity_cores',
      'CPU that the node may use, in CPU cores (setting capacity-ms).',
      () => admission.capacityMs / 1000,
    );
    gauge('alirtcd_load_ratio', 'Load divided by capacity.', () => admission.loadMs / admission.capacityMs);
    gauge('alirtcd_draining', '1 while the node drains, else 0.', () => (isDraining() ? 1 : 0));
    this.#refusals = new Counter({
      name: 'alirtcd_admission_refusals_total',
      help: 'Engines, subscriptions and streams that were refused for want of capacity.',
      labelNames: ['what'],
      registers: [register],
    });
    for (const what of ['engine', 'subscription', 'stream']) this.#refusals.inc({ what }, 0);
  }

  refused(what: Admitted): void {
    this.#refusals.inc({ what });
  }
}
