import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { readKeyFile } from '../../common/token/key_file.js';

/** The app ids and keys, and the file of them that a channel server may read. Without a file of the operator's: one random pair, in the run folder. */
export function prepareKeys(
  keysFile: string | undefined,
  runFolder: string,
): { keys: Map<string, string>; file: string } {
  if (keysFile !== undefined) return { keys: readKeyFile(keysFile), file: keysFile };
  const appId = `app_${randomBytes(6).toString('hex')}`;
  const appKey = randomBytes(32).toString('hex');
  const file = path.join(runFolder, 'keys.yaml');
  writeFileSync(file, `${appId}: ${appKey}\n`, { mode: 0o600, flag: 'wx' });
  return { keys: new Map([[appId, appKey]]), file };
}
