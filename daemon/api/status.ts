import { randomBytes } from 'node:crypto';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { Metadata, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { ErrorInfo } from 'nice-grpc-error-details';
import { AlirtcError } from '../../common/errors.js';
import type { ErrorClass } from '../../common/errors.js';
import type { Logger } from '../../common/logger.js';

/** The one table out: what a caller can do about an error, as a gRPC status. */
export const STATUS_OF_CLASS: Readonly<Record<ErrorClass, status>> = {
  invalid_argument: status.INVALID_ARGUMENT,
  not_found: status.NOT_FOUND,
  already_exists: status.ALREADY_EXISTS,
  failed_precondition: status.FAILED_PRECONDITION,
  out_of_range: status.OUT_OF_RANGE,
  resource_exhausted: status.RESOURCE_EXHAUSTED,
  permission_denied: status.PERMISSION_DENIED,
  unauthenticated: status.UNAUTHENTICATED,
  deadline_exceeded: status.DEADLINE_EXCEEDED,
  unavailable: status.UNAVAILABLE,
  aborted: status.ABORTED,
  cancelled: status.CANCELLED,
  unimplemented: status.UNIMPLEMENTED,
  internal: status.INTERNAL,
};

export const ERROR_DOMAIN = 'alirtc';
const DETAILS_KEY = 'grpc-status-details-bin';
const ERROR_INFO_TYPE = 'type.googleapis.com/google.rpc.ErrorInfo';
/** Trailers are headers: most HTTP/2 peers take 8 kB, message and details together. */
const MAX_MESSAGE_CHARACTERS = 2000;
const MAX_METADATA_CHARACTERS = 500;

export type GrpcError = Pick<ServiceError, 'code' | 'details' | 'metadata'> & Error;

/** The gRPC error of anything that was thrown. What is not an AlirtcError becomes INTERNAL with an id; its stack goes to the log. */
export function toGrpcError(thrown: unknown, logger: Logger): GrpcError {
  if (thrown instanceof AlirtcError && thrown.class !== 'internal') return fromAlirtcError(thrown);
  const id = randomBytes(6).toString('hex');
  logger.error({ err: thrown, errorId: id }, 'internal error');
  return fromAlirtcError(
    new AlirtcError('internal', `internal error ${id}; the daemon's log tells more`, {
      reason: 'INTERNAL',
      metadata: { error_id: id },
    }),
  );
}

function fromAlirtcError(error: AlirtcError): GrpcError {
  const code = STATUS_OF_CLASS[error.class];
  const details = error.message.slice(0, MAX_MESSAGE_CHARACTERS);
  const metadata = new Metadata();
  metadata.set(DETAILS_KEY, encodeStatus(code, details, errorInfo(error)));
  return Object.assign(new Error(details), { code, details, metadata });
}

function errorInfo({ reason, number, field, value, remedy, metadata }: AlirtcError): Uint8Array {
  const facts: Record<string, string> = { ...metadata };
  if (number !== undefined) facts['number'] = String(number);
  if (field !== undefined) facts['field'] = field;
  if (value !== undefined) facts['value'] = value;
  if (remedy !== undefined) facts['remedy'] = remedy;
  for (const [key, fact] of Object.entries(facts)) facts[key] = fact.slice(-MAX_METADATA_CHARACTERS);
  return ErrorInfo.encode(ErrorInfo.fromPartial({ reason, domain: ERROR_DOMAIN, metadata: facts })).finish();
}

/** google.rpc.Status {int32 code = 1; string message = 2; repeated google.protobuf.Any details = 3}, Any {string type_url = 1; bytes value = 2}. */
function encodeStatus(code: number, message: string, detail: Uint8Array): Buffer {
  const writer = new BinaryWriter();
  writer.uint32((1 << 3) | 0).int32(code);
  writer.uint32((2 << 3) | 2).string(message);
  writer.uint32((3 << 3) | 2).fork();
  writer.uint32((1 << 3) | 2).string(ERROR_INFO_TYPE);
  writer.uint32((2 << 3) | 2).bytes(detail);
  return Buffer.from(writer.join().finish());
}
