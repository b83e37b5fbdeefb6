import type { Random } from './random.js';
import { EDGES } from './mutate.js';

/** JSON texts of values that a writer of JSON can make and a reader of a protocol does not expect. */
const ODD: readonly string[] = [
  'null',
  'true',
  'false',
  '""',
  '"x"',
  '{}',
  '[]',
  '[[]]',
  '{"a":{"b":[1,2,3]}}',
  '-0',
  '-1',
  '0.5',
  '-1.5e-7',
  '1e999',
  '-1e999',
  '1e308',
  '1e30',
  '9007199254740993',
  '-9223372036854775809',
  '18446744073709551616',
  '4294967295',
  '2147483648',
  '-2147483649',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\uffff"',
  '"1"',
  '" "',
  '{"__proto__":{"x":1}}',
  '{"constructor":1,"toString":2}',
  '{"length":4294967295}',
  '[null]',
  '{"sequence":-1}',
  '{"sequence":1e300}',
];

/** The JSON text of some value. */
export function oddJson(random: Random): string {
  switch (random.below(8)) {
    case 0:
      return String(random.pick(EDGES) * random.pick([1, -1]));
    case 1:
      return JSON.stringify('x'.repeat(random.size(5000)));
    case 2:
      return JSON.stringify(random.bytes(random.size(200)).toString('latin1'));
    case 3: {
      const depth = random.size(100_000);
      return '['.repeat(depth) + ']'.repeat(depth);
    }
    case 4: {
      const depth = random.size(20_000);
      return '{"a":'.repeat(depth) + '1' + '}'.repeat(depth);
    }
    default:
      return random.pick(ODD);
  }
}
