import assert from 'node:assert/strict';
import * as ipc from '../../../coreservice/ipc/enums.js';
import * as convert from '../../../daemon/conversions.js';
import { EnumConversion } from '../../../daemon/conversions.js';
import { ERROR_NUMBERS, CALL_RESULT_NUMBERS } from '../../../common/error_codes.js';
import * as proto from '../../../gen/alirtc/v1/types.js';

const conversions = Object.values(convert).filter((value): value is EnumConversion => value instanceof EnumConversion);

/** Of the IPC's enumerations, what the contract does not have: only one member has no meaning at all. */
const LEFT_OUT: Readonly<Record<string, readonly number[]>> = { VideoDataFormat: [ipc.VideoDataFormat.Unknown] };

for (const conversion of conversions)
  describe(`the conversion of ${conversion.name}`, () => {
    const members = (object: object): number[] =>
      Object.values(object).filter((value): value is number => typeof value === 'number');

    it('has every member of the contract but UNSPECIFIED, there and back', () => {
      const all = members(proto[conversion.name as keyof typeof proto] as object).filter((value) => value > 0);
      assert.deepEqual(conversion.pairs.map(([fromProto]) => fromProto).sort(), all.sort());
      for (const value of all) assert.equal(conversion.toProto(conversion.toIpc(value, 'field')), value);
    });

    it('has every number of the IPC, there and back', () => {
      const all = members(ipc[conversion.name as keyof typeof ipc] as object).filter(
        (value) => !(LEFT_OUT[conversion.name] ?? []).includes(value),
      );
      for (const value of all) assert.equal(conversion.toIpc(conversion.toProto(value), 'field'), value);
    });

    it('refuses numbers that the contract does not have, and names the field', () => {
      for (const value of [-1, 99]) assert.throws(() => conversion.toIpc(value, 'the_field'), { field: 'the_field' });
      if (conversion.defaultIpc === undefined)
        assert.throws(() => conversion.toIpc(0, 'the_field'), { field: 'the_field' });
      else assert.equal(conversion.toIpc(0, 'the_field'), conversion.defaultIpc);
    });

    it('takes a number that only the IPC has as UNSPECIFIED', () => assert.equal(conversion.toProto(12345), 0));
  });

describe('the conversion of error codes', () => {
  it('keeps every number of the interface', () => {
    const { ERR_OK: _ok, ...errors } = { ...ERROR_NUMBERS, ...CALL_RESULT_NUMBERS };
    for (const [name, number] of Object.entries(errors))
      assert.equal(proto.ErrorCode[convert.errorCode(number)], name.replace('ERR_', ''));
  });

  it('is FATAL for a number without a name', () => assert.equal(convert.errorCode(0x0999), proto.ErrorCode.FATAL));
});
