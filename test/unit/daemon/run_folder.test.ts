import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeRunFolder } from '../../../daemon/run_folder.js';

describe('the daemon’s folder while it runs', () => {
  const made: string[] = [];
  afterEach(() => made.splice(0).forEach((folder) => rmSync(folder, { recursive: true })));

  it('lies below the service manager’s runtime folder, the first one, where there is one', () => {
    const runtime = mkdtempSync(path.join(os.tmpdir(), 'run-folder-test-'));
    made.push(runtime);
    const folder = makeRunFolder({ RUNTIME_DIRECTORY: `${runtime}:/elsewhere` });
    assert.equal(path.dirname(folder), runtime);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
  });

  for (const [title, environment] of [
    ['without a service manager', {}],
    ['when the variable is empty', { RUNTIME_DIRECTORY: '' }],
  ] as const)
    it(`lies below the folder for temporary files ${title}, a new one each time`, () => {
      made.push(makeRunFolder(environment), makeRunFolder(environment));
      assert.deepEqual(
        made.map((folder) => path.dirname(folder)),
        [os.tmpdir(), os.tmpdir()],
      );
      assert.notEqual(made[0], made[1]);
    });
});
