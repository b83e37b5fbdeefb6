import { Command, Option } from 'commander';
import type * as z from 'zod';
import { allowedValues } from './allowed_values.js';
import { ConfigError } from './config_error.js';
import { readConfigFile } from './config_file.js';
import { environmentName, refuseUnknownVariables } from './environment.js';
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
}

/** Longer values are not repeated in errors. */
const SHOWN_CHARACTERS = 60;
const NAMES = Object.keys(SETTINGS) as SettingName[];

/** The daemon's settings: flags go before environment variables, these before the file of --config. Throws ConfigError. */
export function loadConfig(argv: readonly string[], version: string, defaults: Defaults): Config {
  return loadConfigWithSources(argv, version, defaults).config;
}

/** As loadConfig(), with the place of every value. */
export function loadConfigWithSources(argv: readonly string[], version: string, defaults: Defaults): LoadedConfig {
  const flags = parseFlags(argv, version);
  const file = typeof flags['config'] === 'string' ? flags['config'] : defaults.environment['ALIRTCD_CONFIG'];
  refuseUnknownVariables(
    defaults.environment,
    writtenNames().map(([written]) => written),
  );
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
  };
}

/** "/etc/alirtcd.yaml:3: max-engines: has to be a whole number, not "lots"; allowed: a whole number from 1 to 10000". */
function faultOf(issue: z.core.$ZodIssue, sources: ReadonlyMap<SettingName, Source>, defaults: Defaults): string {
  const [name, index] = issue.path;
  if (!isSettingName(name)) return `settings: ${issue.message}`;
  const place = placeOf(issue, name, sources);
  const where = place === undefined || place === `--${name}` ? '' : `${place}: `;
  const allowed = allowedValues(name, defaults) ?? SETTINGS[name].text;
  const written = sources.get(name)?.value;
  const shown =
    issue.code === 'custom' ? '' : shownInError(typeof index === 'number' ? entryOf(written, index) : written);
  return `${where}${place === `--${name}` ? place : name}: ${issue.message}${shown}; allowed: ${allowed}`;
}

/** Of the setting at fault; of the one that it does not go together with, when it was not said itself. */
function placeOf(
  { path: [, index], ...issue }: z.core.$ZodIssue,
  name: SettingName,
  sources: ReadonlyMap<SettingName, Source>,
): string | undefined {
  const source = sources.get(name);
  const entry = typeof index === 'number' ? source?.itemPlaces[index] : undefined;
  const other: unknown = issue.code === 'custom' ? issue.params?.['other'] : undefined;
  return entry ?? source?.place ?? (isSettingName(other) ? sources.get(other)?.place : undefined);
}

function entryOf(list: unknown, index: number): unknown {
  return Array.isArray(list) ? list[index] : list;
}

/** Not what may hold a password: addresses with one, and long texts. */
function shownInError(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return /[@?]|:\/\//.test(text) || text.length > SHOWN_CHARACTERS ? '' : `, not ${text}`;
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
    yield [name, { place, itemPlaces: [], value: SETTINGS[name].isList === true ? listOf(text) : text }];
  }
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

/** Commas, with or without white space behind them. */
function listOf(text: string): string[] {
  return text.split(',').map((entry) => entry.trim());
}

function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
