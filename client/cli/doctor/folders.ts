import { constants } from 'node:fs';
import { access, lstat, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { failure, info, ok, warning } from './check.js';
import type { Check, DoctorContext, Finding } from './check.js';

export interface FolderFacts {
  path: string;
  /** What the daemon wants of it: "sockets". */
  purpose: string;
  /** The setting that names it. */
  setting: string;
  kind: 'folder' | 'other' | 'missing';
  /** Permission bits. */
  mode: number;
  /** Of it, or, when it is missing, of the nearest folder above that exists. */
  writable: boolean;
}

export const folders: Check = { name: 'folders', run: look };

async function look({ config }: DoctorContext): Promise<Finding[]> {
  const sockets = config.listen.flatMap((address) => (address.kind === 'unix' ? [address.path] : []));
  const wanted = [
    ...[...new Set(sockets.map((file) => path.dirname(file)))].map((folder) => [folder, 'sockets', 'listen'] as const),
    [config['log-root'], 'logs', 'log-root'] as const,
    [os.tmpdir(), 'the run folder', '$TMPDIR'] as const,
  ];
  const facts = await Promise.all(wanted.map(([folder, purpose, setting]) => factsOf(folder, purpose, setting)));
  const findings = facts.flatMap(judgeFolder);
  for (const file of sockets)
    if ((await lstat(file).catch(() => undefined))?.isSocket() === false)
      findings.push(
        failure(`${file} is there and is no socket: alirtcd does not listen`, `remove it, or name another socket`),
      );
  if (process.getuid?.() === 0 && findings.every(({ verdict }) => verdict === 'ok'))
    findings.push(info('looked as root, who may everything: run it as the user of the daemon, too'));
  return findings;
}

async function factsOf(folder: string, purpose: string, setting: string): Promise<FolderFacts> {
  const found = await stat(folder).catch(() => undefined);
  if (found === undefined)
    return {
      path: folder,
      purpose,
      setting,
      kind: 'missing',
      mode: 0,
      writable: await isWritable(await above(folder)),
    };
  const kind = found.isDirectory() ? 'folder' : 'other';
  return { path: folder, purpose, setting, kind, mode: found.mode & 0o7777, writable: await isWritable(folder) };
}

async function above(folder: string): Promise<string> {
  const parent = path.dirname(folder);
  if (parent === folder) return folder;
  const found = await stat(parent).catch(() => undefined);
  return found === undefined ? above(parent) : parent;
}

function isWritable(folder: string): Promise<boolean> {
  return access(folder, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
}

export function judgeFolder({ path: folder, purpose, setting, kind, mode, writable }: FolderFacts): Finding[] {
  const what = `folder of ${purpose}, ${folder}`;
  if (kind === 'other')
    return [failure(`${what}: is no folder`, `name another one with ${setting}, or remove what is there`)];
  if (!writable)
    return [
      failure(
        `${what}: ${kind === 'missing' ? 'is missing and cannot be made' : 'cannot be written'} by this user`,
        `make it the daemon's: mkdir -p ${folder} && chown <user of alirtcd> ${folder}; or name another one with ${setting}`,
      ),
    ];
  if (kind === 'missing') return [ok(`${what}: will be made`)];
  // A sticky folder like /tmp lets nobody remove what is another's.
  const isOpen = (mode & 0o022) !== 0 && (mode & 0o1000) === 0;
  if (isOpen && purpose !== 'the run folder')
    return [warning(`${what}: others may replace what is in it (mode ${mode.toString(8)})`, `chmod go-w ${folder}`)];
  return [ok(`${what}: can be written`)];
}
