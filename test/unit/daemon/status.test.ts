import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import pino from 'pino';
import { AlirtcError } from '../../../common/errors.js';
import type { ErrorClass } from '../../../common/errors.js';
import { STATUS_OF_CLASS, toGrpcError } from '../../../daemon/api/status.js';
import { errorInfoOf } from '../../support/rpc.js';

const silent = pino({ level: 'silent' });

describe('the table of statuses', () => {
  for (const [errorClass, code] of Object.entries(STATUS_OF_CLASS))
    it(`makes ${status[code]} of ${errorClass}, with its facts`, () => {
      assert.equal(status[code], errorClass.toUpperCase());
      const error = toGrpcError(
        new AlirtcError(errorClass as ErrorClass, 'what happened', {
          reason: 'ERR_JOIN_BAD_TOKEN',
          number: 0x02010205,
          field: 'user_id',
          value: 'ben',
          remedy: 'join as anna',
          metadata: { oldest: '3' },
        }),
        silent,
      );
      assert.equal(error.code, code);
      const info = errorInfoOf(error);
      assert.equal(info?.domain, 'alirtc');
      if (errorClass === 'internal') return;
      assert.equal(error.details, 'what happened');
      assert.equal(info.reason, 'ERR_JOIN_BAD_TOKEN');
      assert.deepEqual(info.metadata, {
        number: String(0x02010205),
        field: 'user_id',
        value: 'ben',
        remedy: 'join as anna',
        oldest: '3',
      });
    });

  it('has every gRPC status but OK, UNKNOWN and DATA_LOSS', () => {
    const all = Object.values(status).filter((value): value is status => typeof value === 'number');
    const used = new Set(Object.values(STATUS_OF_CLASS));
    const unused = all.filter((code) => !used.has(code));
    assert.deepEqual(unused, [status.OK, status.UNKNOWN, status.DATA_LOSS]);
  });

  it('hides what an unknown error says behind an id, and logs it', () => {
    const lines: string[] = [];
    const logger = pino({ level: 'error' }, { write: (line: string) => lines.push(line) });
    const error = toGrpcError(new TypeError('secret of line 7'), logger);
    assert.equal(error.code, status.INTERNAL);
    const id = errorInfoOf(error)?.metadata['error_id'] ?? '';
    assert.match(id, /^[0-9a-f]{12}$/);
    assert.doesNotMatch(error.details, /secret/);
    assert.ok(lines[0]?.includes('secret of line 7') === true && lines[0].includes(id));
  });
});
