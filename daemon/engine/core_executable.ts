import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { access, chmod, constants, mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { AlirtcError, messageOf } from '../../common/errors.js';

export type CoreChild = ChildProcessByStdio<null, Readable, Readable>;

export interface SpawnOptions {
  /** The core service's executable. */
  path: string;
  /** The port that it is asked to listen on. */
  port: number;
  /** Its working folder. */
  workFolder: string;
  /** Variables beyond the few that are passed on. */
  environment?: Readonly<Record<string, string>>;
  /** Lifts the core-dump limit as far as the daemon may, as the vendor's host does. */
  coreDumps?: boolean;
}

/** All that a core service sees of the daemon's environment. */
const PASSED_ON = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'NODE_EXTRA_CA_CERTS'];
/** exec keeps the process id, so the signals of the kill ladder reach the core itself. */
const LIFT_LIMIT = 'ulimit -c unlimited 2>/dev/null || ulimit -c "$(ulimit -H -c)"; exec "$@"';

function refuse(errorClass: 'invalid_argument' | 'failed_precondition', file: string, text: string, cause?: unknown) {
  return new AlirtcError(errorClass, `core service ${file}: ${text}`, {
    reason: 'BAD_CORE_SERVICE',
    field: 'core_service_path',
    value: file,
    remedy: 'have the operator correct the core service that is configured under this path',
    ...(cause === undefined ? {} : { cause }),
  });
}

/**
 * Makes the file executable when it is not, and makes the working folder.
 * Rejects with invalid_argument when there is no such file, with failed_precondition when it cannot be executed or the folder cannot be made.
 */
export async function prepareToSpawn(file: string, workFolder: string): Promise<void> {
  const info = await stat(file).catch((error: unknown) => {
    throw refuse('invalid_argument', file, 'there is no such file', error);
  });
  if (!info.isFile()) throw refuse('invalid_argument', file, 'is not a file');
  try {
    await access(file, constants.X_OK);
  } catch {
    await chmod(file, info.mode | 0o111).catch((error: unknown) => {
      throw refuse('failed_precondition', file, `is not executable: ${messageOf(error)}`, error);
    });
  }
  await mkdir(workFolder, { recursive: true }).catch((error: unknown) => {
    throw new AlirtcError('failed_precondition', `working folder ${workFolder}: ${messageOf(error)}`, {
      reason: 'BAD_WORK_FOLDER',
      value: workFolder,
      remedy: 'have the operator make it a folder that the daemon can write',
      cause: error,
    });
  });
}

function cleanEnvironment(options: SpawnOptions): Record<string, string> {
  const passedOn = PASSED_ON.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const libraries = [path.dirname(path.resolve(options.path)), process.env['LD_LIBRARY_PATH'] ?? ''];
  return {
    ...Object.fromEntries(passedOn),
    LD_LIBRARY_PATH: libraries.filter((folder) => folder !== '').join(':'),
    // glibc's arena for each thread keeps 5 to 10 MB that nobody needs in a process whose work is on one thread at a time.
    MALLOC_ARENA_MAX: '2',
    ...options.environment,
  };
}

/**
 * Starts `<path> <port>`. Its standard input is empty, it inherits no descriptors, and it stays in the daemon's process group.
 * Throws failed_precondition when the system refuses at once; otherwise it shows as the event "error".
 */
export function spawnCore(options: SpawnOptions): CoreChild {
  const file = path.resolve(options.path);
  const words = [file, String(options.port)];
  const [command, ...args] = options.coreDumps ? ['/bin/sh', '-c', LIFT_LIMIT, 'sh', ...words] : words;
  try {
    return spawn(command ?? file, args, {
      cwd: options.workFolder,
      env: cleanEnvironment(options),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: false,
    });
  } catch (error) {
    throw cannotExecute(options.path, error);
  }
}

/** The system could not execute the file: a missing interpreter, another architecture, no permission. */
export function cannotExecute(file: string, cause: unknown): AlirtcError {
  return refuse('failed_precondition', file, `cannot be executed: ${messageOf(cause)}`, cause);
}
