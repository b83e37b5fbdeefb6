import {
  cpSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { copyFile, cp, mkdir } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { build } from 'esbuild';
import { readCommand } from '../../image/support/run_command.js';
import { BUSYBOX, PROJECT, ROOT_ARCHIVE, ROOT_FOLDER, SWAP_MODULE } from './places.js';

/** Where the project lies in the machine. */
const INSTALLED = '/usr/lib/node_modules/alirtcd';
/** Debian's layout: the folders of old lie in /usr. */
const MERGED = ['bin', 'sbin', 'lib', 'lib64'];
const EMPTY = [
  'dev',
  'proc',
  'sys',
  'run',
  'tmp',
  'var/lib',
  'var/log',
  'var/tmp',
  'root',
  'etc/alirtcd',
  'newroot',
  'units',
  'test',
];
const PROGRAMS = [
  '/usr/bin/env',
  '/usr/bin/prlimit',
  '/usr/bin/setpriv',
  '/usr/bin/systemctl',
  '/usr/bin/systemd-notify',
  '/lib/systemd/systemd',
  '/lib/systemd/systemd-shutdown',
];
const TARGETS = ['sysinit', 'basic', 'shutdown', 'network-online', 'time-sync', 'multi-user'];
const USERS = [
  'root:x:0:0:root:/root:/bin/sh',
  'alirtcd:x:200:200:alirtcd:/var/lib/alirtcd:/bin/false',
  'nobody:x:65534:65534::/:/bin/false',
];
const GROUPS = ['root:x:0:', 'alirtcd:x:200:', 'nogroup:x:65534:'];

const inRoot = (name: string): string => path.join(ROOT_FOLDER, name);

/** The file system that the machine boots into, as an initramfs: what is on this machine, as little of it as will do. Root is not needed for it. */
export async function buildRoot(): Promise<void> {
  rmSync(ROOT_FOLDER, { recursive: true, force: true });
  for (const name of MERGED) mkdirSync(inRoot(`usr/${name}`), { recursive: true });
  for (const name of MERGED) symlinkSync(`usr/${name}`, inRoot(name));
  for (const name of EMPTY) mkdirSync(inRoot(name), { recursive: true });
  await addPrograms();
  addSettings();
  await addProject();
  await addTest();
  await archive();
  rmSync(ROOT_FOLDER, { recursive: true });
}

async function addPrograms(): Promise<void> {
  await copyFile(BUSYBOX, inRoot('usr/bin/busybox'));
  const applets = await readCommand(BUSYBOX, ['--list']);
  for (const name of applets.split('\n').filter((one) => one !== 'busybox'))
    symlinkSync('busybox', inRoot(`usr/bin/${name}`));
  const wanted = [...PROGRAMS.map((file) => [file, file] as const), [process.execPath, '/usr/bin/node'] as const];
  for (const [from, to] of wanted) {
    rmSync(inRoot(to), { force: true });
    await copyInto(from, to);
    for (const library of await librariesOf(from)) await copyInto(library, library);
  }
  await copyFile(SWAP_MODULE, inRoot('brd.ko'));
}

/** Absolute paths, from ldd(1). */
async function librariesOf(file: string): Promise<string[]> {
  const lines = (await readCommand('ldd', [file])).split('\n');
  return lines.flatMap((line) => /(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}

async function copyInto(from: string, to: string): Promise<void> {
  if (existsSync(inRoot(to))) return;
  await mkdir(path.dirname(inRoot(to)), { recursive: true });
  await cp(from, inRoot(to), { dereference: true });
}

function addSettings(): void {
  const files: Record<string, readonly string[]> = {
    'etc/passwd': USERS,
    'etc/group': GROUPS,
    'etc/nsswitch.conf': ['passwd: files', 'group: files', 'hosts: files'],
    'etc/hosts': ['127.0.0.1 localhost'],
    'etc/machine-id': ['0123456789abcdef0123456789abcdef'],
    'etc/os-release': ['ID=small', 'NAME=small'],
  };
  for (const [name, lines] of Object.entries(files)) writeFileSync(inRoot(name), `${lines.join('\n')}\n`);
  for (const target of TARGETS)
    writeFileSync(inRoot(`units/${target}.target`), `[Unit]\nDescription=${target}\nDefaultDependencies=no\n`);
  for (const folder of ['packaging/systemd', 'test/cgroup/guest/units'])
    cpSync(path.join(PROJECT, folder), inRoot('units'), { recursive: true });
}

/** What npm would install: the executables and the packages that they need. */
async function addProject(): Promise<void> {
  const packages = await readCommand('npm', ['ls', '--prefix', PROJECT, '--omit=dev', '--all', '--parseable']);
  const skip = /\.(map|md|ts|cts|mts)$/;
  for (const folder of ['dist/bin', 'dist/proto', 'dist/console', 'dist/package.json', 'package.json'])
    await cp(path.join(PROJECT, folder), inRoot(path.join(INSTALLED, folder)), {
      recursive: true,
      filter: (name) => !name.endsWith('.map'),
    });
  for (const folder of packages.split('\n').slice(1)) {
    await addNativeLibraries(folder);
    const nested = path.join(folder, 'node_modules');
    await cp(folder, inRoot(path.join(INSTALLED, path.relative(PROJECT, folder))), {
      recursive: true,
      filter: (name) => !skip.test(name) && name !== nested,
    });
  }
  symlinkSync(`${INSTALLED}/dist/bin/alirtcd.mjs`, inRoot('usr/bin/alirtcd'));
}

/** Of the modules of machine code in a package. */
async function addNativeLibraries(folder: string): Promise<void> {
  for (const name of readdirSync(folder).filter((one) => one.endsWith('.node')))
    for (const library of await librariesOf(path.join(folder, name))) await copyInto(library, library);
}

/** What runs in the machine, each in one file. */
async function addTest(): Promise<void> {
  const guest = path.join(PROJECT, 'test', 'cgroup', 'guest');
  await build({
    entryPoints: [
      path.join(guest, 'without_systemd.ts'),
      path.join(guest, 'with_systemd.ts'),
      path.join(guest, 'hungry_core.mjs'),
    ],
    outdir: inRoot('test'),
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
    define: { 'import.meta.url': '"file:///test/"' },
  });
  const core = readFileSync(inRoot('test/hungry_core.cjs'), 'utf8');
  writeFileSync(inRoot('test/hungry_core'), `#!/usr/bin/env node\n${core}`, { mode: 0o755 });
  await copyFile(path.join(guest, 'init.sh'), inRoot('init'));
}

async function archive(): Promise<void> {
  const line = `cd "$0" && find . | "$1" cpio -o -H newc -R 0:0 2>/dev/null`;
  const child = spawn('sh', ['-c', line, ROOT_FOLDER, BUSYBOX], { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.pipe(createWriteStream(ROOT_ARCHIVE));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`cpio ended with ${code ?? 'a signal'}`);
}
