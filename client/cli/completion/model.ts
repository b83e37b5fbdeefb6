import type { Command, Option } from 'commander';

/** What stands behind an option, or in the place of an argument. */
export type Values =
  | { kind: 'choices'; choices: readonly string[] }
  | { kind: 'files' | 'folders' }
  | { kind: 'engines' | 'methods' } // asked of the daemon, and of the .proto files
  | { kind: 'text' }; // nobody can know

export interface OptionModel {
  /** "--level", and the short form where there is one. */
  flags: readonly string[];
  description: string;
  /** Undefined: it is a switch. */
  values: Values | undefined;
}

/** One command, with everything that can stand behind it. */
export interface CommandModel {
  /** "" of the program itself, "node", "node logs". */
  path: string;
  commands: readonly { name: string; description: string }[];
  /** Its own, and those of the commands it stands below: they are taken anywhere. */
  options: readonly OptionModel[];
  arguments: readonly Values[];
}

/** Names of placeholders, as commander shows them in "--engine <engine>", that say what goes there. */
const BY_PLACEHOLDER: Readonly<Record<string, Values>> = {
  file: { kind: 'files' },
  folder: { kind: 'folders' },
  engine: { kind: 'engines' },
  method: { kind: 'methods' },
};

/** The program and all its commands that are shown to people, each before those below it. */
export function completionModel(program: Command): CommandModel[] {
  return modelsOf(program, '', []);
}

function modelsOf(command: Command, path: string, inherited: readonly OptionModel[]): CommandModel[] {
  const help = command.createHelp();
  const options = [...help.visibleOptions(command).map(optionModel), ...inherited];
  const below = help.visibleCommands(command);
  const model = {
    path,
    commands: below.map((one) => ({ name: one.name(), description: one.description() })),
    options: options.filter(({ flags }, at) => options.findIndex((one) => one.flags[0] === flags[0]) === at),
    arguments: command.registeredArguments.map((argument) => valuesOf(argument.name(), argument.argChoices)),
  };
  // Commander makes the command "help" only to show it.
  const real = below.filter((one) => command.commands.includes(one));
  return [model, ...real.flatMap((one) => modelsOf(one, `${path} ${one.name()}`.trim(), options))];
}

function optionModel(option: Option): OptionModel {
  const flags = [option.long, option.short].filter((flag): flag is string => typeof flag === 'string');
  const placeholder = /[<[]([\w-]+)/.exec(option.flags)?.[1];
  const values = placeholder === undefined ? undefined : valuesOf(placeholder, option.argChoices);
  return { flags, description: option.description, values };
}

function valuesOf(placeholder: string, choices: readonly string[] | undefined): Values {
  if (choices !== undefined) return { kind: 'choices', choices };
  return BY_PLACEHOLDER[placeholder] ?? { kind: 'text' };
}
