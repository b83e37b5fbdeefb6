import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = '/sys/fs/cgroup';
/** What systemd gives to the user of a unit with Delegate= (systemd.resource-control(5)), beside the folder. */
const DELEGATED_FILES = ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'];

/** A control group as cgroups(7) names it, e.g. "/node/core-17". */
export type Group = string;

export function file(group: Group, name = ''): string {
  return path.join(ROOT, group, name);
}

/** A file of the group, trimmed; undefined where there is no such group. */
export function read(group: Group, name: string): string | undefined {
  try {
    return readFileSync(file(group, name), 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** A row of a file of rows "key value". */
export function count(group: Group, name: string, key: string): number {
  const row = (read(group, name) ?? '').split('\n').find((one) => one.startsWith(`${key} `));
  return Number(row?.slice(key.length + 1) ?? Number.NaN);
}

export function groupOf(pid: number): Group {
  const rows = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n');
  return rows.find((row) => row.startsWith('0::'))?.slice('0::'.length) ?? '';
}

export function groupsIn(group: Group): string[] {
  return readdirSync(file(group), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

export function exists(group: Group): boolean {
  return existsSync(file(group));
}

/** What a core process is held to, as the kernel's files have it. */
export function limitsOf(group: Group): Record<string, string | undefined> {
  return {
    memoryMax: read(group, 'memory.max'),
    swapMax: read(group, 'memory.swap.max'),
    oomGroup: read(group, 'memory.oom.group'),
    cpuMax: read(group, 'cpu.max'),
    processes: read(group, 'cgroup.procs'),
  };
}

/** A group that belongs to that user, as a unit's does with Delegate=cpu memory. */
export function delegate(group: Group, uid: number): void {
  writeFileSync(file('/', 'cgroup.subtree_control'), '+cpu +memory');
  mkdirSync(file(group));
  for (const name of ['', ...DELEGATED_FILES]) chownSync(file(group, name), uid, uid);
}
