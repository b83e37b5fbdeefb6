import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { kubeconform, loadCompose, VERSIONS } from './support/kubeconform.js';

const FOLDER = fileURLToPath(new URL('../../docker/kubernetes/', import.meta.url));
/** The kinds of each file, in order. */
const KINDS: Record<string, string[]> = {
  'fleet.yaml': [
    'Secret',
    'ConfigMap',
    'Service',
    'StatefulSet',
    'PodDisruptionBudget',
    'HorizontalPodAutoscaler',
    'NetworkPolicy',
  ],
  'sidecar.yaml': ['Secret', 'ConfigMap', 'Deployment', 'NetworkPolicy'],
};

describe('The manifests for Kubernetes', function () {
  this.timeout(120_000);

  it('are the ones that are checked here', async () => {
    assert.deepEqual((await readdir(FOLDER)).sort(), Object.keys(KINDS));
  });

  for (const [name, kinds] of Object.entries(KINDS))
    for (const version of VERSIONS)
      it(`${name} fits the schemas of Kubernetes ${version}`, async () => {
        const { code, out, err } = await kubeconform(version, path.join(FOLDER, name));
        assert.equal(code, 0, `${out}${err}`);
        const valid = [...out.matchAll(/ - (\w+) \S+ is valid$/gm)].map(([, kind]) => kind);
        assert.deepEqual(valid.sort(), [...kinds].sort(), out);
        console.log(`      ${out.trim().split('\n').at(-1)}`);
      });

  it('would be refused with an unknown key or a wrong value', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'alirtcd-manifests-'));
    try {
      const right = await readFile(path.join(FOLDER, 'fleet.yaml'), 'utf8');
      for (const [what, by] of [
        ['minReplicas: 2', 'minimumReplicas: 2'],
        ['periodSeconds: 300', 'periodSeconds: often'],
      ] as const) {
        assert.ok(right.includes(what), what);
        const file = path.join(folder, 'wrong.yaml');
        await writeFile(file, right.replace(what, by));
        const { code, out } = await kubeconform('1.33.0', file);
        assert.notEqual(code, 0, out);
        assert.match(out, /HorizontalPodAutoscaler recorder-fleet is invalid/);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('The compose files', () => {
  it('are taken by the loader of the Compose specification, which refuses an unknown key', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'alirtcd-manifests-'));
    try {
      for (const name of ['compose.yaml', 'cluster/compose.yaml']) {
        const file = path.join(FOLDER, '..', name);
        const right = await loadCompose(file);
        assert.equal(right.code, 0, right.err);
        const wrong = path.join(folder, 'compose.yaml');
        await writeFile(wrong, (await readFile(file, 'utf8')).replace('restart:', 'restarts:'));
        const refused = await loadCompose(wrong);
        assert.notEqual(refused.code, 0);
        assert.match(refused.out + refused.err, /restarts/);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
