import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf } from '../../common/errors.js';
import type { Logger } from '../../common/logger.js';

const TIMEOUT_MS = 5_000;

/**
 * Nothing of this process, which holds keys, and of those that it starts is written to disk when they crash: the soft limit is 0 from now on (getrlimit(2)). The hard
 * one stays, so that a core process may be allowed to.
 */
export async function forbidCoreDumps(logger: Logger): Promise<void> {
  try {
    await promisify(execFile)('prlimit', ['--pid', String(process.pid), '--core=0:'], { timeout: TIMEOUT_MS });
  } catch (error) {
    logger.warn({ reason: messageOf(error) }, 'core dumps could not be forbidden (prlimit of util-linux is needed)');
  }
}
