import { differences, growsBy, median, round, trendOf, type Point, type Trend } from './growth.js';
import type { HeapOwner, Sample } from './sampler.js';
import type { SoakResult } from './soak.js';

export interface ReportRow {
  what: string;
  start: string;
  end: string;
  peak: string;
}

/** What may be left of memory, MB: compiled code and what libraries keep for reuse. */
export const HEAP_SLACK_MB = 8;
export const PRIVATE_SLACK_MB = 60;
/** Its heap may grow further between two collections (common/heap_growth.ts). */
const DAEMON_PRIVATE_SLACK_MB = 100;
/** MB a minute, under load, beyond two standard errors. */
const HEAP_GROWTH = 0.1;
const PRIVATE_GROWTH = 0.5;
/** The first part of a run fills caches; with less than so many points behind it nothing can be said of a trend. */
const WARM_UP_SHARE = 0.5;
const LEAST_POINTS = 10;
/** Of the run, in which nobody was judged. */
const MOST_UNJUDGED = 0.5;

const HEAPS: readonly HeapOwner[] = ['daemon', 'channel server', 'client'];

export function describeSample(sample: Sample): string {
  const { engines, processes, privateMb, heaps, clients } = sample;
  const states = Object.entries(engines).map(([state, count]) => `${count} ${state.replace('engine_state_', '')}`);
  const heap = (owner: HeapOwner): string => `${round(heaps[owner]?.heapMb ?? 0)}`;
  const sum = (of: keyof (typeof clients)[number]): number => clients.reduce((all, figures) => all + figures[of], 0);
  return [
    `minute ${round(sample.minute)}`,
    `engines ${states.join(' ') || 'none'}`,
    `restarts ${sample.restarts}`,
    `MB daemon ${mb(privateMb['daemon'])} heap ${heap('daemon')}`,
    `channel server ${mb(privateMb['channel server'])} heap ${heap('channel server')}`,
    `${processes['core']?.length ?? 0} cores ${mb(privateMb['core'])}`,
    `${clients.length} clients ${mb(sum('residentBytes') / 1e6)} heap ${heap('client')}`,
    `descriptors ${sample.descriptors.length}/${sample.allDescriptors}`,
    `core ports ${sample.corePorts}`,
    `udp ${sample.udpSockets}`,
    `loop ms ${heaps.daemon?.loopDelayMs ?? 0}/${heaps['channel server']?.loopDelayMs ?? 0}`,
    `cpu ${sample.cpuMsPerSecond}`,
    `lives ${sum('lives')} joins ${sum('joins')} calls ${sum('calls')} excused ${sum('excused')} reconnects ${sum('reconnects')} flows ${sum('openFlows')}`,
    `pushed ${sum('pushed')} numbers ${sum('numbers')}/${sum('pictures')} sound ${sum('sound')} events ${sum('events')}`,
  ].join(' | ');
}

export function tableOf({ start, during, end }: SoakResult): ReportRow[] {
  const all = [start, ...during, end];
  const row = (what: string, of: (sample: Sample) => number | undefined, digits = 0): ReportRow => {
    const values = all.map(of).filter((value) => value !== undefined);
    const text = (value: number | undefined): string => (value === undefined ? '' : String(round(value, digits)));
    return { what, start: text(of(start)), end: text(of(end)), peak: text(Math.max(...values)) };
  };
  return [
    row('processes below the daemon', ({ processes }) => countOf(processes) - 1),
    row('ports that listen', ({ listening }) => listening.length),
    row('UDP sockets', ({ udpSockets }) => udpSockets),
    row('connections to cores', ({ corePorts }) => corePorts),
    row('descriptors of the daemon', ({ descriptors }) => descriptors.length),
    row('descriptors of all', ({ allDescriptors }) => allDescriptors),
    row('names in /dev/shm', ({ sharedMemory }) => sharedMemory.length),
    row('files and folders', ({ files }) => files.length),
    row('private, daemon, MB', ({ privateMb }) => privateMb['daemon'], 1),
    row('private, channel server, MB', ({ privateMb }) => privateMb['channel server'], 1),
    ...HEAPS.map((owner) => row(`heap after collection, ${owner}, MB`, ({ heaps }) => heaps[owner]?.heapMb, 1)),
    ...HEAPS.map((owner) =>
      row(`longest stall of the event loop, ${owner}, ms`, ({ heaps }) => heaps[owner]?.loopDelayMs),
    ),
  ];
}

export interface TrendRow {
  what: string;
  perMinute: number;
  error: number;
  limit: number;
  grows: boolean;
}

