import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { buildah, imageConfig, PROJECT } from './support/buildah.js';
import { IMAGE } from './support/images.js';
import { readCommand } from './support/run_command.js';

const MOST_BYTES = 450_000_000;

interface LockFile {
  packages: Record<string, { version?: string; dev?: boolean; name?: string }>;
}

describe('The image', function () {
  this.timeout(120_000);
  let container: string;
  let root: string;

  before(async () => {
    container = await buildah('from', '--pull-never', IMAGE);
    root = await buildah('mount', container);
  });
  after(() => buildah('rm', container));

  it('has less than 450 MB, base included', async () => {
    const [bytes = ''] = (await readCommand('du', ['-sx', '--apparent-size', '--block-size=1', root])).split('\t');
    const parts = await Promise.all(
      ['usr/local/bin/node', 'opt/alirtcd'].map(async (name) => {
        const text = await readCommand('du', ['-s', '--apparent-size', '--block-size=1', path.join(root, name)]);
        return `${name} ${Math.round(Number.parseInt(text, 10) / 1e6)} MB`;
      }),
    );
    console.log(`      IMAGE SIZE ${Math.round(Number(bytes) / 1e6)} MB (of it ${parts.join(', ')})`);
    assert.ok(Number(bytes) > 100_000_000, `${bytes} bytes: that cannot be all of it`);
    assert.ok(Number(bytes) < MOST_BYTES, `${bytes} bytes`);
  });

  it('has packages of the lock file only, in its versions, and none for development', async () => {
    const { packages } = JSON.parse(await readFile(path.join(PROJECT, 'package-lock.json'), 'utf8')) as LockFile;
    const found = await packageFolders(path.join(root, 'opt/alirtcd'), '');
    assert.ok(found.includes('node_modules/@grpc/grpc-js'), found.join(', '));
    for (const folder of found) {
      const locked = packages[folder];
      const { version } = JSON.parse(
        await readFile(path.join(root, 'opt/alirtcd', folder, 'package.json'), 'utf8'),
      ) as { version: string };
      assert.equal(version, locked?.version, folder);
      assert.notEqual(locked?.dev, true, `${folder} is for development`);
    }
  });

  it('has no sources, no maps, no package manager, nothing of another platform and nothing of what the build was told in secret', async () => {
    const all = (await readCommand('find', [root, '-xdev', '-type', 'f']))
      .split('\n')
      .map((file) => file.slice(root.length));
    const unwanted = all.filter(
      (file) =>
        /^\/opt\/.*\.(ts|map)$/.test(file) ||
        /npmrc|\/npm\/|\/run\/secrets\/./.test(file) ||
        /node-av-(?!linux-x64|linux-arm64)/.test(file),
    );
    assert.deepEqual(unwanted, []);
    for (const name of [
      'alirtcd.mjs',
      'alirtc.mjs',
      'AliRtcCoreService',
      'alirtc-core.cjs',
      'alirtc-core.cache',
      'alirtc-channelserver',
    ])
      assert.ok(all.includes(`/opt/alirtcd/dist/bin/${name}`), name);
    assert.ok(all.includes('/opt/alirtcd/dist/proto/alirtc/v1/engine.proto'));
  });

  it('names its user by number, its volumes, its health check, its signal, and what it is', async () => {
    const { User, Entrypoint, Volumes, Healthcheck, StopSignal, Labels } = await imageConfig(IMAGE);
    assert.equal(User, '10001:10001');
    assert.deepEqual(Entrypoint, ['tini', '--', 'alirtcd']);
    assert.deepEqual(Object.keys(Volumes ?? {}).sort(), ['/run/alirtcd', '/var/lib/alirtcd']);
    assert.deepEqual(Healthcheck?.Test, ['CMD', 'alirtc', 'health']);
    assert.equal(StopSignal, 'SIGTERM');
    const { version } = JSON.parse(await readFile(path.join(PROJECT, 'package.json'), 'utf8')) as { version: string };
    assert.equal(Labels['org.opencontainers.image.title'], 'alirtcd');
    assert.equal(Labels['org.opencontainers.image.version'], version);
    for (const label of ['description', 'revision', 'licenses', 'documentation'])
      assert.ok(Labels[`org.opencontainers.image.${label}`], label);
    const { uid, mode } = await stat(path.join(root, 'run/alirtcd'));
    assert.deepEqual([uid, mode & 0o777], [10_001, 0o700]);
  });
});

/** "node_modules/name", and those inside of it, as the lock file names them. */
async function packageFolders(root: string, inside: string): Promise<string[]> {
  const folder = path.join(root, inside, 'node_modules');
  const names = await readdir(folder).catch(() => []);
  const found: string[] = [];
  for (const name of names) {
    const members = name.startsWith('@')
      ? (await readdir(path.join(folder, name))).map((member) => `${name}/${member}`)
      : [name];
    for (const member of members) {
      const one = path.join(inside, 'node_modules', member);
      found.push(one, ...(await packageFolders(root, one)));
    }
  }
  return found;
}
