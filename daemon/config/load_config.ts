import { Command, Option } from 'commander';
import type * as z from 'zod';
import { allowedValues } from './allowed_values.js';
import { ConfigError } from './config_error.js';
import { readConfigFile } from './config_file.js';
import { nearestName } from './nearest_name.js';
import { configSchema } from './schema.js';
import type { Config, Defaults, SettingName } from './schema.js';
import { ALIASES, SETTINGS } from './settings.js';

export { ConfigError } from './config_error.js';

/** Where a value was written. */
export interface Source {
  /** "/etc/alirtcd.yaml:3", "ALIRTCD_MAX_ENGINES", "--max-engines". */
  place: string;
  /** Of each entry of a list, when that is more exact. */
  itemPlaces: readonly string[];
  value: unknown;
}

/** The settings, and where they come from. */
export interface LoadedConfig {
  config: Config;
  /** What is not here has its default. */
  sources: ReadonlyMap<SettingName, Source>;
  file: string | undefined;
  /** --print-config was said. */
  printOnly: boolean;
  /** Environment variables that look like settings, and are none. No errors: the platform may set some of its own, e.g. ALIRTCD_SERVICE_HOST. */
  warnings: readonly string[];
}

/** Of the client, and of the file itself. */
const OTHER_VARIABLES = ['ALIRTCD_ADDRESS', 'ALIRTCD_CONFIG'];
const NAMES = Object.keys(SETTINGS) as SettingName[];

/** The daemon's settings: flags go before environment variables, these before the file of --config. Throws ConfigError. */
export function loadConfig(argv: readonly string[], version: string, defaults: Defaults): Config {
  return loadConfigWithSources(argv, version, defaults).config;
}

/** As loadConfig(), with the place of every value. */
export function loadConfigWithSources(argv: readonly string[], version: string, defaults: Defaults): LoadedConfig {
  const flags = parseFlags(argv, version);
  const file = typeof flags['config'] === 'string' ? flags['config'] : defaults.environment['ALIRTCD_CONFIG'];
  const sources = new Map<SettingName, Source>([
    ...fromFile(file),
    ...fromEnvironment(defaults.environment),
    ...fromFlags(flags),
  ]);
  const merged = Object.fromEntries([...sources].map(([name, { value }]) => [name, value]));
  const parsed = configSchema(defaults).safeParse(merged);
  if (!parsed.success)
    throw new ConfigError(parsed.error.issues.map((issue) => faultOf(issue, sources, defaults)).join('\n'));
  return {
    config: parsed.data,
    sources,
    file,
    printOnly: flags['printConfig'] === true,
    warnings: misspelt(defaults.environment),
  };
}

/** "/etc/alirtcd.yaml:3: max-engines: has to be a whole number; allowed: a whole number from 1 to 10000". */
function faultOf(issue: z.core.$ZodIssue, sources: ReadonlyMap<SettingName, Source>, defaults: Defaults): string {
  const [name, index] = issue.path;
  if (!isSettingName(name)) return `settings: ${issue.message}`;
  const source = sources.get(name);
  const place = (typeof index === 'number' ? source?.itemPlaces[index] : undefined) ?? source?.place;
  const where = place === undefined || place === `--${name}` ? '' : `${place}: `;
  const allowed = allowedValues(name, defaults) ?? SETTINGS[name].text;
  return `${where}${place === `--${name}` ? place : name}: ${issue.message}; allowed: ${allowed}`;
}

function isSettingName(name: unknown): name is SettingName {
  return typeof name === 'string' && NAMES.includes(name as SettingName);
}

function parseFlags(argv: readonly string[], version: string): Record<string, unknown> {
  const command = new Command('alirtcd')
    .description('joins real-time channels for programs in any language, over gRPC')
    .version(version)
    .option('--config <file>', 'YAML with the settings below as keys; maps may nest: "a: {b: c}" is "a-b: c"')
    .option('--print-config', 'prints every setting and where it comes from, and ends')
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  for (const name of NAMES) {
    const { argument, text, isList } = SETTINGS[name];
    if (isList === true)
      command.option(`--${name} ${argument}`, text, (value: string, before: string[] = []) => [...before, value]);
    else command.option(`--${name} ${argument}`, text);
  }
  for (const [alias, name] of Object.entries(ALIASES))
    command.addOption(new Option(`--${alias} ${SETTINGS[name].argument}`, `--${name}`).hideHelp());
  return command.parse(argv, { from: 'user' }).opts();
}

function* fromFlags(flags: Readonly<Record<string, unknown>>): Generator<[SettingName, Source]> {
  for (const [written, name] of writtenNames()) {
    const value = flags[camelCase(written)];
    if (value !== undefined) yield [name, { place: `--${written}`, itemPlaces: [], value }];
  }
}

function* fromEnvironment(environment: Defaults['environment']): Generator<[SettingName, Source]> {
  for (const [written, name] of writtenNames()) {
    const place = environmentName(written);
    const text = environment[place];
    if (text === undefined || text === '') continue;
    yield [name, { place, itemPlaces: [], value: SETTINGS[name].isList === true ? text.split(',') : text }];
  }
}

function misspelt(environment: Defaults['environment']): string[] {
  const known = [...writtenNames().map(([written]) => environmentName(written)), ...OTHER_VARIABLES];
  return Object.keys(environment).flatMap((variable) => {
    if (!variable.startsWith('ALIRTCD_') || known.includes(variable)) return [];
    const nearest = nearestName(
      variable.slice('ALIRTCD_'.length),
      known.map((name) => name.slice('ALIRTCD_'.length)),
    );
    return nearest === undefined ? [] : [`${variable} is not read; did you mean ALIRTCD_${nearest}?`];
  });
}

function* fromFile(file: string | undefined): Generator<[SettingName, Source]> {
  if (file === undefined) return;
  for (const { name, value, line, itemLines } of readConfigFile(file))
    if (isSettingName(name))
      yield [name, { place: `${file}:${line}`, itemPlaces: itemLines.map((item) => `${file}:${item}`), value }];
}

/** Names of earlier versions first: the present one goes before them. */
function writtenNames(): (readonly [written: string, name: SettingName])[] {
  return [...Object.entries(ALIASES), ...NAMES.map((name) => [name, name] as const)];
}

function environmentName(name: string): string {
  return `ALIRTCD_${name.toUpperCase().replaceAll('-', '_')}`;
}

function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
