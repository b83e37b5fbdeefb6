import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { descriptorsOf, footprintOf, privateBytes } from '../integration/bad_input/footprint.js';

/** What a daemon and its processes hold of the machine (proc(5)). */
export interface Holdings {
  /** By name, of all that were started by the daemon, also those that nobody waits for any more. */
  processes: Record<string, number[]>;
  /** Resident, without pages of files, of all processes of that name. */
  privateMb: Record<string, number>;
  /** Of the daemon. */
  descriptors: string[];
  /** Of the whole family. */
  allDescriptors: number;
  /** "tcp port" of those that listen, of the whole family. */
  listening: string[];
  udpSockets: number;
  /** Sockets of the daemon whose ports, here or there, are of the range between daemon and cores. */
  corePorts: number;
  /** Names in /dev/shm that a process of the family gave. */
  sharedMemory: string[];
  /** Everything below the family's own folders, for temporary files and for logs. */
  files: string[];
}

/** Not the usual range: other nodes of the same machine draw from that, and Linux gives its ports to connections (32768 to 60999). */
export const CORE_PORTS = { low: 20_000, high: 23_000 } as const;
const NAMES = { 'alirtcd.mjs': 'daemon', 'alirtc-channelserver': 'channel server', AliRtcCoreService: 'core' } as const;
const CLOSED_STATES = new Set(['06', '07']);

export interface FamilyOptions {
  pid: number;
  /** The HOME of the daemon: its processes inherit it, and nobody else has it. */
  home: string;
  /** Its TMPDIR, and the root of its logs. */
  folders: readonly string[];
}

export function holdingsOf({ pid, home, folders }: FamilyOptions): Holdings {
  const family = familyOf(pid, home);
  const processes: Record<string, number[]> = {};
  const privateMb: Record<string, number> = {};
  for (const member of family) {
    const name = nameOf(member);
    (processes[name] ??= []).push(member);
    privateMb[name] = (privateMb[name] ?? 0) + privateBytes(member) / 1e6;
  }
  const { sockets } = footprintOf(pid);
  return {
    processes,
    privateMb,
    descriptors: descriptorKinds(pid),
    allDescriptors: family.reduce((sum, member) => sum + descriptorsOf(member), 0),
    listening: sockets.filter((socket) => socket.startsWith('tcp ')),
    udpSockets: sockets.filter((socket) => socket.startsWith('udp ')).length,
    corePorts: corePortsOf(pid),
    sharedMemory: readdirSync('/dev/shm').filter((name) => isOf(name, family)),
    files: folders.flatMap((folder) => readdirSync(folder, { recursive: true }).map(String)).sort(),
  };
}

/** What the descriptors of a process are, without numbers that tell nothing. */
export function descriptorKinds(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return (
    quietly(() => readdirSync(folder), [])
      .map((name) => quietly(() => readlinkSync(path.join(folder, name)), 'closed meanwhile'))
      // The meter of processes reads them every two seconds.
      .filter((target) => !/^\/proc\/\d+\/stat$/.test(target))
      .map((target) => target.replace(/\[\d+\]$/, ''))
      .sort()
  );
}

/** The daemon, what it started, and what these have left behind. */
function familyOf(pid: number, home: string): number[] {
  const found = new Set([pid, ...footprintOf(pid).children]);
  const mark = `HOME=${home}`;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const environment = quietly(() => readFileSync(`/proc/${name}/environ`, 'utf8'), '').split('\0');
    if (environment.includes(mark)) found.add(Number(name));
  }
  return [...found];
}

function nameOf(pid: number): string {
  const line = quietly(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'), '');
  for (const [file, name] of Object.entries(NAMES)) if (line.includes(file)) return name;
  return line === '' ? 'ended' : 'other';
}

function isOf(name: string, family: readonly number[]): boolean {
  const writer = Number(/^alirtc-(\d+)-/.exec(name)?.[1] ?? NaN);
  return family.includes(writer);
}

function corePortsOf(pid: number): number {
  const inodes = new Set(
    quietly(() => readdirSync(`/proc/${pid}/fd`), []).map(
      (name) => /^socket:\[(\d+)\]$/.exec(quietly(() => readlinkSync(`/proc/${pid}/fd/${name}`), ''))?.[1],
    ),
  );
  const isCorePort = (address: string | undefined): boolean => {
    const port = Number.parseInt(address?.split(':').pop() ?? '', 16);
    return port >= CORE_PORTS.low && port <= CORE_PORTS.high;
  };
  return quietly(() => readFileSync(`/proc/${pid}/net/tcp`, 'utf8'), '')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => inodes.has(fields[9]) && !CLOSED_STATES.has(fields[3] ?? ''))
    .filter(([, local, remote]) => isCorePort(local) || isCorePort(remote)).length;
}

/** A process may end between two looks at it. */
function quietly<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}
