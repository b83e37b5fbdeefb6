import { parseArgs } from 'node:util';
import { createLogger } from '../common/logger.js';
import { messageOf } from '../common/errors.js';
import { readKeyFile } from '../common/token/key_file.js';
import { transportsOn } from './forward/transports.js';
import { parseLimits, USAGE } from './command_line.js';
import { DEFAULT_TIMING } from './limits.js';
import { ChannelServer } from './server.js';

const logger = createLogger('channelserver');

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '0' },
      keys: { type: 'string' },
      limit: { type: 'string', multiple: true, default: [] },
      'no-single-connection': { type: 'boolean', default: false },
      'exit-with-stdin': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stderr.write(USAGE);
    return;
  }
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error('--port is a number from 0 to 65535');
  if (values.keys === undefined) throw new Error('--keys names the file of app ids and app keys');
  const file = values.keys;
  const keys = readKeyFile(file);
  const server = new ChannelServer({
    host: values.host,
    port,
    keys,
    limits: parseLimits(values.limit),
    timing: DEFAULT_TIMING,
    transports: await transportsOn(values.host),
    singleConnection: !values['no-single-connection'],
    logger,
  });
  const stop = (why: string): void => {
    logger.info({ why }, 'ending');
    void server.close();
  };
  process.on('SIGHUP', () => rereadKeys(keys, file));
  process.once('SIGTERM', () => stop('SIGTERM'));
  process.once('SIGINT', () => stop('SIGINT'));
  if (values['exit-with-stdin']) {
    process.stdin.once('end', () => stop('standard input closed'));
    process.stdin.once('error', () => stop('standard input broke'));
    process.stdin.resume();
  }
  await server.start();
  // Who reads this line may end us at once, so everything that ends us is in place before.
  process.stdout.write(`${JSON.stringify({ url: server.url })}\n`);
  logger.info({ url: server.url }, 'listening');
  await server.done;
}

/** For joins from now on; a file that is wrong leaves the keys as they are. */
function rereadKeys(keys: Map<string, string>, file: string): void {
  try {
    const next = readKeyFile(file);
    keys.clear();
    for (const [appId, appKey] of next) keys.set(appId, appKey);
    logger.info({ appIds: keys.size }, 'the key file was read again');
  } catch (error) {
    logger.error({ reason: messageOf(error) }, 'the key file was not taken');
  }
}

// The WebRTC library leaves promises and sockets of single connections alone; they end with their participant, not with everybody.
process.on('unhandledRejection', (error) => logger.error({ reason: messageOf(error) }, 'unhandled rejection'));
process.on('uncaughtException', (error) => logger.error({ error, reason: error.message }, 'uncaught exception'));

main().then(
  () => process.exit(0),
  (error: unknown) => {
    logger.fatal({ reason: messageOf(error) }, 'cannot start');
    process.exit(1);
  },
);
