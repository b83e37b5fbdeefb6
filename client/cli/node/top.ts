import { Option } from 'commander';
import type { Command } from 'commander';
import { GetNodeStatusResponse } from '../../../gen/alirtc/v1/node.js';
import { AlirtcClient } from '../../alirtc_client.js';
import { abortedOrAfter } from '../io.js';
import type { CommandContext, Screen } from '../io.js';
import { parseCount, parseSeconds } from '../parse.js';
import { SORT_KEYS, sorted, stateName, streamsText } from './engine_rows.js';
import type { SortKey } from './engine_rows.js';
import { nodeLoadText, stateText } from './status.js';
import { tableLines } from '../table.js';
import type { Column } from '../table.js';
import { durationText, loadText, memoryText } from './units.js';

interface TopOptions {
  sort: SortKey;
  interval: number;
  once?: true;
  count?: number;
}

export function addTopCommand(node: Command, context: () => CommandContext): void {
  node
    .command('top')
    .description('what the engines use, again and again; on a terminal q ends it, and c, m, l, s, e, h sort')
    .addOption(new Option('--sort <what>', 'what stands first').choices(SORT_KEYS).default('cpu'))
    .option('--interval <time>', 'between two looks, e.g. 5s', parseSeconds, 2)
    .option('--once', 'one table and no more')
    .option('--count <number>', 'end after so many tables', parseCount)
    .action((options: TopOptions) => top(context(), options));
}

/** What a key sorts by. */
const KEYS: Readonly<Record<string, SortKey>> = {
  c: 'cpu',
  m: 'memory',
  l: 'load',
  s: 'streams',
  e: 'engine',
  h: 'channel',
};
const CTRL_C = '\x03';

async function top({ address, connection, json, io }: CommandContext, options: TopOptions): Promise<void> {
  await using client = await AlirtcClient.connect(address, connection());
  const count = options.once === true ? 1 : options.count;
  const intervalMs = options.interval * 1000;
  if (io.screen !== undefined && !json && count === undefined) {
    await live(client, io.screen, { signal: io.signal, intervalMs, sort: options.sort });
    return;
  }
  for (let shown = 0; !io.signal.aborted && (count === undefined || shown < count); shown += 1) {
    if (shown > 0) await abortedOrAfter(io.signal, intervalMs);
    if (io.signal.aborted) return;
    const status = await client.nodeStatus({ signal: io.signal });
    if (json) io.print(JSON.stringify({ time: new Date().toISOString(), ...jsonOf(status) }));
    else {
      if (shown > 0) io.print('');
      for (const line of topLines(status, options.sort, Date.now())) io.print(line);
    }
  }
}

function jsonOf(status: GetNodeStatusResponse): object {
  return GetNodeStatusResponse.toJSON(status) as object;
}

interface LiveOptions {
  signal: AbortSignal;
  intervalMs: number;
  sort: SortKey;
}

/** Draws over the same place on the terminal's second screen, and gives the first one back however it ends. */
async function live(client: AlirtcClient, screen: Screen, options: LiveOptions): Promise<void> {
  const ending = new AbortController();
  const signal = AbortSignal.any([options.signal, ending.signal]);
  let { sort } = options;
  let pressed = new AbortController();
  const release = screen.onKey((key) => {
    if (key === 'q' || key === CTRL_C) ending.abort();
    sort = KEYS[key] ?? sort;
    pressed.abort();
  });
  screen.write('\x1b[?1049h\x1b[?25l');
  try {
    while (!signal.aborted) {
      const status = await client.nodeStatus({ signal });
      screen.write(frame(topLines(status, sort, Date.now()), screen));
      pressed = new AbortController();
      await abortedOrAfter(AbortSignal.any([signal, pressed.signal]), options.intervalMs);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    screen.write('\x1b[?25h\x1b[?1049l');
    release();
  }
}

/** Home, each line with what is left of the old one erased, then the rest of the screen (ECMA-48 CUP, EL, ED). */
function frame(lines: readonly string[], { columns, rows }: Screen): string {
  const shown = lines.slice(0, rows - 1).map((line) => `${line.slice(0, columns)}\x1b[K`);
  return `\x1b[H${shown.join('\r\n')}\r\n\x1b[J`;
}

const COLUMNS: readonly Column[] = [
  ...['engine', 'state', 'channel', 'user'].map((title) => ({ title })),
  ...['streams', 'memory', 'cpu', 'load'].map((title) => ({ title, right: true as const })),
];

/** One look: the node, its own processes, and the engines. */
export function topLines(status: GetNodeStatusResponse, sort: SortKey, nowMs: number): string[] {
  const { version, startedAtUs, engines, limits, processes, engineStatuses } = status;
  const up = durationText(nowMs - startedAtUs / 1000);
  const own = processes
    .filter(({ kind }) => kind !== 'core')
    .map(({ kind, residentBytes, cpuMs }) => `${kind} ${memoryText(residentBytes)} ${loadText(cpuMs)}`);
  const rows = sorted(engineStatuses, sort).map((engine) => [
    engine.engineId,
    stateName(engine),
    engine.channel,
    engine.userId,
    streamsText(engine),
    memoryText(engine.residentBytes),
    loadText(engine.cpuMs),
    loadText(engine.loadMs),
  ]);
  return [
    `alirtcd ${version}, up ${up}, engines ${engines}${limits === undefined ? '' : ` of ${limits.maxEngines}`}, by ${sort}`,
    `load ${nodeLoadText(status)}; ${stateText(status, nowMs)}`,
    own.join(', '),
    '',
    ...tableLines(COLUMNS, rows),
  ];
}
