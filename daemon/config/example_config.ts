import { allowedValues } from './allowed_values.js';
import { configSchema } from './schema.js';
import type { SettingName } from './schema.js';
import { shownValue } from './print_config.js';
import { SETTINGS } from './settings.js';

const DEFAULTS = { environment: { HOME: '/home/you' }, here: '/opt/alirtcd/dist/bin' };
const WIDTH = 100;

/** docs/alirtcd.example.yaml: every setting, what it takes, and its default. */
export function exampleConfig(): string {
  const config = configSchema(DEFAULTS).parse({});
  const names = Object.keys(SETTINGS) as SettingName[];
  const head = [
    '# Every setting of alirtcd, with its default. Made from the schema: tsx scripts/example_config.ts',
    '#',
    '# alirtcd --config <this file>. The environment variable of a setting is ALIRTCD_MAX_ENGINES, its flag',
    '# --max-engines; flags go before the environment, and this before the file. alirtcd --print-config',
    '# says what counts and why. "SIGHUP" stands at what is read again when the daemon gets that signal.',
  ];
  const parts = names.map((name) => {
    const { text, reload } = SETTINGS[name];
    const allowed = allowedValues(name, DEFAULTS);
    const facts = [allowed === undefined ? '' : `Takes ${allowed}.`, reload === true ? 'SIGHUP.' : ''];
    const comment = wrapped([`${text}.`, ...facts.filter((fact) => fact !== '')].join(' '));
    const value = shownValue(name, config[name]);
    return [...comment, `# ${name}:${value === undefined ? '' : ` ${JSON.stringify(value)}`}`].join('\n');
  });
  return `${[head.join('\n'), ...parts].join('\n\n')}\n`;
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = '##';
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > WIDTH) {
      lines.push(line);
      line = '##';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
