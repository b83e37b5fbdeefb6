import { createLogger, type Logger } from '../../common/logger.js';
import { AlirtcError } from '../../common/errors.js';
import type { CoreConnection } from '../ipc/core_connection.js';
import { listenForHost } from '../ipc/core_listener.js';

const NO_HOST_MS = 10_000;
/** The launcher's way to have everything loaded and compiled once, for its code cache. */
const LOAD_ONLY = '--load-only';
/** `alirtc doctor`: one line of JSON, the result of each codec by its name. */
const SELF_TEST = '--self-test';

/**
 * The core service process: `AliRtcCoreService <port>`. It serves one host and ends after DESTROY_ENGINE, when the socket closes, on SIGTERM, and when no host
 * comes. What it needs for media is loaded after the port is told: the host connects meanwhile.
 */
async function main(argument: string | undefined, logger: Logger): Promise<void> {
  if (argument === LOAD_ONLY) {
    await import('./engine_parts.js');
    return;
  }
  if (argument === SELF_TEST) {
    const { testCodecs } = await import('../codec/self_test.js');
    process.stdout.write(`${JSON.stringify(await testCodecs())}\n`);
    return;
  }
  const port = Number(argument);
  if (argument === undefined || !Number.isInteger(port) || port < 0 || port > 65_535) {
    logger.fatal({ argument }, 'usage: AliRtcCoreService <port>');
    process.exitCode = 2;
    return;
  }
  let hosted = false;
  const terminated = new Promise<'signal'>((resolve) => {
    process.once('SIGTERM', () => resolve('signal'));
    // Ctrl-C reaches every process of the terminal. With a host it is the host's: that leaves the channel first, and ends us in order.
    process.on('SIGINT', () => {
      if (!hosted) resolve('signal');
    });
  });
  const listener = await listenForHost(port, { acceptTimeoutMs: NO_HOST_MS });
  process.stdout.write(`Bind port: ${listener.port}\n`);
  const { createEngine } = await import('./engine_parts.js');
  const connection = await Promise.race([listener.accept(), terminated]).catch((error: unknown) => {
    if (!(error instanceof AlirtcError)) throw error;
    logger.error({ reason: error.reason }, error.message);
    return 'nobody' as const;
  });
  if (connection === 'signal' || connection === 'nobody') {
    listener.close();
    process.exitCode = connection === 'nobody' ? 3 : 0;
    return;
  }
  hosted = true;
  const engine = createEngine(connection, logger);
  connection.on('command', (command) => engine.handle(command));
  const cause = await Promise.race([
    terminated,
    engine.destroyed.then(() => 'destroyed' as const),
    closedOf(connection),
  ]);
  logger.info({ cause }, 'ending');
  await engine.close();
  await connection.close();
}

function closedOf(connection: CoreConnection): Promise<string> {
  return new Promise((resolve) => connection.on('closed', (end) => resolve(end.kind)));
}

const logger = createLogger('core');
process.on('uncaughtException', (error) => {
  logger.fatal({ err: error }, 'a defect: the core service ends');
  process.exit(1);
});
void main(process.argv[2], logger).then(
  () => {
    if (process.argv[2] !== LOAD_ONLY) process.exit();
  },
  (error: unknown) => {
    logger.fatal({ err: error }, 'the core service cannot start');
    process.exit(1);
  },
);