/** What memory did under load, behind the first part of the run; nothing of a run that is too short. */
export function trendsOf({ during }: SoakResult): TrendRow[] {
  const warm = during.slice(Math.ceil(during.length * WARM_UP_SHARE));
  if (warm.length < LEAST_POINTS) return [];
  const row = (what: string, limit: number, of: (sample: Sample) => number | undefined): TrendRow => {
    const points: Point[] = warm.flatMap((sample) => {
      const value = of(sample);
      return value === undefined ? [] : [{ minute: sample.minute, value }];
    });
    const trend: Trend = trendOf(points);
    return { what, ...trend, limit, grows: growsBy(trend, limit) };
  };
  const steady = (sample: Sample): number | undefined => {
    const resident = sample.clients[0]?.residentBytes;
    return resident === undefined ? undefined : resident / 1e6;
  };
  return [
    ...HEAPS.map((owner) => row(`heap, ${owner}`, HEAP_GROWTH, ({ heaps }) => heaps[owner]?.heapMb)),
    ...HEAPS.map((owner) => row(`external, ${owner}`, HEAP_GROWTH, ({ heaps }) => heaps[owner]?.externalMb)),
    row('private, daemon', PRIVATE_GROWTH, ({ privateMb }) => privateMb['daemon']),
    row('private, channel server', PRIVATE_GROWTH, ({ privateMb }) => privateMb['channel server']),
    row('resident, core of the engine that stays', PRIVATE_GROWTH, ({ oldestCoreMb }) => oldestCoreMb),
    row('resident, client that stays', PRIVATE_GROWTH, steady),
  ];
}

/** What has grown, or went wrong; empty: nothing. */
export function verdictOf(result: SoakResult): string[] {
  const { start, during, end, violations } = result;
  const same = (what: string, of: (sample: Sample) => readonly string[]): string[] => {
    const changes = differences(of(start), of(end));
    return changes.length === 0 ? [] : [`${what}: ${changes.join(', ')}`];
  };
  const memory = (what: string, slackMb: number, of: (sample: Sample) => number | undefined): string[] => {
    const [before = 0, after = 0] = [of(start), of(end)];
    return after <= before + slackMb ? [] : [`${what}: ${round(before)} MB, then ${round(after)} MB`];
  };
  const unjudged = result.overloadedSeconds / (60 * (during.at(-1)?.minute ?? Infinity));
  return [
    ...(unjudged > MOST_UNJUDGED
      ? [`others kept the machine busy for ${Math.round(unjudged * 100)} % of the run: it says too little`]
      : []),
    ...violations.map((violation) => `violation: ${violation}`),
    ...same('processes', ({ processes }) => Object.entries(processes).flatMap(([name, pids]) => pids.map(() => name))),
    ...same('listening ports', ({ listening }) => listening),
    ...same('descriptors of the daemon', ({ descriptors }) => descriptors),
    ...same('UDP sockets', ({ udpSockets }) => Array.from({ length: udpSockets }, () => 'udp')),
    ...same('names in /dev/shm', ({ sharedMemory }) => sharedMemory),
    ...same('files and folders', ({ files }) => files.map((name) => name.replace(/warm\/\w+$/, 'warm/...'))),
    ...same('event loop of the daemon', ({ heaps }) => resourcesOf(heaps.daemon?.resources)),
    ...memory('heap of the daemon', HEAP_SLACK_MB, ({ heaps }) => heaps.daemon?.heapMb),
    ...memory('heap of the channel server', HEAP_SLACK_MB, ({ heaps }) => heaps['channel server']?.heapMb),
    ...memory('private memory of the daemon', DAEMON_PRIVATE_SLACK_MB, ({ privateMb }) => privateMb['daemon']),
    ...memory('private memory of the channel server', PRIVATE_SLACK_MB, ({ privateMb }) => privateMb['channel server']),
    ...trendsOf(result)
      .filter(({ grows }) => grows)
      .map(
        ({ what, perMinute, error }) => `${what} grows by ${round(perMinute, 3)} MB a minute (± ${round(error, 3)})`,
      ),
  ];
}

/** The usual stall, not the longest one. */
export function usualStallMs(samples: readonly Sample[], owner: HeapOwner): number {
  return median(samples.flatMap(({ heaps }) => heaps[owner]?.loopDelayMs ?? []));
}

function resourcesOf(resources: Readonly<Record<string, number>> = {}): string[] {
  // The meter of processes reads files all the time; what is closing is about to be gone.
  const lasting = Object.entries(resources).filter(([kind]) => !kind.startsWith('FSReq') && kind !== 'CloseReq');
  return lasting.flatMap(([kind, count]) => Array.from({ length: count }, () => kind));
}

function countOf(processes: Readonly<Record<string, readonly number[]>>): number {
  return Object.values(processes).reduce((sum, pids) => sum + pids.length, 0);
}

function mb(value = 0): number {
  return Math.round(value);
}
