import type { Command } from 'commander';
import { EngineSnapshot } from '../../gen/alirtc/v1/events.js';
import { AlirtcClient } from '../alirtc_client.js';
import type { CommandContext } from './io.js';
import { tableLines } from './table.js';

export function addEnginesCommand(program: Command, context: () => CommandContext): void {
  program
    .command('engines')
    .description('your engines: state, channel, role, users; `alirtc node engines` has those of everybody')
    .action(() => printEngines(context()));
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
  for (const line of tableLines(COLUMNS, rows)) io.print(line);
}

const COLUMNS = ['engine', 'state', 'channel', 'user', 'role', 'remote users', 'lease'].map((title) => ({ title }));

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
