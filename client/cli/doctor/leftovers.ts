import path from 'node:path';
import { ok, warning } from './check.js';
import type { Check, Finding } from './check.js';
import { listProcesses } from './processes.js';
import type { ProcessFacts } from './processes.js';

/** Who takes over processes whose parent has died, besides the first process of the machine. */
const REAPERS = ['systemd', 'init', 'tini', 'dumb-init', 'catatonit', 'docker-init', 'containerd-shim', 'conmon'];
const CHANNEL_SERVER = 'alirtc-channelserver';

export const leftovers: Check = {
  name: 'leftovers',
  run: async ({ config }) => {
    const files = [config['builtin-core-service'], ...config['core-service']];
    return judgeLeftovers(await listProcesses(), files);
  },
};

/** `files`: the executables that only a daemon starts; a channel server only with the flag that the daemon gives it. */
export function judgeLeftovers(processes: readonly ProcessFacts[], files: readonly string[]): Finding[] {
  const byPid = new Map(processes.map((process) => [process.pid, process]));
  const names = files.map((file) => path.basename(file));
  const isOurs = ({ args }: ProcessFacts): boolean =>
    args.some((arg) => path.isAbsolute(arg) && (files.includes(arg) || names.includes(path.basename(arg)))) ||
    (args.includes('--exit-with-stdin') && args.some((arg) => path.basename(arg) === CHANNEL_SERVER));
  const orphans = processes.filter((process) => isOurs(process) && isReaper(byPid.get(process.parent)));
  if (orphans.length === 0) return [ok('no core service is left of a daemon that has died')];
  const pids = orphans.map(({ pid }) => pid).join(' ');
  return [
    warning(
      `${orphans.length} processes are left of daemons that have died: pid ${pids}`,
      `when no alirtcd runs that they belong to: kill ${pids}; after 5 s kill -9 what is left`,
    ),
  ];
}

/** In a container the daemon itself may be the first process. */
function isReaper(parent: ProcessFacts | undefined): boolean {
  if (parent === undefined) return true;
  const isDaemon = parent.args.some((arg) => /alirtcd(\.mjs)?$/.test(arg));
  return !isDaemon && (parent.pid === 1 || REAPERS.includes(parent.name));
}
