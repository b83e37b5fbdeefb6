import { stat } from 'node:fs/promises';
import { messageOf } from '../../../common/errors.js';
import { readKeyFile, weakKeys } from '../../../common/token/key_file.js';
import { JwtKey } from '../../../daemon/node/jwt_key.js';
import { readTokenFile } from '../../../daemon/node/token_file.js';
import { failure, info, ok, warning } from './check.js';
import type { Check, DoctorContext, Finding } from './check.js';

export interface SecretFacts {
  setting: 'keys' | 'tokens' | 'jwt-key' | 'tls-key';
  file: string;
  /** What is in it: "2 app ids"; undefined: `error` says why not. */
  content?: string;
  error?: string;
  /** Permission bits; undefined: there is no such file. */
  mode?: number;
}

export const secretFiles: Check = { name: 'secrets', run: look };

async function look({ config }: DoctorContext): Promise<Finding[]> {
  const readers: Record<SecretFacts['setting'], (file: string) => string> = {
    keys: (file) => `${readKeyFile(file).size} app ids`,
    tokens: (file) => `${readTokenFile(file).size} bearer tokens`,
    'jwt-key': (file) => (new JwtKey(file, {}), 'a public key'),
    // What is in it is the certificates' check.
    'tls-key': () => 'the key of the certificate',
  };
  const findings: Finding[] = [];
  for (const [setting, read] of Object.entries(readers) as [SecretFacts['setting'], (file: string) => string][]) {
    const file = config[setting];
    if (file !== undefined) findings.push(...judgeSecret(await factsOf(setting, file, read)));
  }
  if (config.keys !== undefined) findings.push(...judgeKeys(config.keys));
  if (config.keys === undefined) findings.push(...judgeMissingKeys(config['channel-server-url'].length > 0));
  return findings;
}

async function factsOf(
  setting: SecretFacts['setting'],
  file: string,
  read: (file: string) => string,
): Promise<SecretFacts> {
  const found = await stat(file).catch(() => undefined);
  const mode = found === undefined ? {} : { mode: found.mode & 0o777 };
  try {
    return { setting, file, content: read(file), ...mode };
  } catch (error) {
    return { setting, file, error: messageOf(error), ...mode };
  }
}

export function judgeSecret({ setting, file, content, error, mode }: SecretFacts): Finding[] {
  if (mode === undefined)
    return [failure(`${setting} ${file}: cannot be found by this user`, `make the file, or correct ${setting}`)];
  // A public key is no secret.
  const isOpen = setting !== 'jwt-key' && (mode & 0o077) !== 0;
  const modeText = mode.toString(8).padStart(4, '0');
  if (isOpen && setting === 'tls-key')
    return [warning(`${setting} ${file}: others than its owner may read it (mode ${modeText})`, `chmod 600 ${file}`)];
  if (isOpen)
    return [
      failure(
        `${setting} ${file}: others than its owner may read it (mode ${modeText}); alirtcd does not take it so`,
        `chmod 600 ${file}`,
      ),
    ];
  if (content === undefined)
    return [
      failure(error ?? `${setting} ${file}: cannot be read`, `correct ${file}, and let the daemon's user own it`),
    ];
  return [ok(`${setting} ${file}: ${content}, mode ${modeText}`)];
}

/** What cannot be read was told before. */
export function judgeKeys(file: string, read = readKeyFile): Finding[] {
  try {
    const appIds = weakKeys(read(file));
    if (appIds.length === 0) return [];
    return [
      warning(
        `keys ${file}: the key of ${appIds.join(', ')} has less than 32 characters, and may be guessed`,
        'make a new one with openssl rand -hex 32, here and at the channel server',
      ),
    ];
  } catch {
    return [];
  }
}

/** Without a file the daemon makes a pair up. */
export function judgeMissingKeys(hasChannelServer: boolean): Finding[] {
  if (!hasChannelServer) return [info('keys is not set: a random app id and key, in memory, new at each start')];
  return [
    warning(
      'keys is not set, but channel-server-url is: that server does not know the random key, AliRTC tokens cannot be exchanged',
      'put the API key and secret of the LiveKit server into a file, mode 0600, one line "key: secret", and name it with keys',
    ),
  ];
}
