import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { refused } from './refused.js';
import { TestBed } from './test_bed.js';

describe('bad input: creations that go beyond', () => {
  let bed: TestBed;
  before(async () => {
    bed = await TestBed.open();
    writeFileSync(path.join(bed.daemon.folder, 'log', 'file'), '');
  });
  after(() => bed[Symbol.asyncDispose]());

  for (const [title, logPath] of Object.entries({
    'a file as folder': 'file/sub',
  }))
    it(`a log path with ${title} is INVALID_ARGUMENT`, async () => {
      const refusal = { code: status.INVALID_ARGUMENT, reason: 'LOG_PATH_NOT_ALLOWED', field: 'log_path' };
      await refused(bed.engine({ logPath }), refusal);
      await bed.nothingIsLeft();
    });

  it('an engine that the client gave up while it was made is not left', async () => {
    const abort = new AbortController();
    const created = bed.client.createEngine({}, { signal: abort.signal });
    setTimeout(() => abort.abort(), 30);
    await assert.rejects(created, { codeName: 'CANCELLED' });
    await bed.nothingIsLeft(5_000);
  });
});
