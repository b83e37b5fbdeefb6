import { readdirSync } from 'node:fs';
import path from 'node:path';
import { AlirtcClient } from '../../client/index.js';
import { footprintOf } from '../integration/bad_input/footprint.js';
import { eventually } from '../support/eventually.js';
import { startDaemon } from '../support/running_daemon.js';

export interface CycleRow {
  engines: number;
  createMs: number;
  releaseMs: number;
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

/** Creates and releases engines one after the other; `problems` tells what has grown between the beginning and the end. */
export async function createAndRelease(options: CycleOptions): Promise<{ rows: CycleRow[]; problems: string[] }> {
  const { count, every, warmCores } = options;
  await using daemon = await startDaemon({ args: ['--warm-cores', String(warmCores)] });
  const client = await AlirtcClient.connect(daemon.address);
  const temporary = path.join(daemon.folder, 'log');
  const isWarm = async (): Promise<void> =>
    eventually(async () => {
      const { processes } = await client.nodeStatus();
      const there = processes.filter(({ kind }) => kind === 'warm-core').length;
      return there === warmCores ? undefined : `${there} warm cores`;
    }, 30_000);
  const cycle = async (): Promise<[createMs: number, releaseMs: number]> => {
    const startedAt = performance.now();
    const engine = await client.createEngine();
    const createdAt = performance.now();
    await engine.release();
    return [createdAt - startedAt, performance.now() - createdAt];
  };
  for (let index = 0; index < Math.min(WARM_UP, count); index++) await cycle();
  await isWarm();
  const holds = () => {
    const { children, sockets, descriptors, residentBytes } = footprintOf(daemon.ready.pid);
    return {
      residentMb: Math.round(residentBytes / 1e5) / 10,
      descriptors,
      sockets: sockets.length,
      processes: children.length,
    };
  };
  const rows: CycleRow[] = [{ engines: 0, createMs: 0, releaseMs: 0, ...holds() }];
  for (let done = 0; done < count;) {
    const took: [number, number][] = [];
    for (let index = 0; index < every && done < count; index++, done++) took.push(await cycle());
    await isWarm();
    const median = (at: 0 | 1): number => round([...took].sort((a, b) => a[at] - b[at])[took.length >> 1]?.[at] ?? 0);
    rows.push({ engines: done, createMs: median(0), releaseMs: median(1), ...holds() });
  }
  client.close();
  const problems = growth(rows, warmCores);
  const folders = readdirSync(temporary).length;
  console.log(`log folders of ${count + WARM_UP} engines: ${folders}`);
  return { rows, problems };
}

/** A core that has just been started listens for another moment. */
function growth(rows: readonly CycleRow[], warmCores: number): string[] {
  const [first, second = first] = rows;
  const last = rows.at(-1);
  if (first === undefined || second === undefined || last === undefined) return ['nothing was measured'];
  return [
    ...(last.descriptors > first.descriptors + 2
      ? [`descriptors: ${first.descriptors}, then ${last.descriptors}`]
      : []),
    ...(last.sockets > first.sockets + warmCores ? [`sockets: ${first.sockets}, then ${last.sockets}`] : []),
    ...(last.processes > first.processes ? [`processes: ${first.processes}, then ${last.processes}`] : []),
    ...(last.residentMb > first.residentMb + RESIDENT_SLACK_MB
      ? [`resident: ${first.residentMb} MB, then ${last.residentMb} MB`]
      : []),
    // A machine that others use is twice as slow at times; what grows with the number of engines is far above.
    ...(last.createMs > 3 * second.createMs + 200 ? [`create: ${second.createMs} ms, then ${last.createMs} ms`] : []),
  ];
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
