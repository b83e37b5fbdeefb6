import assert from 'node:assert/strict';
import { Metadata, status } from '@grpc/grpc-js';
import { CALL_RESULT_NUMBERS, ERROR_NUMBERS } from '../../../common/error_codes.js';
import { AlirtcStatusError } from '../../../client/index.js';
import { toStatusError } from '../../../client/status_error.js';
import { serviceError } from '../../support/fake_daemon/status.js';

describe('Errors of the client', () => {
  for (const [reason, number] of Object.entries({ ...ERROR_NUMBERS, ...CALL_RESULT_NUMBERS }))
    it(`gives back ${reason} with its number`, () => {
      const error = toStatusError(
        serviceError(status.FAILED_PRECONDITION, 'text', reason, { number: String(number), field: 'f', value: 'v' }),
      );
      assert.deepEqual(
        [error.code, error.codeName, error.message, error.reason, error.number, error.field, error.value],
        [status.FAILED_PRECONDITION, 'FAILED_PRECONDITION', 'text', reason, number, 'f', 'v'],
      );
    });

  it('keeps the remedy, and further facts as metadata', () => {
    const error = toStatusError(
      serviceError(status.OUT_OF_RANGE, 'too old', 'EVENTS_GONE', { remedy: 'ask again', oldest: '5', next: '9' }),
    );
    assert.equal(error.remedy, 'ask again');
    assert.equal(error.number, undefined);
    assert.deepEqual(error.metadata, { oldest: '5', next: '9' });
  });

  it('takes the name of the gRPC code where the daemon said nothing or nothing readable', () => {
    for (const details of [undefined, Buffer.from([0x1a, 0x7f, 1]), Buffer.from([0xff, 0xff])]) {
      const metadata = new Metadata();
      if (details !== undefined) metadata.set('grpc-status-details-bin', details);
      const error = toStatusError(
        Object.assign(new Error('x'), { code: status.UNAVAILABLE, details: 'no connection', metadata }),
      );
      assert.deepEqual([error.code, error.reason, error.message], [status.UNAVAILABLE, 'UNAVAILABLE', 'no connection']);
    }
  });

  it('makes anything else INTERNAL, and leaves its own errors as they are', () => {
    const own = new AlirtcStatusError(status.ABORTED, 'x', { reason: 'R' });
    assert.equal(toStatusError(own), own);
    const error = toStatusError(new TypeError('odd'));
    assert.deepEqual([error.code, error.message], [status.INTERNAL, 'odd']);
    assert.ok(error.cause instanceof TypeError);
  });
});
