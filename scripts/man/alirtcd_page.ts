import { allowedValues } from '../../daemon/config/allowed_values.js';
import type { SettingName } from '../../daemon/config/schema.js';
import { SETTINGS } from '../../daemon/config/settings.js';
import type { PageFacts } from './alirtc_page.js';
import { example, item, marked, paragraph, section, title } from './roff.js';
import type { Roff } from './roff.js';

/** As for docs/alirtcd.example.yaml. */
const DEFAULTS = { environment: { HOME: '/home/you' }, here: '/opt/alirtcd/dist/bin' };

/** alirtcd(8), its settings from the schema. */
export function alirtcdPage({ version, date }: PageFacts): string {
  const names = Object.keys(SETTINGS) as SettingName[];
  const lines: Roff = [
    ...title('alirtcd', 8, version, date),
    ...section('NAME', ['alirtcd \\- joins real\\-time channels for programs in any language, over gRPC']),
    ...section('SYNOPSIS', [marked('alirtcd [--config <file>] [--<setting> <value>]...')]),
    ...section(
      'DESCRIPTION',
      paragraph(
        'Runs engines for its clients: each joins a channel, sends and receives media, in a core process of its own. Without a LiveKit server it brings a channel server.',
      ),
      paragraph(
        'When it listens it prints one line of JSON to standard output: its addresses, its channel server, its HTTP port. Its log goes to standard error, a line of JSON each.',
      ),
    ),
    ...section(
      'OPTIONS',
      item('--config <file>', 'YAML with the settings below as keys; maps may nest: "a: {b: c}" is "a-b: c".'),
      item('--print-config', 'Prints every setting and where it comes from, and ends.'),
      item('-V, --version', 'Prints the version, and ends.'),
      item('-h, --help', 'Prints all settings, and ends.'),
      paragraph('Every setting is an option, too.'),
    ),
    ...section(
      'SETTINGS',
      paragraph(
        'A flag goes before the environment variable of the same name (--max-engines, ALIRTCD_MAX_ENGINES), and this before the file. An unknown setting and a wrong value end the daemon with file and line. What SIGHUP takes says so.',
      ),
      ...names.map(settingItem),
    ),
    ...section(
      'SIGNALS',
      item(
        'SIGTERM, SIGINT',
        'Ends in order, after drain-seconds at the latest; a second one makes engines leave at once, a third one asks nobody.',
      ),
      item('SIGHUP', 'Reads settings, keys, tokens and certificates again; what needs a restart is told in the log.'),
    ),
    ...section(
      'ENVIRONMENT',
      item('ALIRTCD_CONFIG', 'As --config.'),
      item('XDG_RUNTIME_DIR', 'Where the socket lies by default.'),
      item('XDG_STATE_HOME', 'Where log folders and the socket lie by default; else ~/.local/state.'),
    ),
    ...section(
      'EXIT STATUS',
      item('0', 'It was asked to end, and nothing is left.'),
      item('1', 'It could not start.'),
      item('2', 'The command line or the configuration is wrong.'),
    ),
    ...section('EXAMPLES', example('alirtcd --config /etc/alirtcd/alirtcd.yaml'), example('alirtcd --print-config')),
    ...section('SEE ALSO', [`${marked('alirtc')}(1)`]),
  ];
  return `${lines.join('\n')}\n`;
}

function settingItem(name: SettingName): Roff {
  const { argument, text, reload } = SETTINGS[name];
  const allowed = allowedValues(name, DEFAULTS);
  const facts = [allowed === undefined ? '' : `Takes ${allowed}.`, reload === true ? 'SIGHUP.' : ''];
  return item(`--${name} ${argument}`, [`${text}.`, ...facts].filter((fact) => fact !== '').join(' '));
}
