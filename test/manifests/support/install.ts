import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { showCommand } from '../../image/support/run_command.js';
import { CACHE, COMPOSE_LOADER, folderOf, KUBECONFORM, SCHEMAS, VERSIONS } from './kubeconform.js';

/** Before the tests: kubeconform and the Compose specification's loader by Go's proxy, and Kubernetes' schemas by a package of PyPI that carries them; once, into .cache. */
const PROGRAMS = {
  [KUBECONFORM]: 'github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0',
  [COMPOSE_LOADER]: 'github.com/compose-spec/compose-go/v2/cmd@v2.16.2',
};
const SCHEMA_PACKAGE = 'kubernetes-validate==1.37.0';

async function install(): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  for (const [file, source] of Object.entries(PROGRAMS)) {
    if (existsSync(file)) continue;
    console.log(`go install ${source}`);
    await showCommand('go', ['install', source], { ...process.env, GOBIN: path.dirname(file) }, 600_000);
  }
  if (!existsSync(SCHEMAS)) {
    console.log(`pip download ${SCHEMA_PACKAGE}`);
    const wheels = path.join(CACHE, 'wheels');
    const args = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', wheels, SCHEMA_PACKAGE];
    await showCommand('python3', args, process.env, 300_000);
    const [wheel = ''] = await readdir(wheels);
    const unpacked = path.join(CACHE, 'unpacked');
    await showCommand('python3', ['-m', 'zipfile', '-e', path.join(wheels, wheel), unpacked], process.env, 300_000);
    const from = path.join(unpacked, 'kubernetes_validate', 'kubernetes-json-schema');
    for (const version of VERSIONS) await makeLocal(path.join(from, folderOf(version)));
    await rename(from, SCHEMAS);
    await rm(unpacked, { recursive: true });
  }
}

/** The schemas name each other by addresses of the internet; here by file names. */
async function makeLocal(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = path.join(folder, name);
    const { $id: _, ...schema } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    await writeFile(
      file,
      JSON.stringify(schema).replaceAll('"$ref":"/api/_definitions.json#', '"$ref":"_definitions.json#'),
    );
  }
}

try {
  await install();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
