import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommanderError } from 'commander';
import { createLogger, standardError } from '../common/logger.js';
import type { Logger } from '../common/logger.js';
import { messageOf } from '../common/errors.js';
import { tuneForPictures } from './tune_for_pictures.js';
import packageJson from '../package.json' with { type: 'json' };
import { ConfigInForce } from './config/config_in_force.js';
import { ConfigError, loadConfigWithSources } from './config/load_config.js';
import type { LoadedConfig } from './config/load_config.js';
import { printConfig } from './config/print_config.js';
import { Daemon } from './daemon.js';
import { requestFields } from './node/call_log.js';
import { systemClock } from './clock.js';
import { closeInheritedDescriptors } from './node/inherited_descriptors.js';
import { LogRing } from './node/log_ring.js';
import { findListenerFault } from './node/listener_fault.js';
import { ServiceManager } from './node/service_manager.js';

const EXIT_USAGE = 2;
const here = path.dirname(fileURLToPath(import.meta.url));
const { version } = packageJson;

async function main(loaded: LoadedConfig): Promise<void> {
  tuneForPictures();
  const { config } = loaded;
  const logs = new LogRing();
  const settings = new ConfigInForce(loaded, readConfig);
  const logger = createLogger('alirtcd', config['log-level'], requestFields, logs.tee(standardError()));
  closeInheritedDescriptors(logger);
  const [protoRoot, consoleFolder] = [path.join(here, '..', 'proto'), path.join(here, '..', 'console')];
  const manager = ServiceManager.find({
    environment: process.env,
    logger,
    clock: systemClock,
    findFault: () => findListenerFault(daemon.listening),
  });
  const onClosing = (): void => manager?.stopping();
  const daemon = new Daemon({ config, version, protoRoot, consoleFolder, logger, logs, settings, onClosing });
  let signals = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    signals += 1;
    logger.info({ signal }, signals === 1 ? 'stopping' : 'stopping at once');
    if (signals === 1) {
      const seconds = daemon.drain(`the daemon got ${signal}`);
      if (seconds > 0) manager?.draining(seconds);
    }
    // Engines leave now instead of at the deadline.
    else if (daemon.state === 'ready') void daemon.close();
    else daemon.hurry();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, onSignal);
  process.on('SIGHUP', () => reload(daemon, settings, logger, manager));
  process.on('unhandledRejection', (error) => logger.error({ err: error }, 'unhandled rejection: a defect'));
  try {
    await daemon.start();
  } catch (error) {
    if (signals > 0) return;
    throw error;
  }
  const { listening, channelServerUrl = '', consoleUrl, httpUrl } = daemon;
  const ready = {
    ready: true,
    listen: listening,
    channelServerUrl,
    console: consoleUrl,
    http: httpUrl,
    pid: process.pid,
  };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
  logger.info({ listening, channelServerUrl, console: consoleUrl }, 'ready');
  // It may be closing already.
  if (daemon.state === 'ready') await manager?.start();
  await daemon.done;
  await manager?.close();
}

/** SIGHUP. A configuration that is wrong changes nothing. */
function reload(daemon: Daemon, settings: ConfigInForce, logger: Logger, manager: ServiceManager | undefined): void {
  manager?.reloading();
  try {
    const next = readConfig();
    const changes = daemon.reload(next.config);
    settings.take(next, changes);
    logger.info({ changes: changes.length }, 'configuration read again');
    manager?.reloaded('ready');
  } catch (error) {
    logger.error({ reason: messageOf(error) }, 'the configuration was not taken: it stays as it was');
    manager?.reloaded('ready; the new configuration is wrong and was not taken: see the log');
  }
}

function readConfig(): LoadedConfig {
  return loadConfigWithSources(process.argv.slice(2), version, { environment: process.env, here });
}

function configAtStart(): LoadedConfig {
  try {
    const loaded = readConfig();
    if (!loaded.printOnly) return loaded;
    process.stdout.write(`${printConfig(loaded)}\n`);
    process.exit(0);
  } catch (error) {
    // --help and --version end so too.
    if (error instanceof CommanderError && error.exitCode === 0) process.exit(0);
    if (!(error instanceof CommanderError) && !(error instanceof ConfigError)) throw error;
    process.stderr.write(`alirtcd: ${error.message.replace(/^error: /, '')}\n`);
    process.exit(EXIT_USAGE);
  }
}

main(configAtStart()).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`alirtcd: cannot start: ${messageOf(error)}\n`);
    process.exit(1);
  },
);
