import { Argument } from 'commander';
import type { Command } from 'commander';
import { AlirtcClient } from '../../alirtc_client.js';
import { protoFolder } from '../proto_folder.js';
import { ProtoMethods } from '../proto_methods.js';
import type { CommandContext } from '../io.js';
import { bashScript } from './bash.js';
import { fishScript } from './fish.js';
import { completionModel } from './model.js';
import type { CommandModel } from './model.js';
import { zshScript } from './zsh.js';

const SCRIPTS: Readonly<Record<string, (models: readonly CommandModel[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};
/** Nobody waits longer for a key. */
const ANSWER_MS = 1_500;

export function addCompletionCommand(program: Command, context: () => CommandContext): void {
  program
    .command('completion')
    .description('prints what makes a shell complete this command; bash: source <(alirtc completion bash)')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(SCRIPTS)))
    .action((shell: string) => context().io.print(SCRIPTS[shell]?.(completionModel(program)) ?? ''));
  // What the scripts ask for what only a daemon knows.
  program
    .command('__complete', { hidden: true })
    .addArgument(new Argument('<what>').choices(['engines', 'methods']))
    .action((what: string) => printWords(context(), what === 'engines' ? engineWords : methodWords));
}

/** A word a line, nothing when they cannot be had: a key that is pressed must not print an error. */
async function printWords(
  context: CommandContext,
  find: (context: CommandContext) => Promise<string[]>,
): Promise<void> {
  const words = await find(context).catch(() => []);
  for (const word of words) context.io.print(word);
}

async function engineWords({ address, connection, io }: CommandContext): Promise<string[]> {
  await using client = await AlirtcClient.connect(address, { ...connection(), connectTimeoutMs: ANSWER_MS });
  const engines = await client.listEngines({ deadlineMs: ANSWER_MS, signal: io.signal });
  return engines.map(({ engineId }) => engineId);
}

async function methodWords(): Promise<string[]> {
  return (await ProtoMethods.load(protoFolder())).names;
}
