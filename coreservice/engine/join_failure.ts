import { AlirtcError, messageOf } from '../../common/errors.js';
import { CALL_RESULT_NUMBERS, ERROR_NUMBERS, type ErrorName } from '../../common/error_codes.js';

/** What JOIN_RESULT says of a join that did not succeed. */
export interface JoinFailure {
  number: number;
  reason: string;
  text: string;
}

/** The kinds of rtc's RoomConnectError. */
const BY_KIND: Readonly<Record<string, ErrorName>> = {
  unauthorized: 'ERR_JOIN_BAD_TOKEN',
  not_found: 'ERR_JOIN_BAD_CHANNEL',
  refused: 'ERR_NETWORK_CONNECT_FAIL',
  timeout: 'ERR_JOIN_TIMEOUT',
  certificate: 'ERR_NETWORK_CONNECT_FAIL',
  protocol: 'ERR_JOIN_FAILED',
  room_full: 'ERR_JOIN_FAILED',
  server: 'ERR_JOIN_FAILED',
};

/** Maps whatever a join failed with to an interface number, a reason and a text. */
export function joinFailureOf(error: unknown): JoinFailure {
  if (error instanceof AlirtcError)
    return {
      number: error.number ?? ERROR_NUMBERS.ERR_JOIN_FAILED,
      reason: error.reason,
      text: error.message,
    };
  const text = messageOf(error);
  const kind = kindOf(error);
  // The embedded server refuses a foreign profile with its name in the text.
  if (text.includes('ERR_JOIN_PROFILE_MISMATCH')) return profileMismatch(text);
  if (kind !== undefined) {
    const name = BY_KIND[kind] ?? 'ERR_JOIN_FAILED';
    return { number: ERROR_NUMBERS[name], reason: kind === 'room_full' ? 'ROOM_FULL' : name, text };
  }
  return { number: ERROR_NUMBERS.ERR_JOIN_FAILED, reason: 'ERR_JOIN_FAILED', text };
}

export function profileMismatch(text: string): JoinFailure {
  return { number: CALL_RESULT_NUMBERS.ERR_JOIN_PROFILE_MISMATCH, reason: 'ERR_JOIN_PROFILE_MISMATCH', text };
}

export function joinError(name: ErrorName, text: string, reason: string = name): AlirtcError {
  return new AlirtcError('failed_precondition', text, { reason, number: ERROR_NUMBERS[name] });
}

function kindOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('kind' in error)) return undefined;
  return typeof error.kind === 'string' ? error.kind : undefined;
}
