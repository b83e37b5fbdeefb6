import { status } from '@grpc/grpc-js';
import { Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import type { CallObserver } from '../call_observer.js';
import { isServerError } from '../server_errors.js';

/** Of OpenTelemetry's conventions for RPC metrics, in seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
/**
 * gRPC server metrics under OpenTelemetry's names (semantic conventions for RPC, 1.40 and later: rpc.server.call.duration), written as its Prometheus exporter writes them. A stream
 * counts when it ends.
 */
export function grpcMetrics(register: Registry): CallObserver {
  const duration = new Histogram({
    name: 'rpc_server_call_duration_seconds',
    help: 'Duration of an incoming gRPC call, streams included, from its headers to its status.',
    labelNames: ['rpc_system_name', 'rpc_method', 'rpc_response_status_code', 'error_type'],
    buckets: BUCKETS,
    registers: [register],
  });
  const running = new Gauge({
    name: 'alirtcd_grpc_running_calls',
    help: 'Calls and streams that are open.',
    labelNames: ['rpc_method'],
    registers: [register],
  });
  return ({ method }) => {
    running.inc({ rpc_method: method });
    return {
      ended: ({ code, durationMs }) => {
        running.dec({ rpc_method: method });
        const name = status[code] ?? String(code);
        duration.observe(
          {
            rpc_system_name: 'grpc',
            rpc_method: method,
            rpc_response_status_code: name,
            ...(isServerError(code) ? { error_type: name } : {}),
          },
          durationMs / 1000,
        );
      },
    };
  };
}
