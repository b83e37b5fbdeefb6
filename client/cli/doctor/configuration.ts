import { existsSync } from 'node:fs';
import type { LoadedConfig } from '../../../daemon/config/load_config.js';
import { failure, info, ok } from './check.js';
import type { Check, Finding } from './check.js';

/** Where the unit of packaging/systemd has it. */
const SYSTEM_FILE = '/etc/alirtcd/alirtcd.yaml';

export const configuration: Check = {
  name: 'configuration',
  run: ({ loaded }) => Promise.resolve(judgeConfiguration(loaded, existsSync(SYSTEM_FILE))),
};

/** `loaded`: the text of the daemon's error when it is none. */
export function judgeConfiguration(loaded: LoadedConfig | string, hasSystemFile: boolean): Finding[] {
  if (typeof loaded === 'string')
    return [
      ...loaded
        .split('\n')
        .map((line) =>
          failure(line, 'correct it: alirtcd does not start with it; alirtcd --print-config shows every setting'),
        ),
      info('the other checks go by the defaults'),
    ];
  const { sources, file } = loaded;
  const from = file === undefined ? 'no file' : file;
  const findings = [
    ok(
      `${from}; ${sources.size === 0 ? 'every setting has its default' : `${sources.size} settings are set, all of them right`}`,
    ),
  ];
  if (file === undefined && hasSystemFile)
    findings.push(info(`${SYSTEM_FILE} was not looked at; with --config ${SYSTEM_FILE} it is`));
  return findings;
}
