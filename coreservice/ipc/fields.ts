import { AlirtcError } from '../../common/errors.js';
import type { MessageRow } from './direction.js';
import { protocolError } from './protocol_error.js';
import type { Kind } from './schema.js';

const EMPTY_VALUES: Readonly<Record<Kind, unknown>> = {
  int: 0,
  long: 0,
  num: 0,
  str: '',
  bool: false,
  flag: false,
  json: null,
};
const KIND_TEXTS: Readonly<Record<Kind, string>> = {
  int: 'a whole number',
  long: 'a whole number',
  num: 'a number',
  str: 'a string',
  bool: 'true or false',
  flag: '0 or 1',
  json: 'any JSON value',
};
/** Their values may hold a token or a key: an error names only their type. */
const SECRET_KEYS: ReadonlySet<string> = new Set(['token', 'authInfo', 'param', 'extra', 'vector']);
const EXTENSION_KEY = 'alirtcd';
const MAX_VALUE_LENGTH = 60;
const MAX_INT = 2 ** 31 - 1;
/** The contract's fractions are floats. */
const MAX_NUM = 3.4e38;

export type Fields = Record<string, unknown>;

/** JSON may hold 1e999, which is read as infinity. */
function cut(value: number, most: number): number {
  return Math.min(Math.max(value, -most), most);
}

/** A field of a received message as this side sees it, or undefined when its type is wrong. */
function readValue(kind: Kind, value: unknown): unknown {
  switch (kind) {
    case 'int':
      // The vendor's ends are C++ and Python, where a whole number may come out as 12.0 or a rate as 0.4: what an int cannot hold is cut off.
      return typeof value === 'number' ? cut(Math.trunc(value), MAX_INT) : undefined;
    case 'long':
      return typeof value === 'number' ? cut(Math.trunc(value), Number.MAX_SAFE_INTEGER) : undefined;
    case 'num':
      return typeof value === 'number' ? cut(value, MAX_NUM) : undefined;
    case 'str':
      return typeof value === 'string' ? value : undefined;
    case 'bool':
    case 'flag':
      return typeof value === 'boolean' ? value : value === 1 ? true : value === 0 ? false : undefined;
    case 'json':
      return value;
  }
}

/** The reverse; undefined when JSON cannot carry the value or its type is wrong. */
function writeValue(kind: Kind, value: unknown): unknown {
  switch (kind) {
    case 'int':
    case 'long':
      return Number.isInteger(value) ? value : undefined;
    case 'num':
      return Number.isFinite(value) ? value : undefined;
    case 'str':
      return typeof value === 'string' ? value : undefined;
    case 'bool':
      return typeof value === 'boolean' ? value : undefined;
    case 'flag':
      return typeof value === 'boolean' ? Number(value) : undefined;
    case 'json':
      return value;
  }
}

function describe(key: string, value: unknown): string {
  if (SECRET_KEYS.has(key)) return `of type ${typeof value}`;
  const text = typeof value === 'number' ? String(value) : textOf(value);
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}...` : text;
}

/** The parser takes lists in lists to any depth; the writer does not. */
function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return 'a value that is nested too deeply';
  }
}

function missing(row: MessageRow, key: string, kind: Kind): unknown {
  const { optional, defaults } = row.spec;
  if (key !== row.spec.payload && (optional === 'all' || optional?.includes(key)))
    return defaults?.[key] ?? EMPTY_VALUES[kind];
  throw protocolError({ message: row.name, key, value: 'missing' }, `is missing, must be ${KIND_TEXTS[kind]}`);
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The fields of a received message, checked against its row; further keys are dropped, but for the object "alirtcd".
 * @returns the fields without the payload's size, and that size in bytes (0 without a payload)
 */
export function readFields(row: MessageRow, json: Fields): { fields: Fields; payloadBytes: number } {
  const fields: Fields = {};
  let payloadBytes = 0;
  for (const [key, kind] of row.keys) {
    const found = json[key];
    // A C++ end writes a rate that is not a number as null.
    const value = found === undefined || found === null ? missing(row, key, kind) : readValue(kind, found);
    if (value === undefined) {
      const text = describe(key, found);
      throw protocolError({ message: row.name, key, value: text }, `is ${text}, must be ${KIND_TEXTS[kind]}`);
    }
    if (key === row.spec.payload) payloadBytes = readSize(row, key, found);
    else fields[key] = value;
  }
  if (isObject(json[EXTENSION_KEY])) fields[EXTENSION_KEY] = json[EXTENSION_KEY];
  return { fields, payloadBytes };
}

function readSize(row: MessageRow, key: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  const text = describe(key, value);
  throw protocolError({ message: row.name, key, value: text }, `is ${text}, must be a number of bytes`);
}

/** The JSON object of a message to send, with its number in front. Throws invalid_argument naming message, key and value. */
export function writeFields(
  row: MessageRow,
  fields: Readonly<Fields>,
  payloadBytes: number,
  numberKey: string,
): Fields {
  const json: Fields = { [numberKey]: row.spec.number };
  for (const [key, kind] of row.keys) {
    const value = key === row.spec.payload ? payloadBytes : writeValue(kind, fields[key]);
    if (value === undefined) {
      const text = describe(key, fields[key]);
      throw new AlirtcError('invalid_argument', `${row.name} key "${key}": is ${text}, must be ${KIND_TEXTS[kind]}`, {
        reason: 'IPC_BAD_FIELD',
        field: key,
        value: text,
      });
    }
    json[key] = value;
  }
  if (fields[EXTENSION_KEY] !== undefined) json[EXTENSION_KEY] = fields[EXTENSION_KEY];
  return json;
}
