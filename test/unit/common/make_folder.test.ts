import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeFolder } from '../../../common/make_folder.js';

describe('making a folder', () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'make-folder-'));
  after(() => rmSync(root, { recursive: true }));

  it('makes those above it, too, with its mode, and is content with one that is there', () => {
    const folder = path.join(root, 'a', 'b', 'c');
    makeFolder(folder, 0o700);
    makeFolder(folder, 0o700);
    for (const made of [folder, path.dirname(folder)]) assert.equal(statSync(made).mode & 0o777, 0o700);
    symlinkSync(folder, path.join(root, 'link'));
    makeFolder(path.join(root, 'link'));
    makeFolder(path.join(root, 'link', 'd'));
    assert.ok(statSync(path.join(folder, 'd')).isDirectory());
  });

  it('says so where a file is in the way, or a link that leads nowhere', () => {
    writeFileSync(path.join(root, 'file'), '');
    symlinkSync(path.join(root, 'nowhere', 'deep'), path.join(root, 'dangling'));
    assert.throws(() => makeFolder(path.join(root, 'file')), { code: 'EEXIST' });
    assert.throws(() => makeFolder(path.join(root, 'file', 'x')), { code: 'ENOTDIR' });
    assert.throws(() => makeFolder(path.join(root, 'dangling')), { code: 'ENOENT' });
  });

  it('ends where the system lets nobody make one', () => {
    assert.throws(() => makeFolder('/proc/folder/of/ours'), { code: 'ENOENT' });
  });
});
