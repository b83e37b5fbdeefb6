import type { ServiceError } from '@grpc/grpc-js';
import { ErrorInfo, RetryInfo } from 'nice-grpc-error-details';
import { BinaryReader } from '@bufbuild/protobuf/wire';

/** A unary call as a promise: `await rpc((done) => client.release(request, done))`. */
export function rpc<Response>(
  start: (done: (error: ServiceError | null, response: Response) => void) => unknown,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    start((error, response) => (error === null ? resolve(response) : reject(error)));
  });
}

/** The google.rpc.ErrorInfo of a failed call, or undefined. */
export function errorInfoOf(error: ServiceError): ErrorInfo | undefined {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  if (!Buffer.isBuffer(bytes)) return undefined;
  // google.rpc.Status: details = 3, an Any whose value = 2.
  const any = field(bytes, 3);
  const info = any === undefined ? undefined : field(any, 2);
  return info === undefined ? undefined : ErrorInfo.decode(info);
}

function field(message: Uint8Array, number: number): Uint8Array | undefined {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [found, wireType] = reader.tag();
    if (found === number) return reader.bytes();
    reader.skip(wireType);
  }
  return undefined;
}

/** The google.rpc.RetryInfo of a failed call in milliseconds, or undefined. */
export function retryDelayMsOf(error: ServiceError): number | undefined {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  if (!Buffer.isBuffer(bytes)) return undefined;
  for (const any of fields(bytes, 3)) {
    const type = Buffer.from(field(any, 1) ?? []).toString();
    const value = field(any, 2);
    if (!type.endsWith('/google.rpc.RetryInfo') || value === undefined) continue;
    const { seconds = 0, nanos = 0 } = RetryInfo.decode(value).retryDelay ?? {};
    return Number(seconds) * 1000 + nanos / 1e6;
  }
  return undefined;
}

function fields(message: Uint8Array, number: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [at, wireType] = reader.tag();
    if (at === number) found.push(reader.bytes());
    else reader.skip(wireType);
  }
  return found;
}
