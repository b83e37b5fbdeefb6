import { randomBytes } from 'node:crypto';
import type { ApiErrorBody } from '../../common/console_api.js';
import { AlirtcError } from '../../common/errors.js';
import type { ErrorClass } from '../../common/errors.js';
import type { Logger } from '../../common/logger.js';
import { refusal } from '../refusals.js';

/** RFC 9110, section 15. */
const STATUS_OF_CLASS: Readonly<Record<ErrorClass, number>> = {
  invalid_argument: 400,
  out_of_range: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  already_exists: 409,
  failed_precondition: 409,
  aborted: 409,
  cancelled: 409,
  resource_exhausted: 429,
  internal: 500,
  unimplemented: 501,
  unavailable: 503,
  deadline_exceeded: 504,
};

/** An error whose status is not that of its class: 405, 413, 414, 421. */
export class HttpError extends AlirtcError {
  readonly status: number;

  constructor(status: number, reason: string, message: string, remedy: string) {
    super('invalid_argument', message, { reason, remedy });
    this.status = status;
  }
}

export function noSuchPage(path: string): Error {
  return refusal('not_found', 'NO_SUCH_PAGE', `there is nothing at ${path.slice(0, 80)}`, {
    remedy: 'begin at /',
  });
}

/** Status and body of anything that was thrown. What is not an AlirtcError becomes 500 with an id; its stack goes to the log. */
export function answerOf(thrown: unknown, logger: Logger): { status: number; body: ApiErrorBody } {
  if (thrown instanceof AlirtcError && thrown.class !== 'internal') {
    const { class: errorClass, reason, message, field, remedy } = thrown;
    const status = thrown instanceof HttpError ? thrown.status : STATUS_OF_CLASS[errorClass];
    const facts = { ...(field === undefined ? {} : { field }), ...(remedy === undefined ? {} : { remedy }) };
    return { status, body: { error: { class: errorClass, reason, message, ...facts } } };
  }
  const id = randomBytes(6).toString('hex');
  logger.error({ err: thrown, errorId: id }, 'internal error of the HTTP API');
  const message = `internal error ${id}; the daemon's log tells more`;
  return { status: 500, body: { error: { class: 'internal', reason: 'INTERNAL', message } } };
}
