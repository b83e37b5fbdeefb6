import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { messageOf } from '../../../common/errors.js';
import { createLogger } from '../../../common/logger.js';
import type { Config } from '../../../daemon/config/schema.js';
import { AppKeys } from '../../../daemon/node/app_keys.js';
import { ChannelServerChild } from '../../../daemon/node/channel_server_child.js';
import { probeServer } from './channel_server_probe.js';
import type { ServerProbe } from './channel_server_probe.js';

export interface EmbeddedFacts {
  /** The executable. */
  file: string;
  /** Why it did not start. */
  error?: string;
  readyMs?: number;
  probe?: ServerProbe;
}

const READY_MS = 5_000;

/** Starts the channel server that the daemon would start, on a port and with keys of its own, and ends it again. */
export async function tryEmbedded(config: Config): Promise<EmbeddedFacts> {
  const file = config['builtin-channel-server'];
  const folder = await mkdtemp(path.join(os.tmpdir(), 'alirtc-doctor-'));
  const beginMs = performance.now();
  const logger = createLogger('doctor', 'silent');
  const keys = new AppKeys(undefined, folder, logger);
  const server = new ChannelServerChild({ path: file, keysFile: keys.file, logger, readyTimeoutMs: READY_MS });
  try {
    await server.start();
    const readyMs = Math.round(performance.now() - beginMs);
    return { file, readyMs, probe: await probeServer(server.url ?? '', [...keys.keys][0]) };
  } catch (error) {
    return { file, error: messageOf(error) };
  } finally {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}
