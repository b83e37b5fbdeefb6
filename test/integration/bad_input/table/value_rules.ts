import { status } from '@grpc/grpc-js';
import type { Field } from './contract.js';
import type { Refusal } from './expectation.js';

/** One value of a field. Without a refusal it is legal: the call ends as with the values of its record. */
export interface Sample {
  title: string;
  value: unknown;
  refusal?: Omit<Refusal, 'field'> & { field?: string };
}

/** What is legal for a field, as the values that its type makes interesting. `why` is there where everything is legal. */
export interface Rule {
  samples: (field: Field) => Sample[];
  why?: string;
}

interface RefusedAs {
  code?: status;
  reason?: string;
  /** Where the error names another field than the one that was sent, and its value. */
  field?: string;
  value?: string;
}

const MIN_INT32 = -2_147_483_648;
const MAX_INT32 = 2_147_483_647;
const MAX_EXACT = Number.MAX_SAFE_INTEGER;
/** Beyond what a JavaScript number holds exactly. */
const BEYOND: Record<string, string[]> = {
  TYPE_INT64: ['9223372036854775807', '-9223372036854775808', '9007199254740993'],
  TYPE_UINT64: ['18446744073709551615', '9007199254740993'],
};
const FOREIGN_NUMBER = 99;
const ABSURD_BYTES = 32 * 1024 * 1024;
const ABSURD_ENTRIES = 10_000;

/** Bytes that are no UTF-8 (half of a surrogate pair) come in as one U+FFFD each. */
const HALF_PAIR = { sent: 'a\ud83d', read: `a${'\ufffd'.repeat(3)}` };

function refusedAs(
  value: unknown,
  { code, reason, field, value: told }: RefusedAs = {},
): NonNullable<Sample['refusal']> {
  return {
    code: code ?? status.INVALID_ARGUMENT,
    reason: reason ?? 'INVALID_FIELD',
    value: told ?? String(value),
    ...(field === undefined ? {} : { field }),
  };
}

function beyond(field: Field): Sample[] {
  return (BEYOND[field.type] ?? []).map((value) => ({
    title: value,
    value,
    // Its exact value is lost on the way: only that it is there is asserted.
    refusal: { code: status.OUT_OF_RANGE, reason: 'NUMBER_OUT_OF_RANGE', value },
  }));
}

function integers(field: Field, isLegal: (value: number) => boolean, more: number[], as?: RefusedAs): Sample[] {
  const ends: Record<string, number[]> = {
    TYPE_INT32: [MIN_INT32, -1, 0, MAX_INT32],
    TYPE_INT64: [-MAX_EXACT, -1, 0, MAX_EXACT],
    TYPE_UINT64: [0, 1, MAX_EXACT],
  };
  const own = ends[field.type];
  if (own === undefined) throw new Error(`${field.name} is ${field.type}, which has no range`);
  const values = [...new Set([...own, ...more])];
  const samples = values.map((value): Sample => ({
    title: String(value),
    value,
    ...(isLegal(value) ? {} : { refusal: refusedAs(value, as) }),
  }));
  return [...samples, ...beyond(field)];
}

/** Whole numbers from least to most; 0 too when it stands for a default. */
export function range(least: number, most: number, as?: RefusedAs & { zeroIsDefault?: true; ends?: false }): Rule {
  const zeroIsDefault = as?.zeroIsDefault === true;
  // Some ends are legal but need more than this field: they are left to tests of their own.
  const more = as?.ends === false ? [least - 1, most + 1] : [least - 1, least, most, most + 1];
  return {
    samples: (field) =>
      integers(
        field,
        (value) => (value >= least && value <= most) || (value === 0 && zeroIsDefault),
        more.filter((value) => (field.type === 'TYPE_INT32' ? value >= MIN_INT32 && value <= MAX_INT32 : value >= 0)),
        as,
      ),
  };
}

/** One of these numbers. */
export function oneOf(numbers: readonly number[], as?: RefusedAs): Rule {
  const more = numbers.flatMap((number) => [number, number + 1]);
  return { samples: (field) => integers(field, (value) => numbers.includes(value), more, as) };
}

/** These values, where the range depends on other fields. */
export function cases(legal: readonly number[], refused: readonly number[], as?: RefusedAs): Rule {
  return {
    samples: (field) => [
      ...legal.map((value) => ({ title: String(value), value })),
      ...refused.map((value) => ({ title: String(value), value, refusal: refusedAs(value, as) })),
      ...beyond(field),
    ],
  };
}

