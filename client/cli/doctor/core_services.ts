import { constants } from 'node:fs';
import { access, mkdtemp, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { AlirtcError, messageOf } from '../../../common/errors.js';
import { createLogger } from '../../../common/logger.js';
import { CoreProcess } from '../../../daemon/engine/core_process.js';
import { PortRange } from '../../../daemon/engine/port_range.js';
import { failure, ok, warning } from './check.js';
import type { Check, DoctorContext, Finding } from './check.js';

export interface CoreFacts {
  path: string;
  /** Ours, beside the daemon. */
  isBuiltin: boolean;
  /** Of this command. */
  version: string;
  /** Why it could not be started or gave no answer, and what to do when that is known. */
  error?: { text: string; remedy?: string | undefined };
  /** There, but nobody may execute it. */
  isNotExecutable?: boolean;
  /** From the spawn to the connection. */
  readyMs?: number;
  sdkVersion?: string;
}

const READY_MS = 5_000;
const ANSWER_MS = 3_000;
/** Engines that take longer annoy; measured: 0.17 s. */
const SLOW_MS = 2_000;
const LADDER = { destroyMs: 500, closeMs: 250, termMs: 250, killMs: 1_000 };

export const coreServices: Check = { name: 'core service', run: look };

async function look(context: DoctorContext): Promise<Finding[]> {
  const { config } = context;
  const files = [config['builtin-core-service'], ...config['core-service']];
  const facts = await Promise.all(files.map((file, index) => tryCore(file, index === 0, context)));
  return facts.flatMap(judgeCore);
}

async function tryCore(file: string, isBuiltin: boolean, context: DoctorContext): Promise<CoreFacts> {
  const facts = { path: file, isBuiltin, version: context.version };
  const found = await stat(file).catch(() => undefined);
  const mayExecute = await access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
  // The daemon would make it executable; who only looks changes nothing.
  if (found?.isFile() === true && !mayExecute) return { ...facts, isNotExecutable: true };
  const workFolder = await mkdtemp(path.join(os.tmpdir(), 'alirtc-doctor-'));
  const { 'core-port-low': low, 'core-port-high': high } = context.config;
  const core = new CoreProcess({
    path: file,
    ports: new PortRange({ low, high }),
    workFolder,
    logger: createLogger('doctor', 'silent'),
    readyTimeoutMs: READY_MS,
    ladder: LADDER,
  });
  const kill = (): void => core.kill();
  context.signal.addEventListener('abort', kill, { once: true });
  const beginMs = performance.now();
  try {
    await core.start();
    const readyMs = Math.round(performance.now() - beginMs);
    return { ...facts, readyMs, sdkVersion: await askVersion(core, workFolder) };
  } catch (error) {
    return {
      ...facts,
      error: { text: messageOf(error), remedy: error instanceof AlirtcError ? error.remedy : undefined },
    };
  } finally {
    await core.close();
    context.signal.removeEventListener('abort', kill);
    await rm(workFolder, { recursive: true, force: true });
  }
}

function askVersion(core: CoreProcess, logPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`it runs, but does not answer GET_SDK_VERSION in ${ANSWER_MS / 1000} s: it hangs`)),
      ANSWER_MS,
    );
    const { connection } = core;
    connection.on('callback', (callback) => {
      if (callback.name !== 'SDK_VERSION') return;
      clearTimeout(timer);
      resolve(callback.fields.sdkVersion);
    });
    void core.lost.then((cause) => {
      clearTimeout(timer);
      reject(cause.kind === 'failed' ? cause.error : new Error('it ended'));
    });
    connection.send('CREATE_RTC_ENGINE', { logPath, h5mode: false, extra: '{}' });
    connection.send('GET_SDK_VERSION', {});
  });
}

export function judgeCore({
  path: file,
  isBuiltin,
  version,
  error,
  isNotExecutable,
  readyMs,
  sdkVersion,
}: CoreFacts): Finding[] {
  const name = isBuiltin ? 'builtin' : file;
  if (isNotExecutable === true)
    return [warning(`${name}: ${file} is not executable; alirtcd makes it so when it may`, `chmod +x ${file}`)];
  if (error !== undefined || sdkVersion === undefined || readyMs === undefined)
    return [
      failure(
        `${name}: ${error?.text ?? 'no answer'}`,
        isBuiltin
          ? 'install the package again, and see that its user may execute the file'
          : `correct core-service: it has to name a core service of this machine's architecture, with its libraries beside it, and speak its IPC`,
      ),
    ];
  const text = `${name}: ready in ${readyMs} ms, version ${sdkVersion}`;
  if (isBuiltin && !sdkVersion.endsWith(`alirtcd.${version}`))
    return [warning(`${text}: not of this alirtc, ${version}`, 'install daemon and core of one version')];
  if (readyMs > SLOW_MS)
    return [warning(`${text}: slow`, 'engines take as long; look at load and disk of the machine, or set warm-cores')];
  return [ok(text)];
}
