import type { Admission } from '../node/admission.js';
import type { NodeMetrics } from '../node/metrics/node_metrics.js';
import type { Route } from './routes.js';

export interface MetricsRoutesOptions {
  metrics: Pick<NodeMetrics, 'text' | 'contentType'>;
  /** What grpc.health.v1 says of the whole daemon. */
  isServing: () => boolean;
  isDraining: () => boolean;
  admission: Pick<Admission, 'loadMs' | 'capacityMs' | 'freeMs'>;
}

/** What monitoring asks: there with and without the console. */
export function metricsRoutes({ metrics, isServing, isDraining, admission }: MetricsRoutesOptions): Route[] {
  return [
    {
      method: 'GET',
      path: '/metrics',
      handle: async (exchange) => exchange.send(200, metrics.contentType, await metrics.text()),
    },
    {
      method: 'GET',
      path: '/healthz',
      handle: (exchange) => {
        const { loadMs, capacityMs, freeMs } = admission;
        const load = { loadMs: Math.ceil(loadMs), capacityMs, freeMs: Math.floor(freeMs) };
        const status = isServing() ? 'SERVING' : 'NOT_SERVING';
        exchange.json({ status, draining: isDraining(), ...load }, isServing() ? 200 : 503);
      },
    },
  ];
}
