import { Option } from 'commander';
import type { Command } from 'commander';
import { EngineStatus } from '../../../gen/alirtc/v1/node.js';
import { AlirtcClient } from '../../alirtc_client.js';
import type { CommandContext } from '../io.js';
import { STATE_NAMES, leaseText, stateName, streamsText } from './engine_rows.js';
import { tableLines } from '../table.js';
import type { Column } from '../table.js';
import { loadText, memoryText } from './units.js';

interface EnginesOptions {
  state?: string;
  channel?: string;
}

export function addEnginesCommand(node: Command, context: () => CommandContext): void {
  node
    .command('engines')
    .description('a row for each engine: owner, state, channel, user, streams, lease, core, memory, cost')
    .addOption(new Option('--state <state>', 'only those in this state').choices(STATE_NAMES))
    .option('--channel <id>', 'only those in this channel')
    .action((options: EnginesOptions) => printEngines(context(), options));
}

async function printEngines(
  { address, connection, json, io }: CommandContext,
  { state, channel }: EnginesOptions,
): Promise<void> {
  await using client = await AlirtcClient.connect(address, connection());
  const { engineStatuses } = await client.nodeStatus(io);
  const wanted = engineStatuses.filter(
    (engine) =>
      (state === undefined || stateName(engine) === state) && (channel === undefined || engine.channel === channel),
  );
  if (json) {
    io.print(JSON.stringify(wanted.map((engine) => EngineStatus.toJSON(engine))));
    return;
  }
  if (wanted.length === 0) {
    io.note(engineStatuses.length === 0 ? 'no engines' : `none of ${engineStatuses.length} engines is like that`);
    return;
  }
  for (const line of tableLines(COLUMNS, wanted.map(row))) io.print(line);
}

const COLUMNS: readonly Column[] = [
  ...['engine', 'owner', 'state', 'channel', 'user'].map((title) => ({ title })),
  { title: 'streams', right: true },
  { title: 'lease' },
  ...['core', 'memory', 'cpu', 'cost', 'restarts'].map((title) => ({ title, right: true as const })),
];

function row(engine: EngineStatus): string[] {
  const { engineId, owner, channel, userId, coreProcessId, residentBytes, cpuMs, loadMs, coreRestarts } = engine;
  return [
    engineId,
    owner,
    stateName(engine),
    channel,
    userId,
    streamsText(engine),
    leaseText(engine),
    coreProcessId === 0 ? '' : String(coreProcessId),
    memoryText(residentBytes),
    loadText(cpuMs),
    loadText(loadMs),
    String(coreRestarts),
  ];
}
