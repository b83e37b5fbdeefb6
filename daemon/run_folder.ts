import { mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/**
 * A new folder that only the daemon's user may enter: for keys and sockets while the daemon runs. Below the service manager's runtime folder where there is one (systemd.exec(5)): a unit
 * with PrivateTmp has a /tmp of its own, in which no client would find a socket.
 */
export function makeRunFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const [runtime] = (environment['RUNTIME_DIRECTORY'] ?? '').split(':');
  return mkdtempSync(path.join(runtime || os.tmpdir(), 'alirtcd-'));
}
