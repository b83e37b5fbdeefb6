import type { Command, Option } from 'commander';
import { example, item, marked, paragraph, section, subsection, title } from './roff.js';
import type { Roff } from './roff.js';

export interface PageFacts {
  version: string;
  /** "2026-11-22" */
  date: string;
}

/** alirtc(1), from the commands themselves. */
export function alirtcPage(program: Command, { version, date }: PageFacts): string {
  const help = program.createHelp();
  const lines: Roff = [
    ...title(program.name(), 1, version, date),
    ...section('NAME', [`${program.name()} \\- ${program.description()}`]),
    ...section('SYNOPSIS', [marked(`${program.name()} [options] <command> [arguments]`)]),
    ...section(
      'DESCRIPTION',
      paragraph(
        'Works with a running alirtcd: makes tokens, records and plays, shows events, calls any method, and lets its operator look after it.',
      ),
      paragraph('Results go to standard output, progress and errors to standard error.'),
    ),
    ...section(
      'OPTIONS',
      paragraph('Of every command, before or behind its name:'),
      ...help.visibleOptions(program).map(optionItem),
    ),
    ...section('COMMANDS', ...help.visibleCommands(program).flatMap((one) => commandParts(program, one, ''))),
    ...section('ENVIRONMENT', ...environmentItems(program)),
    ...section(
      'EXIT STATUS',
      item('0', 'It did what it was asked for.'),
      item('1', 'It failed; what happened, what it is called and what to do stands on standard error.'),
      item('2', 'The command line is wrong.'),
      item('130', 'It was interrupted before it had begun, or while it waited.'),
    ),
    ...section(
      'EXAMPLES',
      example('alirtc record --channel lobby --user archive --out rec'),
      example('alirtc node drain --deadline 10m --wait'),
      example('alirtc node logs --engine eng_abc --set-level debug --follow'),
    ),
    ...section('SEE ALSO', [marked('alirtcd') + '(8)']),
  ];
  return `${lines.join('\n')}\n`;
}

function commandParts(program: Command, command: Command, before: string): Roff[] {
  const path = `${before} ${command.name()}`.trim();
  const help = command.createHelp();
  // Commander makes the command "help" only to show it.
  const below = help.visibleCommands(command).filter((one) => command.commands.includes(one));
  const usage = command.registeredArguments.map((one) => (one.required ? `<${one.name()}>` : `[${one.name()}]`));
  const choices = command.registeredArguments.flatMap((one) =>
    one.argChoices === undefined ? [] : [item(`<${one.name()}>`, `One of ${one.argChoices.join(', ')}.`)],
  );
  const options = help.visibleOptions(command).filter(({ long }) => long !== '--help');
  const own = [paragraph(`${sentence(command.description())}`), ...choices, ...options.map(optionItem)];
  return [
    subsection([marked(`${program.name()} ${path}`), ...usage.map(marked)].join(' '), ...own),
    ...below.flatMap((one) => commandParts(program, one, path)),
  ];
}

function optionItem(option: Option): Roff {
  const { description, argChoices } = option;
  const value: unknown = option.defaultValue;
  const facts = [
    option.mandatory ? 'Required.' : '',
    argChoices === undefined ? '' : `One of ${argChoices.join(', ')}.`,
    typeof value === 'number' || (typeof value === 'string' && value !== '') ? `Default ${value}.` : '',
  ];
  return item(option.flags, [sentence(description), ...facts].filter((fact) => fact !== '').join(' '));
}

/** The variables that descriptions of options name: "default $ALIRTC_CA". */
function environmentItems(program: Command): Roff[] {
  return program.options.flatMap(({ long, description }) => {
    const name = /\$(ALIRTCD?_[A-Z_]+)/.exec(description)?.[1];
    return name === undefined || typeof long !== 'string' ? [] : [item(name, `As ${long}, which goes before it.`)];
  });
}

function sentence(words: string): string {
  // Names and addresses stay as they are.
  const first = /^[a-z']+[ ,;]/.test(words) ? words.charAt(0).toUpperCase() : words.charAt(0);
  return `${first}${words.slice(1)}${/[.!?]$/.test(words) ? '' : '.'}`;
}
