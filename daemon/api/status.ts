import { randomBytes } from 'node:crypto';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { Metadata, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { ErrorInfo, RetryInfo } from 'nice-grpc-error-details';
import { AlirtcError } from '../../common/errors.js';
import type { ErrorClass } from '../../common/errors.js';
import type { Logger } from '../../common/logger.js';
import { headAsHeader, headOfText, tailOfText } from '../../common/text_limits.js';

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
const RETRY_INFO_TYPE = 'type.googleapis.com/google.rpc.RetryInfo';
/** In an error's metadata: when to ask again. It becomes a google.rpc.RetryInfo, too. */
const RETRY_FACT = 'retry_after_ms';
/**
 * Trailers are headers, and a gRPC client may refuse more than 8 kB of them (gRPC's C library does; some proxies take 4 kB). The message goes twice: percent
 * encoded, and in base64 in the details. 900 + 4/3 * (900 + 1000) bytes and the names of the headers stay below 4 kB.
 */
const MAX_MESSAGE_BYTES = 900;
const MAX_INFO_BYTES = 1000;
const MAX_FACT_BYTES = 500;

export type GrpcError = Pick<ServiceError, 'code' | 'details' | 'metadata'> & Error;

/** The gRPC error of anything that was thrown. What is not an AlirtcError becomes INTERNAL with an id; its stack goes to the log. Never throws: the call would not end. */
export function toGrpcError(thrown: unknown, logger: Logger): GrpcError {
  try {
    if (thrown instanceof AlirtcError && thrown.class !== 'internal') return fromAlirtcError(thrown);
    return internalError(thrown, logger);
  } catch (error) {
    logger.error({ err: error }, 'a status could not be encoded');
    const details = 'internal error';
    return Object.assign(new Error(details), { code: status.INTERNAL, details, metadata: new Metadata() });
  }
}

function internalError(thrown: unknown, logger: Logger): GrpcError {
  const id = randomBytes(6).toString('hex');
  logger.error({ err: thrown, errorId: id }, 'internal error');
  return fromAlirtcError(
    new AlirtcError('internal', `internal error ${id}; the daemon's log tells more`, {
      reason: 'INTERNAL',
      remedy: "report it, with the lines of the daemon's log that have this id",
      metadata: { error_id: id },
    }),
  );
}

function fromAlirtcError(error: AlirtcError): GrpcError {
  const code = STATUS_OF_CLASS[error.class];
  const details = headAsHeader(error.message, MAX_MESSAGE_BYTES);
  const metadata = new Metadata();
  metadata.set(DETAILS_KEY, encodeStatus(code, details, [[ERROR_INFO_TYPE, errorInfo(error)], ...retryInfo(error)]));
  return Object.assign(new Error(details), { code, details, metadata });
}

function retryInfo({ metadata }: AlirtcError): [type: string, bytes: Uint8Array][] {
  const milliseconds = Number(metadata[RETRY_FACT] ?? Number.NaN);
  if (!Number.isFinite(milliseconds)) return [];
  const retryDelay = { seconds: Math.floor(milliseconds / 1000), nanos: Math.round((milliseconds % 1000) * 1e6) };
  return [[RETRY_INFO_TYPE, RetryInfo.encode(RetryInfo.fromPartial({ retryDelay })).finish()]];
}

function errorInfo({ reason, number, field, value, remedy, metadata }: AlirtcError): Uint8Array {
  const facts: Record<string, string> = { ...metadata };
  if (number !== undefined) facts['number'] = String(number);
  if (field !== undefined) facts['field'] = field;
  if (value !== undefined) facts['value'] = value;
  if (remedy !== undefined) facts['remedy'] = remedy;
  for (let most = MAX_FACT_BYTES; ; most = Math.floor(most / 2)) {
    const fitting = Object.entries(facts).map(([key, fact]): [string, string] => [key, cutFact(key, fact, most)]);
    const info = { reason, domain: ERROR_DOMAIN, metadata: Object.fromEntries(fitting) };
    const bytes = ErrorInfo.encode(ErrorInfo.fromPartial(info)).finish();
    // The longest facts are cut first; with 1 byte each there is nothing left to cut.
    if (bytes.length <= MAX_INFO_BYTES || most <= 1) return bytes;
  }
}

/** What a process said last is at the end of what it said. */
function cutFact(key: string, fact: string, mostBytes: number): string {
  return key === 'last_lines' ? tailOfText(fact, mostBytes) : headOfText(fact, mostBytes);
}

/** google.rpc.Status {int32 code = 1; string message = 2; repeated google.protobuf.Any details = 3}, Any {string type_url = 1; bytes value = 2}. */
function encodeStatus(code: number, message: string, details: readonly [type: string, bytes: Uint8Array][]): Buffer {
  const writer = new BinaryWriter();
  writer.uint32((1 << 3) | 0).int32(code);
  writer.uint32((2 << 3) | 2).string(message);
  for (const [type, bytes] of details) {
    writer.uint32((3 << 3) | 2).fork();
    writer.uint32((1 << 3) | 2).string(type);
    writer.uint32((2 << 3) | 2).bytes(bytes);
    writer.join();
  }
  return Buffer.from(writer.finish());
}
