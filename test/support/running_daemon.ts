import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { clusterFlags } from './cluster_nodes.js';

export const BIN = fileURLToPath(new URL('../../dist/bin/', import.meta.url));
export const APP_ID = 'testapp';
export const APP_KEY = 'testkey-0123456789abcdef0123456789abcdef';

export interface DaemonReady {
  ready: true;
  listen: string[];
  channelServerUrl: string;
  /** Undefined: it is off. */
  console?: string;
  /** Undefined: it is off. */
  http?: string;
  pid: number;
}

export interface RunningDaemon extends AsyncDisposable {
  /** unix:/path */
  address: string;
  ready: DaemonReady;
  child: ChildProcess;
  folder: string;
  /** The last lines of its log. */
  log(): string[];
  /** SIGTERM, awaited; gives the exit code. Kills after 15 s and says so by the code. */
  stop(): Promise<number | string>;
}

/** Starts the built daemon, at the cluster of ALIRTC_TEST_CLUSTER when there is one, with a Unix socket and a key file in a folder of its own; everything ends with stop(). `prefix` stands in front of the command, which has to stay the same process. */
export async function startDaemon(
  options: { args?: string[]; env?: Record<string, string>; prefix?: readonly string[] } = {},
): Promise<RunningDaemon> {
  const folder = await mkdtemp(path.join(tmpdir(), 'alirtcd-test-'));
  const keys = path.join(folder, 'keys.yaml');
  await writeFile(keys, `${APP_ID}: ${APP_KEY}\n`, { mode: 0o600 });
  const address = `unix:${folder}/alirtcd.sock`;
  const more = options.args ?? [];
  const args = [
    '--listen',
    address,
    '--keys',
    keys,
    '--log-root',
    path.join(folder, 'log'),
    '--http-listen',
    '127.0.0.1:0',
    ...clusterFlags(more),
    ...more,
  ];
  const [command = '', ...words] = [
    ...(options.prefix ?? []),
    process.execPath,
    path.join(BIN, 'alirtcd.mjs'),
    ...args,
  ];
  const child = spawn(command, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  const lines: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line);
    if (lines.length > 2000) lines.shift();
  });
  const stop = async (): Promise<number | string> => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await exited;
      clearTimeout(timer);
    }
    await rm(folder, { recursive: true, force: true });
    return child.exitCode ?? child.signalCode ?? 'unknown';
  };
  try {
    const ready = await readyLine(child, lines);
    return {
      address,
      ready,
      child,
      folder,
      log: () => lines,
      stop,
      [Symbol.asyncDispose]: async () => void (await stop()),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function readyLine(child: ChildProcess, log: string[]): Promise<DaemonReady> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`the daemon is not ready after 15 s:\n${log.slice(-20).join('\n')}`)),
      15_000,
    );
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`the daemon ended with ${code}:\n${log.slice(-20).join('\n')}`));
    });
    if (child.stdout === null) throw new Error('the daemon has no standard output');
    createInterface({ input: child.stdout }).on('line', (line) => {
      const message = JSON.parse(line) as DaemonReady;
      clearTimeout(timer);
      if (message.ready) resolve(message);
    });
  });
}
