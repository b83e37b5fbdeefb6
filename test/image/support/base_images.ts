import { existsSync } from 'node:fs';
import { cp, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { buildah, hasImage, makeImage, showBuildah } from './buildah.js';
import { readCommand, showCommand } from './run_command.js';

export const BASE_IMAGE = 'localhost/alirtcd-test-base:bookworm';
export const NODE_IMAGE = 'localhost/alirtcd-test-node:bookworm';
export const PYTHON_IMAGE = 'localhost/alirtcd-test-python:bookworm';

const SUITE = 'bookworm';
/** What images of this kind leave out, too. */
const DISPENSABLE = ['usr/share/doc', 'usr/share/man', 'usr/share/locale', 'usr/share/info'];
/** apt wants the folders, not what lies in them. */
const EMPTIED = ['var/cache/apt/archives', 'var/lib/apt/lists'];

/** Debian's smallest system, from the mirror that this machine is set to, and two more images on it: with this machine's Node and npm, and with Python. */
export async function makeBaseImages(say: (text: string) => void): Promise<void> {
  if (!(await hasImage(BASE_IMAGE))) {
    say(`base image: Debian ${SUITE}, minbase, by debootstrap`);
    await makeImage('scratch', BASE_IMAGE, (_, folder) => debootstrap(folder));
  }
  if (!(await hasImage(NODE_IMAGE))) {
    say(`base image to build with: Node ${process.version} of this machine on it`);
    await makeImage(BASE_IMAGE, NODE_IMAGE, (_, folder) => addNode(folder));
  }
  if (!(await hasImage(PYTHON_IMAGE))) {
    say('base image of the example: Python on it');
    await makeImage(BASE_IMAGE, PYTHON_IMAGE, addPython);
  }
}

async function debootstrap(folder: string): Promise<void> {
  const args = ['--variant=minbase', '--include=tini', SUITE, folder, await debianMirror()];
  await showCommand('debootstrap', args, process.env, 1_200_000);
  for (const name of DISPENSABLE) await rm(path.join(folder, name), { recursive: true, force: true });
  for (const name of EMPTIED) {
    await rm(path.join(folder, name), { recursive: true, force: true });
    await mkdir(path.join(folder, name, 'partial'), { recursive: true });
  }
}

/** Where this machine gets Debian's main component from. */
async function debianMirror(): Promise<string> {
  const targets = await readCommand('apt-get', [
    'indextargets',
    '--format',
    '$(CODENAME) $(COMPONENT) $(REPO_URI)',
    'Created-By: Packages',
  ]);
  const found = targets.split('\n').map((line) => line.split(' '));
  const mirror = found.find(([suite, component]) => suite === SUITE && component === 'main')?.[2];
  if (mirror === undefined)
    throw new Error(`apt on this machine knows no mirror of Debian ${SUITE} main: add one to /etc/apt`);
  return mirror;
}

async function addNode(folder: string): Promise<void> {
  const npm = path.join(await readCommand('npm', ['root', '--global']), 'npm');
  if (!existsSync(npm)) throw new Error(`npm is not at ${npm}: this machine's npm has to be installed globally`);
  await cp(process.execPath, path.join(folder, 'usr/local/bin/node'));
  await cp(npm, path.join(folder, 'usr/local/lib/node_modules/npm'), { recursive: true });
  for (const name of ['npm', 'npx'])
    await readCommand('ln', [
      '-s',
      `../lib/node_modules/npm/bin/${name}-cli.js`,
      path.join(folder, 'usr/local/bin', name),
    ]);
}

async function addPython(container: string): Promise<void> {
  const install = 'apt-get update -q && apt-get install -qy --no-install-recommends python3 python3-venv';
  await showBuildah('run', container, '--', 'sh', '-c', `${install} && apt-get clean && rm -rf /var/lib/apt/lists/*`);
  await buildah('config', '--cmd', 'python3', container);
}
