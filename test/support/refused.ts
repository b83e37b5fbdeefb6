import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { errorInfoOf } from './rpc.js';

export interface Refusal {
  /** The name of the gRPC status. */
  status: string;
  reason: string;
  message: string;
  metadata: Readonly<Record<string, string>>;
}

/** What a call that has to fail fails with. */
export async function refused(call: Promise<unknown>): Promise<Refusal> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown as ServiceError,
  );
  assert.ok(error !== undefined, 'the call succeeded');
  const info = errorInfoOf(error);
  return {
    status: status[error.code] ?? String(error.code),
    reason: info?.reason ?? '',
    message: error.details,
    metadata: info?.metadata ?? {},
  };
}
