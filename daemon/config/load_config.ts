import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { parse } from 'yaml';
import { messageOf } from '../../common/errors.js';
import { ALIASES, configSchema, SETTINGS } from './schema.js';
import type { Config, Defaults, SettingName } from './schema.js';

/** What is wrong with the configuration, for people. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const NAMES = Object.keys(SETTINGS) as SettingName[];

/** The daemon's settings: flags go before environment variables, these before the file of --config. Throws ConfigError. */
export function loadConfig(argv: readonly string[], version: string, defaults: Defaults): Config {
  const flags = parseFlags(argv, version);
  const file = typeof flags['config'] === 'string' ? flags['config'] : defaults.environment['ALIRTCD_CONFIG'];
  const merged = { ...readConfigFile(file), ...fromEnvironment(defaults.environment) };
  for (const [alias, name] of Object.entries(ALIASES)) flags[camelCase(name)] ??= flags[camelCase(alias)];
  for (const name of NAMES) if (flags[camelCase(name)] !== undefined) merged[name] = flags[camelCase(name)];
  const parsed = configSchema(defaults).safeParse(merged);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'settings'}: ${issue.message}`);
  throw new ConfigError(lines.join('\n'));
}

function parseFlags(argv: readonly string[], version: string): Record<string, unknown> {
  const command = new Command('alirtcd')
    .description('joins real-time channels for programs in any language, over gRPC')
    .version(version)
    .option('--config <file>', 'YAML with the settings below as keys; maps may nest: "a: {b: c}" is "a-b: c"')
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

function fromEnvironment(environment: Defaults['environment']): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  const aliases = Object.entries(ALIASES);
  for (const [written, name] of [...aliases, ...NAMES.map((name) => [name, name] as const)]) {
    const value = environment[`ALIRTCD_${written.toUpperCase().replaceAll('-', '_')}`];
    if (value !== undefined && value !== '') settings[name] = SETTINGS[name].isList === true ? value.split(',') : value;
  }
  return settings;
}

function readConfigFile(file: string | undefined): Record<string, unknown> {
  if (file === undefined) return {};
  let content: unknown;
  try {
    content = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigError(`config file ${file}: ${messageOf(error).split('\n')[0] ?? ''}`);
  }
  if (content === null) return {};
  if (!isMap(content)) throw new ConfigError(`config file ${file}: has to hold settings, "name: value" each`);
  const settings = new Map<string, unknown>();
  for (const [name, value] of settingsOf(content)) {
    if (settings.has(name)) throw new ConfigError(`config file ${file}: ${name} is there twice; leave one out`);
    settings.set(name, value);
  }
  return Object.fromEntries(settings);
}

/** The keys of maps inside of maps are joined by "-", and "_" is "-": `channel_server: {url: x}` is channel-server-url. */
function* settingsOf(map: Readonly<Record<string, unknown>>, prefix = ''): Generator<[name: string, value: unknown]> {
  for (const [key, value] of Object.entries(map)) {
    const name = `${prefix}${key.replaceAll('_', '-')}`;
    if (isMap(value)) yield* settingsOf(value, `${name}-`);
    else yield [ALIASES[name] ?? name, value];
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
