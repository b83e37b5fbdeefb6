import { readFileSync } from 'node:fs';
import { Option } from 'commander';
import type { Command } from 'commander';
import type { ConnectOptions } from '../alirtc_client.js';
import { invalidArgument } from '../status_error.js';

export interface ConnectionFlags {
  ca?: string;
  cert?: string;
  key?: string;
  tokenFile?: string;
}

/** --ca, --cert, --key and --token-file, and the environment variables that stand for them. */
export function addConnectionOptions(program: Command): Command {
  return program
    .addOption(new Option('--ca <file>', 'authority of the daemon at tls:host:port, PEM; default $ALIRTC_CA'))
    .addOption(
      new Option('--cert <file>', 'our certificate, for a daemon that asks for one, PEM; default $ALIRTC_CERT'),
    )
    .addOption(new Option('--key <file>', 'its private key, PEM; default $ALIRTC_KEY'))
    .addOption(new Option('--token-file <file>', 'holds our bearer token; default $ALIRTC_TOKEN_FILE'));
}

/** What the files hold. Throws INVALID_ARGUMENT for one that cannot be read. */
export function readConnection(
  flags: ConnectionFlags,
  environment: NodeJS.ProcessEnv,
): Pick<ConnectOptions, 'tls' | 'token'> {
  const fileOf = (flag: string | undefined, variable: string): string | undefined => {
    const named = flag ?? environment[variable];
    return named === '' ? undefined : named;
  };
  const ca = read('--ca', fileOf(flags.ca, 'ALIRTC_CA'));
  const certificate = read('--cert', fileOf(flags.cert, 'ALIRTC_CERT'));
  const key = read('--key', fileOf(flags.key, 'ALIRTC_KEY'));
  const token = read('--token-file', fileOf(flags.tokenFile, 'ALIRTC_TOKEN_FILE'))?.toString().trim();
  const hasFiles = [ca, certificate, key].some((file) => file !== undefined);
  return {
    ...(hasFiles ? { tls: { ca, certificate, key } } : {}),
    ...(token === undefined ? {} : { token }),
  };
}

function read(flag: string, file: string | undefined): Buffer | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw invalidArgument(`${flag}: ${why}`, flag.slice(2), 'name a file that can be read');
  }
}
