import { invalidField } from '../refusals.js';

const ID = /^[A-Za-z0-9_-]{1,64}$/;
const MAX_NAME_BYTES = 64;
/** What is part of a token's hash. */
export const MAX_NONCE_BYTES = 1024;
export const MAX_ROLE_BYTES = 64;

/** Channel and user ids. */
export function checkId(field: string, value: string, reason?: string): string {
  if (ID.test(value)) return value;
  throw invalidField(field, value, 'has to be 1 to 64 of A-Z a-z 0-9 _ -', {
    reason,
    remedy: `give a ${field} of these characters`,
  });
}

/** A remote user: what other LiveKit clients call themselves is theirs, so only emptiness and length are checked. */
export function checkRemoteUser(field: string, value: string): string {
  if (value.length > 0 && Buffer.byteLength(value) <= 256) return value;
  throw invalidField(field, value, 'has to name a user, in at most 256 bytes', {
    remedy: 'give the uid that OnRemoteUserOnLineNotify told',
  });
}

/** A display name. */
export function checkName(field: string, value: string, reason?: string): string {
  if (Buffer.byteLength(value, 'utf8') <= MAX_NAME_BYTES) return value;
  throw invalidField(field, value, `has more than ${MAX_NAME_BYTES} bytes`, { reason, remedy: 'shorten it' });
}

/** A text of the client's own, of a length that goes on in messages and tokens. `shown` is false for what is secret. */
export function checkLength(
  field: string,
  value: string,
  mostBytes: number,
  { reason, shown = true }: { reason?: string; shown?: boolean } = {},
): string {
  if (Buffer.byteLength(value, 'utf8') <= mostBytes) return value;
  throw invalidField(field, shown ? value : '', `has more than ${mostBytes} bytes`, { reason, remedy: 'shorten it' });
}

export function checkRange(field: string, value: number, least: number, most: number, reason?: string): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalidField(field, value, `has to be ${least} to ${most}`, {
    reason,
    remedy: `give a whole number from ${least} to ${most}`,
  });
}

export function checkOneOf(field: string, value: number, allowed: readonly number[], reason?: string): number {
  if (allowed.includes(value)) return value;
  throw invalidField(field, value, `has to be one of ${allowed.join(', ')}`, {
    reason,
    remedy: `give one of ${allowed.join(', ')}`,
  });
}

/** The object that the text is. Empty text is an empty object when `emptyAllowed`. */
export function checkJsonObject(field: string, text: string, emptyAllowed: boolean): Record<string, unknown> {
  if (text.trim() === '' && emptyAllowed) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidField(field, text, 'is not JSON', { remedy: 'give a JSON object as text, e.g. {}' });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalidField(field, text, 'is not a JSON object', { remedy: 'give a JSON object as text, e.g. {}' });
}

/** A port range; 0 and 0 stand for the default. */
export function checkPortRange(
  lowPort: number,
  highPort: number,
  fallback: { low: number; high: number },
): { low: number; high: number } {
  if (lowPort === 0 && highPort === 0) return fallback;
  checkRange('low_port', lowPort, 1, 65_535);
  checkRange('high_port', highPort, 1, 65_535);
  if (lowPort > highPort)
    throw invalidField('high_port', highPort, `lies below low_port, ${lowPort}`, {
      remedy: 'give 0 for both, or low_port <= high_port',
    });
  return { low: lowPort, high: highPort };
}
