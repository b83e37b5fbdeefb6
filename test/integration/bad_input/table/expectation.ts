import { status } from '@grpc/grpc-js';
import type { Outcome } from './raw_call.js';

/** A refusal as the table declares it. */
export interface Refusal {
  code: status;
  /** The interface's error name, or one of the daemon's. */
  reason: string;
  /** As the .proto spells it, from the request on. */
  field: string;
  /** Undefined: any, but there has to be one. */
  value?: string;
}

export type Expectation = 'ok' | Refusal;

const MAX_VALUE_CHARACTERS = 80;
const MAX_MESSAGE_CHARACTERS = 2000;

/** Says what is wrong with the outcome; undefined when it is as declared. */
export function whatIsWrong(outcome: Outcome, expected: Expectation): string | undefined {
  const { code, message, info } = outcome;
  const seen = `${status[code]} ${info?.reason ?? ''} ${JSON.stringify(info?.metadata ?? {}).slice(0, 200)} ${message.slice(0, 120)}`;
  if (expected === 'ok') return code === status.OK ? undefined : `expected OK, got ${seen}`;
  if (code !== expected.code || info?.reason !== expected.reason)
    return `expected ${status[expected.code]} ${expected.reason}, got ${seen}`;
  if (info.domain !== 'alirtc') return `the domain is "${info.domain}"`;
  const { field, value, remedy = '' } = info.metadata;
  if (field !== expected.field) return `the field is "${field ?? ''}", not "${expected.field}": ${seen}`;
  if (value === undefined) return `no value: ${seen}`;
  if (expected.value !== undefined && value !== shortened(expected.value))
    return `the value is ${JSON.stringify(value)}, not ${JSON.stringify(shortened(expected.value))}`;
  if (remedy === '') return `no remedy: ${seen}`;
  if (message === '' || message.length > MAX_MESSAGE_CHARACTERS) return `a message of ${message.length} characters`;
  return undefined;
}

/** What a status tells of a value: its beginning, in well-formed Unicode. */
function shortened(value: string): string {
  return Buffer.from(Buffer.from(value).toString().slice(0, MAX_VALUE_CHARACTERS)).toString();
}
