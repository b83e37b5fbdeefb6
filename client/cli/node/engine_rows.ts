import { EngineState } from '../../../gen/alirtc/v1/events.js';
import type { EngineStatus } from '../../../gen/alirtc/v1/node.js';

/** The states by their names on the command line. */
export const STATE_NAMES: readonly string[] = Object.values(EngineState)
  .filter((name): name is keyof typeof EngineState => typeof name === 'string')
  .filter((name) => EngineState[name] > 0)
  .map((name) => name.toLowerCase());

export function stateName({ state }: Pick<EngineStatus, 'state'>): string {
  return (EngineState[state] ?? String(state)).toLowerCase();
}

/** "30 s, in use", "30 s", "detached": how long an engine lives when nobody is there, and whether somebody is. */
export function leaseText({ leaseSeconds, inUse }: Pick<EngineStatus, 'leaseSeconds' | 'inUse'>): string {
  const lease = leaseSeconds === 0 ? 'detached' : `${leaseSeconds} s`;
  return inUse ? `${lease}, in use` : lease;
}

/** Frame streams and event streams of clients. */
export function streamsText({ frameStreams, eventStreams }: EngineStatus): string {
  return `${frameStreams}+${eventStreams}`;
}

export const SORT_KEYS = ['cpu', 'memory', 'load', 'streams', 'engine', 'channel'] as const;
export type SortKey = (typeof SORT_KEYS)[number];

/** A sorted copy: numbers from the highest on, names in their order; what is equal by engine id. */
export function sorted(engines: readonly EngineStatus[], key: SortKey): EngineStatus[] {
  const compare = COMPARISONS[key];
  return [...engines].sort((a, b) => compare(a, b) || byText(a.engineId, b.engineId));
}

const COMPARISONS: Readonly<Record<SortKey, (a: EngineStatus, b: EngineStatus) => number>> = {
  cpu: (a, b) => b.cpuMs - a.cpuMs,
  memory: (a, b) => b.residentBytes - a.residentBytes,
  load: (a, b) => b.loadMs - a.loadMs,
  streams: (a, b) => b.frameStreams + b.eventStreams - a.frameStreams - a.eventStreams,
  engine: () => 0,
  channel: (a, b) => byText(a.channel, b.channel),
};

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
