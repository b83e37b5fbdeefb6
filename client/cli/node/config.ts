import type { Command } from 'commander';
import { GetConfigResponse } from '../../../gen/alirtc/v1/node.js';
import type { ConfigSetting } from '../../../gen/alirtc/v1/node.js';
import { AlirtcClient } from '../../alirtc_client.js';
import type { CommandContext } from '../io.js';
import { plain } from '../table.js';

const WIDEST = 60;

export function addConfigCommand(node: Command, context: () => CommandContext): void {
  node
    .command('config')
    .description('every setting as it counts, where it was said, and what waits for SIGHUP or a restart')
    .action(() => printConfig(context()));
}

async function printConfig({ address, connection, json, io }: CommandContext): Promise<void> {
  await using client = await AlirtcClient.connect(address, connection());
  const response = await client.nodeConfig(io);
  if (json) {
    io.print(JSON.stringify(GetConfigResponse.toJSON(response)));
    return;
  }
  for (const line of configLines(response)) io.print(plain(line));
}

/** YAML that --config takes, as `alirtcd --print-config` prints it; behind it, as comments, what does not count yet. */
export function configLines({ settings, file, fault }: GetConfigResponse): string[] {
  const rows = settings.map(({ name, value, origin }) => ({ setting: settingText(name, value), origin }));
  const width = Math.min(WIDEST, Math.max(...rows.map(({ setting }) => setting.length)));
  return [
    ...rows.map(({ setting, origin }) => `${setting.padEnd(width)} # ${origin}`),
    '',
    ...pendingLines(settings),
    ...(fault === '' ? [] : ['# the configuration cannot be taken as it is now; SIGHUP would change nothing:']),
    ...fault
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => `#   ${line}`),
    `# file: ${file === '' ? 'none' : file}`,
  ];
}

function pendingLines(settings: readonly ConfigSetting[]): string[] {
  const waiting = settings.filter(({ pending }) => pending !== undefined);
  const lines = (title: string, reloadable: boolean): string[] => {
    const some = waiting.filter((setting) => setting.reloadable === reloadable);
    const texts = some.map(
      ({ name, pending }) => `#   ${settingText(name, pending?.value)} # ${pending?.origin ?? ''}`,
    );
    return some.length === 0 ? [] : [`# ${title}:`, ...texts];
  };
  const changed = [...lines('waits for SIGHUP', true), ...lines('waits for a restart', false)];
  return changed.length === 0 ? ['# nothing waits for SIGHUP or a restart'] : changed;
}

function settingText(name: string, value = ''): string {
  return value === '' ? `# ${name} is not set` : `${name}: ${value}`;
}
