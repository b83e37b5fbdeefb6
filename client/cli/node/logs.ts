import { Option } from 'commander';
import type { Command } from 'commander';
import { AlirtcClient } from '../../alirtc_client.js';
import { invalidArgument } from '../../status_error.js';
import type { CommandContext } from '../io.js';
import { parseCount } from '../parse.js';
import { logText } from './log_text.js';

interface LogsOptions {
  engine?: string;
  level?: string;
  sinceLines: number;
  follow?: true;
  setLevel?: string;
}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
const DEFAULT_LEVEL = 'default';

export function addLogsCommand(node: Command, context: () => CommandContext): void {
  node
    .command('logs')
    .description("the daemon's log: the newest lines, and with --follow those that come")
    .option('--engine <engine>', 'only what is about this engine')
    .addOption(new Option('--level <level>', 'only lines of this level and above').choices(LEVELS))
    .option('--since-lines <number>', 'how many of the kept lines come first, up to 5000', parseCount, 100)
    .option('--follow', 'go on with the lines that come, until Ctrl-C')
    .addOption(
      new Option(
        '--set-level <level>',
        `changes what is logged of --engine from now on; "${DEFAULT_LEVEL}": as everything else`,
      ).choices([...LEVELS, 'silent', DEFAULT_LEVEL]),
    )
    .action((options: LogsOptions) => logs(context(), options));
}

async function logs({ address, connection, json, io }: CommandContext, options: LogsOptions): Promise<void> {
  const { engine: engineId = '', level = '', sinceLines, follow = false, setLevel } = options;
  if (setLevel !== undefined && engineId === '')
    throw invalidArgument(
      '--set-level is for one engine',
      'engine',
      'name it with --engine; of everything: the setting log-level, and SIGHUP',
    );
  await using client = await AlirtcClient.connect(address, connection());
  if (setLevel !== undefined) {
    await client.setEngineLogLevel(engineId, setLevel === DEFAULT_LEVEL ? '' : setLevel, io);
    const now = setLevel === DEFAULT_LEVEL ? 'as everything else' : setLevel;
    if (json) io.print(JSON.stringify({ engineId, level: setLevel }));
    else io.note(`what is logged of ${engineId}: ${now}`);
    if (!follow) return;
  }
  for await (const { line, droppedBefore } of client.nodeLogs({ engineId, level, sinceLines, follow }, io.signal)) {
    if (droppedBefore > 0)
      if (json) io.print(JSON.stringify({ lost: droppedBefore }));
      else io.note(`${droppedBefore} lines were lost here: this reader was too slow`);
    io.print(json ? line : logText(line));
  }
  if (follow && !io.signal.aborted) io.note('the daemon has ended');
}
