import { status } from '@grpc/grpc-js';

/** The codes that are a server's fault, by OpenTelemetry's conventions for gRPC. */
const SERVER_ERRORS: ReadonlySet<status> = new Set([
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.UNIMPLEMENTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

export function isServerError(code: status): boolean {
  return SERVER_ERRORS.has(code);
}
