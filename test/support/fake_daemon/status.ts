import { Metadata } from '@grpc/grpc-js';
import type { ServiceError, status } from '@grpc/grpc-js';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { Any, ErrorInfo } from 'nice-grpc-error-details';

/** A gRPC error with google.rpc.ErrorInfo in its details, as the daemon sends it. */
export function serviceError(
  code: status,
  message: string,
  reason: string,
  metadata: Record<string, string>,
): ServiceError {
  const info = ErrorInfo.encode({ $type: 'google.rpc.ErrorInfo', reason, domain: 'alirtc', metadata }).finish();
  const any = Any.encode({
    $type: 'google.protobuf.Any',
    typeUrl: 'type.googleapis.com/google.rpc.ErrorInfo',
    value: Buffer.from(info),
  }).finish();
  const bytes = new BinaryWriter().uint32(8).int32(code).uint32(18).string(message).uint32(26).bytes(any).finish();
  const trailers = new Metadata();
  trailers.set('grpc-status-details-bin', Buffer.from(bytes));
  return Object.assign(new Error(message), { code, details: message, metadata: trailers });
}