/** The values of all these rules. */
export function either(...rules: readonly Rule[]): Rule {
  return { samples: (field) => rules.flatMap((rule) => rule.samples(field)) };
}

/** A member of the enumeration. `except` are members that are refused all the same. */
export function member(
  unspecified: 'is the default' | 'is refused',
  options: { except?: readonly number[]; exceptAs?: RefusedAs; as?: RefusedAs } = {},
): Rule {
  const { except = [], exceptAs, as } = options;
  return {
    samples: ({ numbers }) => [
      ...numbers.map((value): Sample => {
        const title = `member ${value}`;
        if (except.includes(value)) return { title, value, refusal: refusedAs(value, exceptAs) };
        if (value === 0 && unspecified === 'is refused') return { title, value, refusal: refusedAs(value, as) };
        return { title, value };
      }),
      ...[FOREIGN_NUMBER, -1].map((value) => ({ title: `no member, ${value}`, value, refusal: refusedAs(value, as) })),
    ],
  };
}

/** Text for which `isLegal` is true, as the daemon reads it. */
export function text(
  isLegal: (read: string) => boolean,
  options: {
    as?: RefusedAs | ((read: string) => RefusedAs);
    more?: readonly string[];
    /** The status does not tell the value: a token, a key. */
    hidden?: true;
  } = {},
): Rule {
  const { as, more = [], hidden } = options;
  const sample = (title: string, sent: string, read = sent): Sample => {
    if (isLegal(read)) return { title, value: sent };
    const how = typeof as === 'function' ? as(read) : as;
    return { title, value: sent, refusal: refusedAs(hidden === true ? '' : read, how) };
  };
  return {
    samples: () => [
      sample('empty', ''),
      sample('of 10,000 characters', 'x'.repeat(10_000)),
      sample('with a NUL', 'a\u0000b'),
      sample('with control characters', '\u0001\u0007\u001b[2J\r\n\u007f'),
      sample('with half a surrogate pair', HALF_PAIR.sent, HALF_PAIR.read),
      ...more.map((value) => sample(JSON.stringify(value.slice(0, 30)), value)),
    ],
  };
}

/** Bytes of a legal length; those lengths, none, and 32 MB are tried. */
export function bytes(isLegal: (length: number) => boolean, lengths: readonly number[], as?: RefusedAs): Rule {
  return {
    samples: () =>
      [0, ...lengths, ABSURD_BYTES].map((length) => ({
        title: `${length} bytes`,
        value: Buffer.alloc(length),
        ...(isLegal(length) ? {} : { refusal: refusedAs(length, as) }),
      })),
  };
}

/** A list of at most so many entries, each of which keeps to the rule. */
export function list(entry: Rule, most: number): Rule {
  return {
    samples: (field) => {
      const entries = entry.samples(field);
      const good = entries.find(({ refusal }) => refusal === undefined);
      if (good === undefined) throw new Error(`${field.name}: no legal entry`);
      const ofLength = (length: number): Sample => ({
        title: `${length} entries`,
        value: Array.from({ length }, () => good.value),
        ...(length <= most ? {} : { refusal: refusedAs(length) }),
      });
      return [
        ...entries.map((sample) => ({ ...sample, value: [sample.value] })),
        ...[0, most, most + 1, ABSURD_ENTRIES].map(ofLength),
      ];
    },
  };
}

/** Any value of its type is accepted. Numbers of 64 bits end at 2^53 everywhere. */
export function free(why: string): Rule {
  return {
    why,
    samples: (field) => {
      switch (field.type) {
        case 'TYPE_BOOL':
          return [true, false].map((value) => ({ title: String(value), value }));
        case 'TYPE_STRING':
          return text(() => true).samples(field);
        default:
          return integers(field, () => true, []);
      }
    },
  };
}

/** A nested message, whose fields have rules of their own. `missing` is how the call ends without it. */
export function nested(missing: 'is the default' | RefusedAs): Rule {
  return {
    samples: () => [
      {
        title: 'missing',
        value: undefined,
        ...(missing === 'is the default' ? {} : { refusal: refusedAs('', missing) }),
      },
    ],
  };
}
