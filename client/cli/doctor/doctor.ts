import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import packageJson from '../../../package.json' with { type: 'json' };
import { messageOf } from '../../../common/errors.js';
import { readKeyFile } from '../../../common/token/key_file.js';
import { loadConfigWithSources } from '../../../daemon/config/load_config.js';
import type { LoadedConfig } from '../../../daemon/config/load_config.js';
import { configSchema } from '../../../daemon/config/schema.js';
import type { Config } from '../../../daemon/config/schema.js';
import type { ConnectOptions } from '../../alirtc_client.js';
import { invalidArgument } from '../../status_error.js';
import { certificates } from './certificates.js';
import { channelServers } from './channel_servers.js';
import { probeServer } from './channel_server_probe.js';
import type { ServerProbe } from './channel_server_probe.js';
import { failure } from './check.js';
import type { Check, DoctorContext, Finding } from './check.js';
import { clock } from './clock.js';
import { codecs } from './codecs.js';
import { configuration } from './configuration.js';
import { coreServices } from './core_services.js';
import { folders } from './folders.js';
import { ipcPorts } from './ipc_ports.js';
import { leftovers } from './leftovers.js';
import { limits } from './limits.js';
import { mediaPorts } from './media_ports.js';
import { nodeVersion } from './node_version.js';
import { runningDaemon } from './running_daemon.js';
import { secretFiles } from './secret_files.js';
import { sharedMemory } from './shared_memory.js';

export interface DoctorOptions {
  /** Flags of alirtcd: those that it is started with. */
  flags: readonly string[];
  environment: NodeJS.ProcessEnv;
  connection: () => Pick<ConnectOptions, 'tls' | 'token'>;
  signal: AbortSignal;
}

/** What a check found. */
export interface CheckResult {
  check: string;
  findings: readonly Finding[];
}

/** In the order in which they are told. Those of one list run one after the other, the lists beside each other: times are measured in quiet. */
const CHECKS: readonly Check[] = [
  ...[nodeVersion, configuration, folders, secretFiles, ipcPorts, mediaPorts, coreServices, codecs, sharedMemory],
  ...[certificates, runningDaemon, channelServers, clock, limits, leftovers],
];
const SLOW: readonly Check[] = [codecs, coreServices];
/** All of it. */
const RUN_MS = 12_500;
/** How long one check has the machine to itself. */
const LONGEST_QUIET_MS = 2_000;
const REPORT_IT = 'run it again; when it stays so, report it with the output of alirtc doctor --json';

/** Every check, each with its findings as soon as those before it are there. Never longer than 12.5 s, and a second for what is to be ended then. */
export async function* runDoctor(options: DoctorOptions): AsyncGenerator<CheckResult, void, undefined> {
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  const timer = setTimeout(abort, RUN_MS);
  options.signal.addEventListener('abort', abort, { once: true });
  try {
    for (const [check, findings] of beginAll(contextOf({ ...options, signal: stop.signal }))) {
      yield { check: check.name, findings: await findings };
      options.signal.throwIfAborted();
    }
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', abort);
    // What still runs of a check that is late, or that nobody waits for, ends.
    abort();
  }
}

/** Every check has begun, or begins by itself when its turn has come. */
function beginAll(context: DoctorContext): [Check, Promise<readonly Finding[]>][] {
  const late = new Promise<void>((resolve) =>
    context.signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  const quick = new Map(
    CHECKS.filter((check) => !SLOW.includes(check)).map((check) => [check, runOne(check, context, late)]),
  );
  // Ports are counted before cores take some.
  let before: Promise<unknown> = quick.get(ipcPorts) ?? Promise.resolve();
  const slow = new Map<Check, Promise<readonly Finding[]>>();
  for (const check of SLOW) {
    const running = before.then(() => runOne(check, context, late));
    before = Promise.race([running, before.then(pause)]);
    slow.set(check, running);
  }
  return CHECKS.map((check) => [check, slow.get(check) ?? quick.get(check) ?? Promise.resolve([])]);
}

/** The next check does not wait for one that hangs. */
function pause(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, LONGEST_QUIET_MS).unref());
}

/** A check that throws or takes too long has failed. */
async function runOne(check: Check, context: DoctorContext, late: Promise<void>): Promise<readonly Finding[]> {
  const found = check
    .run(context)
    .catch((error: unknown) => [failure(`the check itself failed: ${messageOf(error)}`, REPORT_IT)]);
  return Promise.race([found, late.then(() => [failure('was not finished in time', REPORT_IT)])]);
}

function contextOf({ flags, environment, connection, signal }: DoctorOptions): DoctorContext {
  const bin = binFolder();
  const { version } = packageJson;
  const defaults = { environment, here: bin };
  const loaded = load(flags, version, defaults);
  const config = typeof loaded === 'string' ? configSchema(defaults).parse({}) : loaded.config;
  let servers: Promise<ServerProbe[]> | undefined;
  return {
    ...{ bin, version, environment, loaded, config, connection, signal },
    servers: () => (servers ??= probeServers(config)),
  };
}

function load(
  flags: readonly string[],
  version: string,
  defaults: { environment: NodeJS.ProcessEnv; here: string },
): LoadedConfig | string {
  try {
    return loadConfigWithSources(flags, version, defaults);
  } catch (error) {
    return messageOf(error).replace(/^error: /, '');
  }
}

function probeServers(config: Config): Promise<ServerProbe[]> {
  return Promise.all(config['channel-server-url'].map((url) => probeServer(url, firstKey(config.keys))));
}

/** What is wrong with the file is another check's. */
function firstKey(file: string | undefined): readonly [string, string] | undefined {
  try {
    return file === undefined ? undefined : [...readKeyFile(file)][0];
  } catch {
    return undefined;
  }
}

/** Where the executables lie: beside this program's parts, beside itself, or in what the sources are built to. */
function binFolder(): string {
  const here = path.dirname(fileURLToPath(import.meta.url));
  const folders = [here, path.join(here, '..'), path.join(here, '..', '..', '..', 'dist', 'bin')];
  const found = folders.find((folder) => existsSync(path.join(folder, 'alirtcd.mjs')));
  if (found === undefined)
    throw invalidArgument('alirtcd is not beside this program', 'doctor', 'install the package again');
  return found;
}
