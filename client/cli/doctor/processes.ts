import { readdir, readFile, readlink } from 'node:fs/promises';

export interface ProcessFacts {
  pid: number;
  parent: number;
  /** As the kernel has it, 15 characters. */
  name: string;
  args: readonly string[];
}

/** A machine with more is looked at in part. */
const MOST_PROCESSES = 8_192;

/** All processes that this user may see (proc(5)); none where there is no /proc. */
export async function listProcesses(): Promise<ProcessFacts[]> {
  const names = await readdir('/proc').catch((): string[] => []);
  const pids = names.filter((name) => /^\d+$/.test(name)).slice(0, MOST_PROCESSES);
  const found = await Promise.all(pids.map((pid) => readProcess(Number(pid))));
  return found.filter((process) => process !== undefined);
}

async function readProcess(pid: number): Promise<ProcessFacts | undefined> {
  try {
    const [stat, command] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
    ]);
    // The name may hold spaces and brackets; what follows the last one is "state parent ...".
    const end = stat.lastIndexOf(')');
    const name = stat.slice(stat.indexOf('(') + 1, end);
    const parent = Number(stat.slice(end + 2).split(' ')[1]);
    return { pid, parent, name, args: command.split('\0').filter((arg) => arg !== '') };
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

/** For people: "node (pid 17)". */
export function processText({ pid, name, args }: ProcessFacts): string {
  const script = args.find((arg) => /AliRtcCoreService$|alirtcd(\.mjs)?$|alirtc-channelserver$/.test(arg));
  return `${script?.split('/').pop() ?? name} (pid ${pid})`;
}

/** Who holds each of these local TCP ports, as far as this user may see it. */
export async function holdersOf(ports: ReadonlySet<number>): Promise<Map<number, ProcessFacts>> {
  const inodes = new Map<string, number>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6'])
    for (const line of (await readFile(table, 'utf8').catch(() => '')).split('\n').slice(1)) {
      // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
      const fields = line.trim().split(/\s+/);
      const port = parseInt(fields[1]?.split(':')[1] ?? '', 16);
      if (ports.has(port) && fields[9] !== undefined && fields[9] !== '0') inodes.set(`socket:[${fields[9]}]`, port);
    }
  const holders = new Map<number, ProcessFacts>();
  if (inodes.size === 0) return holders;
  for (const process of await listProcesses())
    for (const port of await portsOf(process.pid, inodes)) if (!holders.has(port)) holders.set(port, process);
  return holders;
}

async function portsOf(pid: number, inodes: ReadonlyMap<string, number>): Promise<number[]> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder).catch((): string[] => []);
  const links = await Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => '')));
  return links.flatMap((link) => inodes.get(link) ?? []);
}
