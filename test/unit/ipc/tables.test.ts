import { strict as assert } from 'node:assert';
import { CORE_TO_HOST, HOST_TO_CORE } from '../../../coreservice/ipc/direction.js';
import { FOREIGN_COMMAND_NUMBERS } from '../../../coreservice/ipc/commands.js';
import { encodeMessage } from '../../../coreservice/ipc/encoder.js';
import { decodeAll, sampleFields, samplePayload, unit } from './messages.js';

/** core-service-ipc.md, section 3, whole. */
const COMMAND_NUMBERS = Array.from({ length: 66 }, (_, index) => index + 1).filter((number) => number !== 36);
/** core-service-ipc.md, section 4, the table. */
const CALLBACK_NUMBERS = [
  1001, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015, 1016, 1017, 1018, 1019, 1020, 1021,
  1022, 1023, 1024, 1025, 1026, 1027, 1028, 1029, 1030, 1031, 1032, 1039, 1040, 1044, 1045, 1053, 1059, 1060, 1061,
  1062, 1063, 1064, 1065, 1066, 1069, 1070, 1071,
];
/** Section 4, the numbers to pass over. */
const FOREIGN_CALLBACK_NUMBERS = [
  1033, 1035, 1036, 1038, 1041, 1046, 1047, 1048, 1049, 1050, 1051, 1052, 1056, 1057, 1058, 1068,
];
const DIRECTIONS = [HOST_TO_CORE, CORE_TO_HOST];

describe('the tables of messages', () => {
  it('have every number of the specification, once', () => {
    const commands = [...HOST_TO_CORE.byNumber.keys(), ...FOREIGN_COMMAND_NUMBERS];
    assert.deepEqual(
      commands.sort((a, b) => a - b),
      COMMAND_NUMBERS,
    );
    assert.deepEqual(
      [...CORE_TO_HOST.byNumber.keys()].sort((a, b) => a - b),
      CALLBACK_NUMBERS,
    );
    for (const { byName, byNumber } of DIRECTIONS) assert.equal(byName.size, byNumber.size);
  });

  it('name only keys of their own row as payload size, optional or default', () => {
    for (const { name, spec } of DIRECTIONS.flatMap(({ byName }) => [...byName.values()])) {
      const named = [
        ...(spec.payload === undefined ? [] : [spec.payload]),
        ...(Array.isArray(spec.optional) ? (spec.optional as string[]) : []),
        ...Object.keys(spec.defaults ?? {}),
      ];
      for (const key of named) assert.ok(key in spec.keys, `${name}: ${key}`);
      if (spec.payload !== undefined) assert.equal(spec.keys[spec.payload], 'int', name);
    }
  });

  for (const direction of DIRECTIONS)
    for (const row of direction.byName.values())
      it(`${row.name} (${row.spec.number}) arrives as it was sent`, () => {
        const fields = sampleFields(row);
        const lengths = row.spec.payload === undefined ? [undefined] : [0, 1, 9, 65_536, 65_537, 200_000];
        const sent = lengths.map((length) => (length === undefined ? undefined : samplePayload(length)));
        const bytes = sent.flatMap((payload) => encodeMessage(direction, row.name, fields, payload));
        assert.deepEqual(
          decodeAll(direction, [Buffer.concat(bytes)]),
          sent.map((payload) => ({ name: row.name, fields, payload })),
        );
      });

  for (const [direction, numbers] of [
    [HOST_TO_CORE, [...FOREIGN_COMMAND_NUMBERS, 36, 67, -1]],
    [CORE_TO_HOST, [...FOREIGN_CALLBACK_NUMBERS, 1, 9999]],
  ] as const)
    it(`pass over ${direction.numberKey} numbers that have no row, and read on`, () => {
      const [last] = direction.byName.values();
      assert.ok(last !== undefined);
      const fields = sampleFields(last);
      const foreign = numbers.map((number) => unit(JSON.stringify({ [direction.numberKey]: number, x: [1] })));
      const bytes = [...foreign, ...encodeMessage(direction, last.name, fields)];
      assert.deepEqual(decodeAll(direction, bytes), [{ name: last.name, fields, payload: undefined }]);
    });
});
