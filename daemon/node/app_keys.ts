import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Logger } from '../../common/logger.js';
import { readKeyFile, weakKeys } from '../../common/token/key_file.js';

/** The app ids and keys, and the file of them that a channel server may read. Without a file of the operator's: one random pair, in the run folder. */
export class AppKeys {
  readonly #keys: Map<string, string>;
  readonly #isOurs: boolean;
  readonly #logger: Logger;
  readonly file: string;

  /** Throws an Error that names the file and what is wrong, never a key. */
  constructor(keysFile: string | undefined, runFolder: string, logger: Logger) {
    this.#logger = logger;
    this.#isOurs = keysFile === undefined;
    this.file = keysFile ?? path.join(runFolder, 'keys.yaml');
    if (keysFile === undefined) {
      const appId = `app_${randomBytes(6).toString('hex')}`;
      const appKey = randomBytes(32).toString('hex');
      writeFileSync(this.file, `${appId}: ${appKey}\n`, { mode: 0o600, flag: 'wx' });
    }
    this.#keys = readKeyFile(this.file);
    this.#warnOfWeakOnes();
  }

  /** The same map always; reload() changes what is in it. */
  get keys(): ReadonlyMap<string, string> {
    return this.#keys;
  }

  /** Reads the operator's file again; true: there is something new. Throws as the constructor does, and keeps the old keys then. */
  reload(): boolean {
    if (this.#isOurs) return false;
    const next = readKeyFile(this.file);
    const isSame = JSON.stringify([...next]) === JSON.stringify([...this.#keys]);
    this.#keys.clear();
    for (const [appId, appKey] of next) this.#keys.set(appId, appKey);
    if (!isSame) this.#warnOfWeakOnes();
    return !isSame;
  }

  #warnOfWeakOnes(): void {
    const appIds = weakKeys(this.#keys);
    if (appIds.length > 0)
      this.#logger.warn(
        { appIds, file: this.file },
        'app keys of less than 32 characters: who guesses one makes tokens for every channel',
      );
  }
}
