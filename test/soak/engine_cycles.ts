import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { AlirtcClient } from '../../client/index.js';
import { footprintOf } from '../integration/bad_input/footprint.js';
import { eventually } from '../support/eventually.js';
import { startDaemon } from '../support/running_daemon.js';
import { median, round, trendOf } from './growth.js';

export interface CycleRow {
  engines: number;
  /** Wall time, medians: as the machine lets it. */
  createMs: number;
  releaseMs: number;
  /** CPU time of one cycle: of the daemon, and of the core, which has ended. */
  daemonCpuMs: number;
  coreCpuMs: number;
  /** CPU time of a fixed piece of work beside it: what a shared machine makes dearer makes this dearer too. */
  unitCpuMs: number;
  residentMb: number;
  descriptors: number;
  sockets: number;
  processes: number;
}

export interface CycleOptions {
  count: number;
  /** A row for each so many. */
  every: number;
  warmCores: number;
}

/** What the daemon keeps of engines that ended (their events, their ids) fills up over so many. */
const WARM_UP = 20;
/** Node's heap breathes by more than this within one row. */
const RESIDENT_SLACK_MB = 40;
/** Of the CPU time of a cycle, in units, from the first row to the last. What costs more with every engine that ever was is far above: twice, or ten times. */
const MOST_GROWTH = 0.25;
/** With fewer rows chance decides. */
const LEAST_ROWS = 6;
/** Clock ticks a second of proc(5): 100 on every architecture that Node runs on. */
const TICK_MS = 10;

/** Creates and releases engines one after the other; `problems` tells what has grown between the beginning and the end. */
export async function createAndRelease(options: CycleOptions): Promise<{ rows: CycleRow[]; problems: string[] }> {
  const { count, every, warmCores } = options;
  await using daemon = await startDaemon({ args: ['--warm-cores', String(warmCores)] });
  const { pid } = daemon.ready;
  const client = await AlirtcClient.connect(daemon.address);
  const isWarm = async (): Promise<void> =>
    eventually(async () => {
      const { processes } = await client.nodeStatus();
      const there = processes.filter(({ kind }) => kind === 'warm-core').length;
      return there === warmCores ? undefined : `${there} warm cores`;
    }, 30_000);
  const cycle = async (): Promise<{ createMs: number; releaseMs: number }> => {
    const startedAt = performance.now();
    const engine = await client.createEngine();
    const createdAt = performance.now();
    await engine.release();
    return { createMs: createdAt - startedAt, releaseMs: performance.now() - createdAt };
  };
  for (let index = 0; index < Math.min(WARM_UP, count); index++) await cycle();
  await isWarm();
  const nothing = { createMs: 0, releaseMs: 0, daemonCpuMs: 0, coreCpuMs: 0, unitCpuMs: 0 };
  const rows: CycleRow[] = [{ engines: 0, ...nothing, ...holdingsOf(pid) }];
  for (let done = 0; done < count;) {
    const before = cpuOf(pid);
    const took: { createMs: number; releaseMs: number }[] = [];
    const units: number[] = [];
    for (; took.length < every && done < count; done++) {
      took.push(await cycle());
      if (done % 5 === 0) units.push(unitOfWork());
    }
    await isWarm();
    const after = cpuOf(pid);
    rows.push({
      engines: done,
      createMs: round(median(took.map(({ createMs }) => createMs))),
      releaseMs: round(median(took.map(({ releaseMs }) => releaseMs))),
      daemonCpuMs: round((after.ownMs - before.ownMs) / took.length),
      coreCpuMs: round((after.childrenMs - before.childrenMs) / took.length),
      unitCpuMs: round(median(units), 2),
      ...holdingsOf(pid),
    });
  }
  client.close();
  const folders = readdirSync(path.join(daemon.folder, 'log'));
  const left = folders.length === 0 ? [] : [`log folders: ${folders.length} were left`];
  return { rows, problems: [...growth(rows, warmCores), ...left] };
}

/** A core that has just been started listens for another moment. */
function growth(rows: readonly CycleRow[], warmCores: number): string[] {
  const first = rows[0];
  const last = rows.at(-1);
  if (first === undefined || last === undefined || rows.length < 2) return ['nothing was measured'];
  return [
    ...(last.descriptors > first.descriptors + 2
      ? [`descriptors: ${first.descriptors}, then ${last.descriptors}`]
      : []),
    ...(last.sockets > first.sockets + warmCores ? [`sockets: ${first.sockets}, then ${last.sockets}`] : []),
    ...(last.processes > first.processes ? [`processes: ${first.processes}, then ${last.processes}`] : []),
    ...(last.residentMb > first.residentMb + RESIDENT_SLACK_MB
      ? [`resident: ${first.residentMb} MB, then ${last.residentMb} MB`]
      : []),
    ...costGrowth('daemon', rows.slice(1), ({ daemonCpuMs }) => daemonCpuMs),
    ...costGrowth('core', rows.slice(1), ({ coreCpuMs }) => coreCpuMs),
  ];
}

export interface Cost {
  /** Of the cost over all rows, as a share of its mean, by least squares. */
  growth: number;
  error: number;
}

/** How a cost develops over the rows, in units of work. */
export function costOf(rows: readonly CycleRow[], cost: (row: CycleRow) => number): Cost {
  const points = rows.map((row) => ({ minute: row.engines, value: cost(row) / row.unitCpuMs }));
  const mean = points.reduce((sum, { value }) => sum + value, 0) / points.length;
  const { perMinute: perEngine, error } = trendOf(points);
  const engines = (points.at(-1)?.minute ?? 0) - (points[0]?.minute ?? 0);
  return { growth: (perEngine * engines) / mean, error: (error * engines) / mean };
}

function costGrowth(what: string, rows: readonly CycleRow[], cost: (row: CycleRow) => number): string[] {
  if (rows.length < LEAST_ROWS) return [];
  const { growth: share, error } = costOf(rows, cost);
  if (share - 2 * error <= MOST_GROWTH) return [];
  return [
    `CPU time of the ${what} for one engine: grows by ${round(100 * share)} per cent (± ${round(100 * error)}) over the run`,
  ];
}

function holdingsOf(pid: number): Pick<CycleRow, 'residentMb' | 'descriptors' | 'sockets' | 'processes'> {
  const { children, sockets, descriptors, residentBytes } = footprintOf(pid);
  return { residentMb: round(residentBytes / 1e6), descriptors, sockets: sockets.length, processes: children.length };
}

/** proc(5): utime and stime, and those of the children that were waited for. */
function cpuOf(pid: number): { ownMs: number; childrenMs: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // What follows the command's name, which may hold anything, is numbers, from field 3 on.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = (number: number): number => Number(fields[number - 3] ?? 0);
  return { ownMs: (ticks(14) + ticks(15)) * TICK_MS, childrenMs: (ticks(16) + ticks(17)) * TICK_MS };
}

const WORK = Buffer.alloc(1_000_000, 'work');

/** CPU time of a fixed piece of work, about ten milliseconds. */
function unitOfWork(): number {
  const before = process.cpuUsage();
  for (let turn = 0; turn < 3; turn++) {
    createHash('sha256').update(WORK).digest();
    JSON.parse(JSON.stringify(Array.from({ length: 10_000 }, (_, index) => ({ index }))));
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
