import { AlirtcError } from '../../common/errors.js';
import type { ErrorClass } from '../../common/errors.js';
import { errorName } from '../../common/error_codes.js';
import type { Join } from './join_request.js';

interface Row {
  class: ErrorClass;
  /** The field at fault, when there is one. */
  field?: string;
  /** Its value, when it may be told. */
  value?: (join: Join) => string;
  remedy: string;
}

const VALUE_CHARACTERS = 80;
const NEW_TOKEN = 'make a token with GenerateToken for this channel and user';
const TRY_AGAIN = 'join again; GetNodeStatus tells which channel server is used';
// The value of a token is never told.
const UNAUTHENTICATED: Row = { class: 'unauthenticated', field: 'token', value: () => '', remedy: NEW_TOKEN };
const BAD_APP_ID: Row = {
  class: 'unauthenticated',
  field: 'app_id',
  value: ({ credential }) => (credential.kind === 'auth' ? credential.auth.appId.slice(0, VALUE_CHARACTERS) : ''),
  remedy: "add the app id to the daemon's key file, or use one that it has",
};
const BAD_CHANNEL: Row = {
  class: 'failed_precondition',
  field: 'channel_id',
  value: ({ channel }) => channel,
  remedy: 'join a channel that the channel server has or makes',
};
const BAD_CONFIG: Row = {
  class: 'invalid_argument',
  field: 'config',
  value: ({ config }) => JSON.stringify(config).slice(0, VALUE_CHARACTERS),
  remedy: 'correct what the text names, and join again',
};
const TIMED_OUT: Row = { class: 'deadline_exceeded', remedy: TRY_AGAIN };
const UNREACHABLE: Row = { class: 'unavailable', remedy: TRY_AGAIN };
const OTHER: Row = { class: 'failed_precondition', remedy: 'correct what the text says, and join again' };

const ROWS: Readonly<Record<string, Row>> = {
  ERR_JOIN_BAD_TOKEN: UNAUTHENTICATED,
  ERR_JOIN_BAD_APPID: BAD_APP_ID,
  ERR_JOIN_INVALID_APPID: BAD_APP_ID,
  ERR_JOIN_BAD_CHANNEL: BAD_CHANNEL,
  ERR_JOIN_INVALID_CHANNEL: BAD_CHANNEL,
  ERR_JOIN_BAD_PARAM: BAD_CONFIG,
  ERR_JOIN_CONFIG_INVALID: BAD_CONFIG,
  ERR_JOIN_PROFILE_MISMATCH: {
    class: 'failed_precondition',
    field: 'config.channel_profile',
    value: ({ config }) => String(config.channelProfile),
    remedy: 'join with the profile that the channel has',
  },
  ERR_JOIN_TIMEOUT: TIMED_OUT,
  ERR_NETWORK_TIMEOUT: TIMED_OUT,
  ERR_NETWORK_CONNECT_FAIL: UNREACHABLE,
  ERR_NETWORK_DISCONNECT: { class: 'unavailable', remedy: 'create a new engine, and join with it' },
};

/**
 * The status of a join that failed, for a call with `wait`. `refused` is the daemon's own error when it did not let the join go to the core: it
 * knows the field at fault. Of what the core says there is only a number and a text.
 */
export function joinFailure(
  join: Join,
  { result, text }: { result: number; text: string },
  refused?: AlirtcError,
): AlirtcError {
  const reason = errorName(result) ?? 'ERR_JOIN_FAILED';
  const row = ROWS[reason] ?? OTHER;
  const field = refused?.field ?? row.field;
  const value = refused === undefined ? row.value?.(join) : refused.value;
  return new AlirtcError(row.class, text === '' ? `the join failed with ${reason}` : text, {
    reason,
    number: result,
    ...(field === undefined ? {} : { field }),
    ...(value === undefined ? {} : { value }),
    remedy: refused?.remedy ?? row.remedy,
  });
}
