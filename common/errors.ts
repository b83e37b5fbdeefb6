/**
 * The one error class of all processes of this project. A code says what a caller can do about it; the interface's error
 * name and number say what the AliRTC documentation calls it. Mapped to gRPC statuses at one place (daemon/api) and back at one
 * place (client).
 */

/** What a caller can do about it. The names are gRPC's, because the outermost edge speaks gRPC. */
export type ErrorClass =
  | 'invalid_argument' // correct the named field and call again
  | 'not_found' // the named thing does not exist (any more)
  | 'already_exists'
  | 'failed_precondition' // bring the engine into another state first
  | 'out_of_range' // ask for another position
  | 'resource_exhausted' // slow down, or free something
  | 'permission_denied' // the operator has to allow it
  | 'unauthenticated'
  | 'deadline_exceeded'
  | 'unavailable' // try again later, or make a new engine
  | 'aborted'
  | 'cancelled'
  | 'unimplemented'
  | 'internal';

export interface ErrorDetails {
  /** The interface's error name, e.g. ERR_JOIN_BAD_TOKEN; a name of ours (ENGINE_NOT_FOUND) where the interface has none. */
  reason: string;
  /** The interface's error number; left out where it has none. */
  number?: number;
  /** The field at fault, in the proto's spelling. */
  field?: string;
  /** Its value, shortened; never a token or key. */
  value?: string;
  /** What to do. */
  remedy?: string;
  /** Further facts for programs. */
  metadata?: Readonly<Record<string, string>>;
  cause?: unknown;
}

export class AlirtcError extends Error {
  override readonly name = 'AlirtcError';
  readonly class: ErrorClass;
  readonly reason: string;
  readonly number: number | undefined;
  readonly field: string | undefined;
  readonly value: string | undefined;
  readonly remedy: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;

  constructor(errorClass: ErrorClass, message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.class = errorClass;
    this.reason = details.reason;
    this.number = details.number;
    this.field = details.field;
    this.value = details.value;
    this.remedy = details.remedy;
    this.metadata = details.metadata ?? {};
  }
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
