import { AlirtcError } from '../common/errors.js';
import type { ErrorClass, ErrorDetails } from '../common/errors.js';
import { CALL_RESULT_NUMBERS, ERROR_NUMBERS } from '../common/error_codes.js';

const NUMBERS: Readonly<Record<string, number>> = { ...ERROR_NUMBERS, ...CALL_RESULT_NUMBERS };
const VALUE_CHARACTERS = 80;

/** An AlirtcError whose number is that of its reason, when the interface has one. The remedy says what the caller can do. */
export function refusal(
  errorClass: ErrorClass,
  reason: string,
  message: string,
  details: Omit<ErrorDetails, 'reason'> & { remedy: string },
): AlirtcError {
  const number = NUMBERS[reason];
  return new AlirtcError(errorClass, message, { reason, ...(number === undefined ? {} : { number }), ...details });
}

/** A field has a wrong value. `reason` is the interface's name where it has one. */
export function invalidField(
  field: string,
  value: unknown,
  message: string,
  options: { reason?: string | undefined; remedy: string },
): AlirtcError {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return refusal('invalid_argument', options.reason ?? 'INVALID_FIELD', `${field}: ${message}`, {
    field,
    value: text.slice(0, VALUE_CHARACTERS),
    remedy: options.remedy,
  });
}

/** A call that needs the core came while another core process takes the place of the one that died. */
export function coreRestarts(cause?: Error): AlirtcError {
  return refusal('unavailable', 'CORE_RESTARTING', 'the core process died, and another one is being started', {
    remedy: 'try again when CoreRestart tells COMPLETED; settings are taken meanwhile',
    cause,
  });
}

/** The call does not fit the engine's state. */
export function wrongState(reason: string, message: string, remedy: string): AlirtcError {
  return refusal('failed_precondition', reason, message, { remedy });
}
