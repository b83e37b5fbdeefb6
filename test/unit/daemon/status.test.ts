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

  const TEXTS: Record<string, string> = {
    'half a surrogate pair': 'a\ud83d',
    'pairs that a limit cuts': `x${'\u{1f600}'.repeat(2000)}`,
    Chinese: '频道'.repeat(3000),
    'percent signs and line breaks': '%\n'.repeat(3000),
  };
  for (const [title, text] of Object.entries(TEXTS))
    it(`keeps the trailers of a text with ${title} below 4 kB, well-formed`, () => {
      const facts = { field: text, value: text, remedy: text, metadata: { last_lines: text } };
      const error = toGrpcError(new AlirtcError('unavailable', text, { reason: 'CORE_DIED', ...facts }), silent);
      const message = encodeURI(error.details);
      const details = error.metadata.get('grpc-status-details-bin')[0];
      assert.ok(Buffer.isBuffer(details));
      const bytes = message.length + (details.length * 4) / 3;
      assert.ok(bytes < 3_800, `${Math.round(bytes)} bytes`);
      assert.ok(error.details.length > 1 && text.slice(0, 300).startsWith(error.details.slice(0, 1)));
      const info = errorInfoOf(error);
      for (const key of ['field', 'value', 'remedy', 'last_lines']) assert.notEqual(info?.metadata[key] ?? '', '');
    });

  it('ends a call with INTERNAL when its status cannot be encoded', () => {
    const broken = new AlirtcError('not_found', 'gone', { reason: 'X' });
    Object.defineProperty(broken, 'metadata', {
      get: () => {
        throw new Error('no metadata');
      },
    });
    const error = toGrpcError(broken, silent);
    assert.deepEqual([error.code, error.details], [status.INTERNAL, 'internal error']);
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
