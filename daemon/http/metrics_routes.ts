import type { NodeMetrics } from '../node/metrics/node_metrics.js';
import type { Route } from './routes.js';

export interface MetricsRoutesOptions {
  metrics: Pick<NodeMetrics, 'text' | 'contentType'>;
  /** What grpc.health.v1 says of the whole daemon. */
  isServing: () => boolean;
}

/** What monitoring asks: there with and without the console. */
export function metricsRoutes({ metrics, isServing }: MetricsRoutesOptions): Route[] {
  return [
    {
      method: 'GET',
      path: '/metrics',
      handle: async (exchange) => exchange.send(200, metrics.contentType, await metrics.text()),
    },
    {
      method: 'GET',
      path: '/healthz',
      handle: (exchange) => exchange.json({ status: isServing() ? 'SERVING' : 'NOT_SERVING' }, isServing() ? 200 : 503),
    },
  ];
}
