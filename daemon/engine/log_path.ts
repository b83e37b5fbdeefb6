import { realpathSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../../common/errors.js';
import { makeFolder } from '../../common/make_folder.js';
import { refusal } from '../refusals.js';

/** As newEngineId() makes them. */
const ENGINE_ID = /^eng_[a-z2-7]{12}$/;

/** Where the core process runs: below the engine's log folder, and for itself where several engines share that one. */
export function workFolderOf(logPath: string, engineId: string): string {
  return path.join(logPath, path.basename(logPath) === engineId ? 'work' : `work-${engineId}`);
}

/** Throws an Error that names the setting. */
export function makeLogRoot(folder: string): void {
  try {
    makeFolder(folder, 0o700);
  } catch (error) {
    const text = `log-root ${folder}: ${messageOf(error)}; name a folder that can be made and written`;
    throw new Error(text, { cause: error });
  }
}

/**
 * The folder of an engine's log files, made when it is missing. It lies below the log root also when links are followed; anything else is refused
 * before something is made there. Empty: a folder named by the engine.
 */
export function engineLogPath(logRoot: string, wanted: string, engineId: string): string {
  // Names go into listings and terminals.
  if (/\p{Cc}/u.test(wanted)) throw cannotBeMade(wanted, new Error('it has control characters'));
  const root = realpathSync(logRoot);
  const real = realPathOf(path.resolve(root, wanted === '' ? engineId : wanted), wanted);
  if (real !== root && !real.startsWith(root + path.sep))
    throw refusal('invalid_argument', 'LOG_PATH_NOT_ALLOWED', "log_path: lies outside of the daemon's log root", {
      field: 'log_path',
      value: wanted.slice(0, 80),
      remedy: `leave it empty, or name a folder below ${logRoot}`,
    });
  const [first = ''] = path.relative(root, real).split(path.sep);
  if (ENGINE_ID.test(first) && first !== engineId)
    throw refusal('invalid_argument', 'LOG_PATH_NOT_ALLOWED', 'log_path: is the folder of another engine', {
      field: 'log_path',
      value: wanted.slice(0, 80),
      remedy: 'leave it empty, or name a folder that is not called as engines are',
    });
  try {
    makeFolder(real, 0o700);
  } catch (error) {
    throw cannotBeMade(wanted, error);
  }
  return real;
}

/** Of an engine that has ended: its own folders go when nothing was written into them. A log folder that a client named stays: others may work in it. */
export function removeEmptyLogPath(folder: string, engineId: string): void {
  const isOwn = path.basename(folder) === engineId;
  for (const empty of [workFolderOf(folder, engineId), ...(isOwn ? [folder] : [])])
    try {
      rmdirSync(empty);
    } catch {
      // Something lies in it, or it was never made.
    }
}

function cannotBeMade(wanted: string, error: unknown): Error {
  const text = messageOf(error).slice(0, 200);
  return refusal('invalid_argument', 'LOG_PATH_NOT_ALLOWED', `log_path: cannot be made: ${text}`, {
    field: 'log_path',
    value: wanted.slice(0, 80),
    remedy: 'leave it empty, or name a folder that can be made below the log root',
  });
}

/** A NUL, a file where a folder should be, a name that is too long: all the client's. */
function realPathOf(folder: string, wanted: string): string {
  try {
    return realPathOfPossible(folder);
  } catch (error) {
    throw cannotBeMade(wanted, error);
  }
}

/** realpath() of a path of which the last parts need not exist. */
function realPathOfPossible(wanted: string): string {
  const missing: string[] = [];
  for (let at = wanted; ; at = path.dirname(at)) {
    try {
      return path.join(realpathSync(at), ...missing);
    } catch (error) {
      // A link that leads nowhere would be followed by mkdir; only what does not exist at all may be made.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || at === path.dirname(at)) throw error;
      missing.unshift(path.basename(at));
    }
  }
}
