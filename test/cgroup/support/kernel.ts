import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { readCommand, showCommand } from '../../image/support/run_command.js';
import { BUSYBOX, KERNEL, PACKAGE_FOLDER, SWAP_MODULE } from './places.js';

/** Depends on the newest of its kind. */
const KERNEL_PACKAGE = 'linux-image-cloud-amd64';
const DOWNLOAD_MS = 300_000;

/** Debian's kernel for virtual machines, and a static busybox. They are only unpacked: no boot loader or initramfs of this machine hears of them. */
export async function fetchKernel(say: (text: string) => void): Promise<void> {
  if ([KERNEL, SWAP_MODULE, BUSYBOX].every(existsSync)) return;
  await rm(PACKAGE_FOLDER, { recursive: true, force: true });
  await mkdir(PACKAGE_FOLDER, { recursive: true });
  const names = [await newestKernel(), 'busybox-static'];
  say(`apt-get download ${names.join(' ')}`);
  // In a folder that it may write to, apt would fetch as another user, who may not enter ours.
  const line = `cd "$0" && apt-get -q -o APT::Sandbox::User=root download ${names.join(' ')}`;
  await showCommand('sh', ['-c', line, PACKAGE_FOLDER], process.env, DOWNLOAD_MS);
  for (const file of await readdir(PACKAGE_FOLDER))
    await readCommand('dpkg-deb', ['-x', path.join(PACKAGE_FOLDER, file), path.join(PACKAGE_FOLDER, 'files')]);
  const files = path.join(PACKAGE_FOLDER, 'files');
  await copyFile(await oneOf(path.join(files, 'boot'), 'vmlinuz-'), KERNEL);
  const modules = await oneOf(path.join(files, 'lib', 'modules'), '');
  await copyFile(path.join(modules, 'kernel', 'drivers', 'block', 'brd.ko'), SWAP_MODULE);
  await copyFile(path.join(files, 'bin', 'busybox'), BUSYBOX);
  await rm(PACKAGE_FOLDER, { recursive: true });
}

async function newestKernel(): Promise<string> {
  const depends = await readCommand('apt-cache', ['depends', KERNEL_PACKAGE]).catch(() => '');
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (name === undefined)
    throw new Error(`apt knows no ${KERNEL_PACKAGE}: run apt-get update; Debian's main component is needed`);
  return name;
}

async function oneOf(folder: string, prefix: string): Promise<string> {
  const name = (await readdir(folder)).find((one) => one.startsWith(prefix));
  if (name === undefined) throw new Error(`there is no ${prefix}* in ${folder}`);
  return path.join(folder, name);
}
