import type { CommandModel, Values } from './model.js';

/** How a kind of values is called in the scripts: "=" and words, or what has to be looked up. */
export function kindOf(values: Values): string {
  return values.kind === 'choices' ? `=${values.choices.join(' ')}` : values.kind;
}

/**
 * Functions that bash and zsh understand alike (POSIX case), made from the commands: _alirtc_commands, _alirtc_options and _alirtc_option_values of a
 * path, _alirtc_argument_values of a path and the place of an argument. Rows are "word:description" where a shell shows descriptions.
 */
export function shellTables(models: readonly CommandModel[]): string {
  const commands = models.map(({ path, commands: below }) => [
    path,
    below.map(({ name, description }) => row(name, description)),
  ]);
  const options = models.map(({ path, options: all }) => [
    path,
    all.flatMap(({ flags, description }) => flags.map((flag) => row(flag, description))),
  ]);
  return [
    table('_alirtc_commands', commands as [string, string[]][]),
    table('_alirtc_options', options as [string, string[]][]),
    valueTable(
      '_alirtc_option_values',
      models.flatMap(({ path, options: all }) =>
        all.flatMap(({ flags, values }) =>
          values === undefined ? [] : flags.map((flag) => [`${path} ${flag}`, kindOf(values)] as const),
        ),
      ),
    ),
    valueTable(
      '_alirtc_argument_values',
      models.flatMap(({ path, arguments: all }) =>
        all.map((values, index) => [`${path} ${index}`, kindOf(values)] as const),
      ),
    ),
  ].join('\n\n');
}

/** Colons part a word from its description. */
function row(word: string, description: string): string {
  return `${word}:${description.replaceAll(':', ' -').replaceAll("'", '’')}`;
}

function table(name: string, rows: readonly (readonly [string, readonly string[]])[]): string {
  const cases = rows
    .filter(([, words]) => words.length > 0)
    .map(([path, words]) => `    '${path}') printf '%s\\n' ${words.map((word) => `'${word}'`).join(' ')} ;;`);
  return [`${name}() {`, '  case "$1" in', ...cases, '  esac', '}'].join('\n');
}

/** Prints the kind of the values; fails where none follow. */
function valueTable(name: string, rows: readonly (readonly [string, string])[]): string {
  const byKind = new Map<string, string[]>();
  for (const [key, kind] of rows) byKind.set(kind, [...(byKind.get(kind) ?? []), key]);
  const cases = [...byKind].map(
    ([kind, keys]) => `    ${keys.map((key) => `'${key}'`).join('|')}) printf '%s\\n' '${kind}' ;;`,
  );
  return [`${name}() {`, '  case "$1 $2" in', ...cases, '    *) return 1 ;;', '  esac', '}'].join('\n');
}
