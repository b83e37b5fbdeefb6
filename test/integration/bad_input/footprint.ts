import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';

/** What a daemon and its children hold of the machine (proc(5)). */
export interface Footprint {
  /** Process ids below the daemon, zombies included. */
  children: number[];
  /** Sockets of the whole family that others can reach: "tcp 127.0.0.1:port" that listen, and "udp" ones. */
  sockets: string[];
  /** Of the daemon itself. */
  descriptors: number;
  /** Of the daemon itself. */
  residentBytes: number;
}

const PAGE_BYTES = 4096;
const TCP_LISTEN = '0A';

export function footprintOf(pid: number): Footprint {
  const children = descendantsOf(pid);
  return {
    children,
    sockets: [pid, ...children].flatMap(openSockets).sort(),
    descriptors: descriptorsOf(pid),
    residentBytes: residentBytes(pid),
  };
}

/** True while there is such a process that has not ended. */
export function isAlive(pid: number): boolean {
  const stat = readQuietly(`/proc/${pid}/stat`);
  return stat !== '' && !stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
}

export function descriptorsOf(pid: number): number {
  return readdirQuietly(`/proc/${pid}/fd`).length;
}

export function residentBytes(pid: number): number {
  return Number(readQuietly(`/proc/${pid}/statm`).split(' ')[1] ?? 0) * PAGE_BYTES;
}

/** Without what it has in common with files: the pages of executables and libraries, which come and go as they are used. */
export function privateBytes(pid: number): number {
  const [, resident = 0, shared = 0] = readQuietly(`/proc/${pid}/statm`).split(' ').map(Number);
  return (resident - shared) * PAGE_BYTES;
}

/** Resolves when somebody can listen there now. */
export function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Zombies included. */
export function descendantsOf(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirQuietly('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readQuietly(`/proc/${name}/stat`);
    // The command's name may hold spaces and brackets: state and parent follow the last bracket.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    if (Number.isInteger(parent)) parents.set(Number(name), parent);
  }
  const found = [root];
  for (let at = 0; at < found.length; at++)
    for (const [pid, parent] of parents) if (parent === found[at]) found.push(pid);
  return found.slice(1);
}

function openSockets(pid: number): string[] {
  const inodes = new Set<string>();
  for (const name of readdirQuietly(`/proc/${pid}/fd`)) {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkQuietly(`/proc/${pid}/fd/${name}`))?.[1];
    if (inode !== undefined) inodes.add(inode);
  }
  const rows = (file: string): string[][] =>
    readQuietly(`/proc/${pid}/net/${file}`)
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => inodes.has(fields[9] ?? ''));
  const port = (fields: string[]): string => String(Number.parseInt(fields[1]?.split(':').pop() ?? '', 16));
  const listening = ['tcp', 'tcp6'].flatMap(rows).filter((fields) => fields[3] === TCP_LISTEN);
  return [
    ...listening.map((row) => `tcp ${port(row)}`),
    ...['udp', 'udp6'].flatMap(rows).map((row) => `udp ${port(row)}`),
  ];
}

// A process may end between two looks at it.
function readQuietly(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function readdirQuietly(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readlinkQuietly(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}
