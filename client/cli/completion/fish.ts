import type { CommandModel, OptionModel, Values } from './model.js';

/** For fish 3 and newer. */
export function fishScript(models: readonly CommandModel[]): string {
  const rows = models.flatMap((model) => [
    ...commandRows(model),
    ...model.options.map((option) => optionRow(model, option)),
    ...argumentRows(model),
  ]);
  const valued = models.flatMap(({ options }) =>
    options.filter(({ values }) => values !== undefined).flatMap(({ flags }) => flags),
  );
  const names = models.flatMap(({ path, commands }) => commands.map(({ name }) => `${path} ${name}`.trim()));
  return `# fish completion of alirtc; made by "alirtc completion fish".

# Prints the path of commands before the cursor, and behind it how many arguments there are.
function __alirtc_place
    set -l path ''
    set -l count 0
    set -l skip 0
    set -l words (commandline -opc)
    for word in $words[2..-1]
        if test $skip = 1
            set skip 0
        else if string match -q -- '-*' $word
            contains -- $word ${[...new Set(valued)].join(' ')}; and set skip 1
        else if contains -- (string trim -- "$path $word") ${names.map(quoted).join(' ')}
            set path (string trim -- "$path $word")
        else
            set count (math $count + 1)
        end
    end
    echo $path
    echo $count
end

function __alirtc_at
    set -l place (__alirtc_place)
    test "$place[1]" = "$argv[1]"; and begin
        test (count $argv) = 1; or test "$place[2]" = "$argv[2]"
    end
end

# The daemon that the line is about.
function __alirtc_ask
    set -l words (commandline -opc)
    set -l globals
    for index in (seq 2 (count $words))
        if contains -- $words[$index] ${globalFlags(models).join(' ')}
            set -a globals $words[$index] $words[(math $index + 1)]
        end
    end
    $words[1] $globals __complete $argv[1] 2>/dev/null </dev/null
end

complete -c alirtc -f
${rows.join('\n')}`;
}

function commandRows({ path, commands }: CommandModel): string[] {
  return commands.map(
    ({ name, description }) =>
      `complete -c alirtc -n ${quoted(`__alirtc_at ${quoted(path)} 0`)} -a ${quoted(name)} -d ${quoted(description)}`,
  );
}

function optionRow({ path }: CommandModel, { flags, description, values }: OptionModel): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  const value = values === undefined ? '' : ` -r${valueText(values)}`;
  return `complete -c alirtc -n ${quoted(`__alirtc_at ${quoted(path)}`)} ${names.join(' ')}${value} -d ${quoted(description)}`;
}

function argumentRows({ path, arguments: all }: CommandModel): string[] {
  return all.map(
    (values, index) => `complete -c alirtc -n ${quoted(`__alirtc_at ${quoted(path)} ${index}`)}${valueText(values)}`,
  );
}

function valueText(values: Values): string {
  switch (values.kind) {
    case 'choices':
      return ` -f -a ${quoted(values.choices.join(' '))}`;
    case 'files':
      return ' -F';
    case 'folders':
      return " -f -a '(__fish_complete_directories)'";
    case 'engines':
    case 'methods':
      return ` -f -a '(__alirtc_ask ${values.kind})'`;
    case 'text':
      return ' -f';
  }
}

/** Options with a value that every command takes. */
function globalFlags(models: readonly CommandModel[]): string[] {
  return (models[0]?.options ?? []).filter(({ values }) => values !== undefined).flatMap(({ flags }) => flags);
}

/** fish, "Quotes": in single quotes only \' and \\ mean something else. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
