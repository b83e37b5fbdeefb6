import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readCommand, runCommand } from './run_command.js';

/**
 * What npm and pip of this machine need to reach their registries, for `buildah build --secret`: mounted while a step runs, in no layer, and in no file of the
 * project. The copies are removed with dispose.
 */
export async function registrySecrets(): Promise<AsyncDisposable & { arguments: string[] }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'alirtcd-secrets-'));
  const secret = async (id: string, parts: string[]): Promise<string[]> => {
    await writeFile(path.join(folder, id), parts.join('\n'), { mode: 0o600 });
    return ['--secret', `id=${id},src=${path.join(folder, id)}`];
  };
  const certificates = process.env['NODE_EXTRA_CA_CERTS'] ?? '/etc/ssl/certs/ca-certificates.crt';
  return {
    arguments: [
      ...(await secret('npmrc', await npmSettings())),
      ...(await secret('certificates', await contents([certificates]))),
      ...(await secret('pip', await pipSettings())),
    ],
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

async function npmSettings(): Promise<string[]> {
  const setting = (name: string): Promise<string> => readCommand('npm', ['config', 'get', name]);
  const files = [await setting('globalconfig'), await setting('userconfig')];
  // The environment may name the registry, too.
  return [...(await contents(files)), `registry=${await setting('registry')}`, ''];
}

/** The index alone: pip's other settings are about this machine. */
async function pipSettings(): Promise<string[]> {
  const configured = await runCommand('python3', ['-m', 'pip', 'config', 'get', 'global.index-url']);
  const index = process.env['PIP_INDEX_URL'] ?? configured.out.trim();
  return index === '' ? [] : ['[global]', `index-url = ${index}`, ''];
}

async function contents(files: string[]): Promise<string[]> {
  return Promise.all(files.filter((file) => existsSync(file)).map((file) => readFile(file, 'utf8')));
}
