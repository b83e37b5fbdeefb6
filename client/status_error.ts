import { status } from '@grpc/grpc-js';
import type { Metadata } from '@grpc/grpc-js';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { Any, ErrorInfo } from 'nice-grpc-error-details';

/** Where google.rpc.Status travels: https://google.aip.dev/193. */
const DETAILS_KEY = 'grpc-status-details-bin';
const ERROR_INFO_TYPE = 'type.googleapis.com/google.rpc.ErrorInfo';
const OWN_KEYS: ReadonlySet<string> = new Set(['number', 'field', 'value', 'remedy']);

export interface StatusErrorDetails {
  /** The interface's error name, e.g. ERR_JOIN_BAD_TOKEN, or a name of the daemon's own; the name of the gRPC code when the daemon said nothing. */
  reason: string;
  /** The interface's error number. */
  number?: number | undefined;
  /** The request's field at fault, in the proto's spelling. */
  field?: string | undefined;
  /** Its value. */
  value?: string | undefined;
  /** What to do. */
  remedy?: string | undefined;
  /** Further facts for programs, e.g. "oldest" and "next" of an event stream. */
  metadata?: Readonly<Record<string, string>>;
  cause?: unknown;
}

/**
 * The one error class of this client: every call, stream and push that fails rejects with it. It is the inverse of the daemon's table from errors to
 * statuses; what the client itself refuses has the same shape.
 */
export class AlirtcStatusError extends Error {
  override readonly name = 'AlirtcStatusError';
  /** The gRPC status code. */
  readonly code: status;
  readonly reason: string;
  readonly number: number | undefined;
  readonly field: string | undefined;
  readonly value: string | undefined;
  readonly remedy: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;

  constructor(code: status, message: string, details: StatusErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.reason = details.reason;
    this.number = details.number;
    this.field = details.field;
    this.value = details.value;
    this.remedy = details.remedy;
    this.metadata = details.metadata ?? {};
  }

  /** The name of the gRPC status code, e.g. NOT_FOUND. */
  get codeName(): string {
    return status[this.code];
  }
}

/** Anything that grpc-js rejects with, or anything else thrown, as an AlirtcStatusError. */
export function toStatusError(error: unknown): AlirtcStatusError {
  if (error instanceof AlirtcStatusError) return error;
  if (!isServiceError(error)) {
    const message = error instanceof Error ? error.message : String(error);
    return new AlirtcStatusError(status.INTERNAL, message, { reason: 'INTERNAL', cause: error });
  }
  const info = errorInfo(error.metadata);
  if (info === undefined)
    return new AlirtcStatusError(error.code, error.details, { reason: status[error.code], cause: error });
  const { number, field, value, remedy } = info.metadata;
  return new AlirtcStatusError(error.code, error.details, {
    reason: info.reason,
    number: number === undefined || !/^-?[0-9]+$/.test(number) ? undefined : Number(number),
    field,
    value,
    remedy,
    metadata: Object.fromEntries(Object.entries(info.metadata).filter(([key]) => !OWN_KEYS.has(key))),
    cause: error,
  });
}

/** A refusal of the client itself. */
export function invalidArgument(message: string, field: string, remedy: string): AlirtcStatusError {
  return new AlirtcStatusError(status.INVALID_ARGUMENT, message, { reason: 'INVALID_ARGUMENT', field, remedy });
}

export function cancelled(message: string): AlirtcStatusError {
  return new AlirtcStatusError(status.CANCELLED, message, { reason: 'CANCELLED' });
}

interface StatusLike {
  code: status;
  details: string;
  metadata?: Metadata;
}

function isServiceError(error: unknown): error is StatusLike {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'number' &&
    status[error.code] !== undefined &&
    'details' in error &&
    typeof error.details === 'string'
  );
}

/** What a status without readable details gives is undefined: a foreign server, or a proxy between. */
function errorInfo(metadata: Metadata | undefined): ErrorInfo | undefined {
  const bytes = metadata?.get(DETAILS_KEY)[0];
  if (!Buffer.isBuffer(bytes)) return undefined;
  try {
    for (const detail of statusDetails(bytes))
      if (detail.typeUrl === ERROR_INFO_TYPE) return ErrorInfo.decode(detail.value);
  } catch {
    return undefined;
  }
  return undefined;
}

/** google.rpc.Status: 1 code, 2 message, 3 repeated google.protobuf.Any details. */
function statusDetails(bytes: Uint8Array): Any[] {
  const reader = new BinaryReader(bytes);
  const details: Any[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 3) details.push(Any.decode(reader.bytes()));
    else reader.skip(wireType);
  }
  return details;
}
