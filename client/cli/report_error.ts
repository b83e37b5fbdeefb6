import { status } from '@grpc/grpc-js';
import { messageOf } from '../../common/errors.js';
import { AlirtcStatusError } from '../status_error.js';
import type { CliIo } from './io.js';

/** Says what went wrong, what it is called, and what to do. */
export function reportError(error: unknown, io: CliIo, json: boolean): void {
  if (json) {
    io.note(JSON.stringify({ error: errorJson(error) }));
    return;
  }
  io.note(`error: ${messageOf(error)}`);
  if (!(error instanceof AlirtcStatusError)) return;
  const name = error.reason === error.codeName ? error.reason : `${error.codeName} ${error.reason}`;
  io.note(`  code:   ${name}${error.number === undefined ? '' : ` ${numberText(error.number)}`}`);
  if (error.field !== undefined)
    io.note(`  field:  ${error.field}${error.value === undefined ? '' : ` = ${error.value}`}`);
  for (const [key, value] of Object.entries(error.metadata)) io.note(`  ${key}: ${value}`);
  const remedy = error.remedy ?? REMEDIES[error.code];
  if (remedy !== undefined) io.note(`  remedy: ${remedy}`);
}

/** For statuses to which the daemon said nothing. */
const REMEDIES: Readonly<Partial<Record<status, string>>> = {
  [status.UNAVAILABLE]: 'see whether alirtcd runs and listens at this address',
  [status.DEADLINE_EXCEEDED]: 'see the log of alirtcd, and try again',
  [status.UNIMPLEMENTED]: 'this daemon does not know the call: compare the versions of alirtc and alirtcd',
  [status.INTERNAL]: 'see the log of alirtcd',
};

/** As the interface writes its numbers. */
function numberText(number: number): string {
  return number < 0 ? String(number) : `0x${number.toString(16).padStart(8, '0')}`;
}

/** What a call rejects with that was cancelled from here. */
export function isInterruption(error: unknown): boolean {
  if (error instanceof AlirtcStatusError) return error.code === status.CANCELLED;
  return error instanceof Error && error.name === 'AbortError';
}

function errorJson(error: unknown): Record<string, unknown> {
  if (!(error instanceof AlirtcStatusError)) return { message: messageOf(error) };
  const { message, codeName: code, reason, number, field, value, remedy, metadata } = error;
  return { message, code, reason, number, field, value, remedy, metadata };
}
