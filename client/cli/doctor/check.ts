import type { Config } from '../../../daemon/config/schema.js';
import type { LoadedConfig } from '../../../daemon/config/load_config.js';
import type { ConnectOptions } from '../../alirtc_client.js';
import type { ServerProbe } from './channel_server_probe.js';

/** Only a failure is one: a warning works, but not well or not for long; information says how things are. */
export type Verdict = 'ok' | 'info' | 'warning' | 'failure';

export interface Finding {
  verdict: Verdict;
  /** What was seen. */
  finding: string;
  /** What to do; warnings and failures have one. */
  remedy?: string;
}

export interface Check {
  name: string;
  run(context: DoctorContext): Promise<readonly Finding[]>;
}

/** What the checks have of the installation and of each other. */
export interface DoctorContext {
  /** The folder of the executables. */
  bin: string;
  version: string;
  environment: NodeJS.ProcessEnv;
  /** What the daemon would read; the text of its error instead. */
  loaded: LoadedConfig | string;
  /** Its settings; the defaults when they cannot be read. */
  config: Config;
  /** Certificates and token of the command line. */
  connection: () => Pick<ConnectOptions, 'tls' | 'token'>;
  /** Aborted when the whole run has to end. */
  signal: AbortSignal;
  /** What the channel servers said, asked once. */
  servers: () => Promise<readonly ServerProbe[]>;
}

export function ok(finding: string): Finding {
  return { verdict: 'ok', finding };
}

export function info(finding: string): Finding {
  return { verdict: 'info', finding };
}

export function warning(finding: string, remedy: string): Finding {
  return { verdict: 'warning', finding, remedy };
}

export function failure(finding: string, remedy: string): Finding {
  return { verdict: 'failure', finding, remedy };
}
