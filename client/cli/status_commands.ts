import type { Command } from 'commander';
import { EngineSnapshot } from '../../gen/alirtc/v1/events.js';
import { GetNodeStatusResponse } from '../../gen/alirtc/v1/node.js';
import type { ProcessStatus } from '../../gen/alirtc/v1/node.js';
import { AlirtcClient } from '../alirtc_client.js';
import type { CommandContext } from './io.js';

export function addStatusCommands(program: Command, context: () => CommandContext): void {
  program
    .command('status')
    .description('what runs on this node: the daemon, its channel server, its cores')
    .action(() => printStatus(context()));
  program
    .command('engines')
    .description('the engines of the daemon')
    .action(() => printEngines(context()));
}

async function printStatus({ address, connection, json, io }: CommandContext): Promise<void> {
  await using client = await AlirtcClient.connect(address, connection());
  const status = await client.nodeStatus(io);
  if (json) {
    io.print(JSON.stringify(GetNodeStatusResponse.toJSON(status)));
    return;
  }
  const { version, startedAtUs, channelServerUrl, channelServerEmbedded, engines, processes } = status;
  io.print(
    `alirtcd ${version} at ${address}, up since ${new Date(startedAtUs / 1000).toISOString()}, engines: ${engines}`,
  );
  io.print(
    `channel server: ${channelServerUrl === '' ? 'none' : channelServerUrl}${channelServerEmbedded ? ' (embedded)' : ''}`,
  );
  printTable(io.print, ['process', 'pid', 'engine', 'memory', 'cpu time'], processes.map(processRow));
}

function processRow({ kind, processId, engineId, residentBytes, cpuTimeUs }: ProcessStatus): string[] {
  return [
    kind,
    String(processId),
    engineId,
    `${Math.round(residentBytes / 1e6)} MB`,
    `${(cpuTimeUs / 1e6).toFixed(1)} s`,
  ];
}

async function printEngines({ address, connection, json, io }: CommandContext): Promise<void> {
  await using client = await AlirtcClient.connect(address, connection());
  const engines = (await client.listEngines(io)).map((engine) => EngineSnapshot.toJSON(engine) as EngineJson);
  if (json) {
    io.print(JSON.stringify(engines));
    return;
  }
  if (engines.length === 0) {
    io.note('no engines');
    return;
  }
  const rows = engines.map((engine) => [
    engine.engineId ?? '',
    short(engine.state, 'ENGINE_STATE_'),
    engine.channel ?? '',
    engine.userId ?? '',
    short(engine.role, 'CLIENT_ROLE_'),
    String(engine.remoteUsers?.length ?? 0),
    engine.leaseSeconds === undefined ? 'detached' : `${engine.leaseSeconds} s`,
  ]);
  printTable(io.print, ['engine', 'state', 'channel', 'user', 'role', 'remote users', 'lease'], rows);
}

interface EngineJson {
  engineId?: string;
  state?: string;
  channel?: string;
  userId?: string;
  role?: string;
  remoteUsers?: unknown[];
  leaseSeconds?: number;
}

function short(name: string | undefined, prefix: string): string {
  return (name ?? '').replace(prefix, '').toLowerCase();
}

function printTable(print: (line: string) => void, head: string[], rows: string[][]): void {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of [head, ...rows])
    print(
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}
