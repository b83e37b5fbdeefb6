import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { encodeToken, tokenHash } from '../../../common/token/alirtc_token.js';
import type { Callback, CallbackName } from '../../../coreservice/ipc/callbacks.js';
import type { CommandFields, CommandName, JoinConfigFields } from '../../../coreservice/ipc/commands.js';
import { HostConnection } from '../../../coreservice/ipc/host_connection.js';

const BIN = fileURLToPath(new URL('../../../dist/bin/', import.meta.url));
const WAIT_MS = 15_000;
export const APP_ID = 'core-test';
const APP_KEY = 'core-test-key-of-at-least-32-characters';

/** The first line of a child's standard output that matches. Rejects when the child ends or the deadline passes. */
function lineOf(child: ChildProcess, pattern: RegExp): Promise<RegExpMatchArray> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no line like ${pattern} within ${WAIT_MS} ms`)), WAIT_MS);
    if (child.stdout === null) throw new Error('no standard output');
    createInterface(child.stdout).on('line', (line) => {
      const match = line.match(pattern);
      if (match === null) return;
      clearTimeout(timer);
      resolve(match);
    });
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`ended with ${code} before a line like ${pattern}`));
    });
  });
}

/** A core service process. */
export class CoreUnderTest implements AsyncDisposable {
  readonly exited: Promise<number | null>;
  /** Its log, for the message of a failed test. */
  stderr = '';

  private constructor(
    readonly child: ChildProcess,
    readonly port: number,
    readonly readyMs: number,
  ) {
    this.exited = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
    child.stderr?.on('data', (data: Buffer) => (this.stderr += data.toString()));
  }

  static async start(env: NodeJS.ProcessEnv = {}): Promise<CoreUnderTest> {
    const startedAt = performance.now();
    const child = spawn(path.join(BIN, 'AliRtcCoreService'), ['0'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    const [, port] = await lineOf(child, /^Bind port: (\d+)$/);
    return new CoreUnderTest(child, Number(port), performance.now() - startedAt);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await this.exited;
  }
}

/** A core with a host, as the daemon is one: everything it says is kept in order. */
export class HostedCore implements AsyncDisposable {
  readonly callbacks: Callback[] = [];
  readonly #waiters = new Set<() => void>();

  private constructor(
    readonly core: CoreUnderTest,
    readonly connection: HostConnection,
  ) {
    connection.on('callback', (callback) => {
      this.callbacks.push(callback);
      for (const check of [...this.#waiters]) check();
    });
  }

  static async start(options: { extra?: string; env?: NodeJS.ProcessEnv } = {}): Promise<HostedCore> {
    const core = await CoreUnderTest.start(options.env);
    const hosted = new HostedCore(core, await HostConnection.connect({ port: core.port }));
    hosted.send('CREATE_RTC_ENGINE', { logPath: '/tmp', h5mode: false, extra: options.extra ?? '{}' });
    return hosted;
  }

  send<N extends CommandName>(name: N, fields: CommandFields<N>, payload?: Uint8Array): void {
    this.connection.send(name, fields, payload);
  }

  /** All of one kind so far. */
  of<N extends CallbackName>(name: N): Extract<Callback, { name: N }>[] {
    return this.callbacks.filter((one): one is Extract<Callback, { name: N }> => one.name === name);
  }

  /** The first callback of that kind that fits, past or future. */
  async until<N extends CallbackName>(
    name: N,
    fits: (callback: Extract<Callback, { name: N }>) => boolean = () => true,
    timeoutMs = WAIT_MS,
  ): Promise<Extract<Callback, { name: N }>> {
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(check);
        const seen = this.callbacks.filter((one) => one.payload === undefined).map((one) => one.name);
        reject(new Error(`no ${name} within ${timeoutMs} ms; there were ${seen.join(', ')}\n${this.core.stderr}`));
      }, timeoutMs);
      const check = (): void => {
        const found = this.of(name).find(fits);
        if (found === undefined) return;
        clearTimeout(timer);
        this.#waiters.delete(check);
        resolve(found);
      };
      this.#waiters.add(check);
      check();
    });
  }

  async destroy(): Promise<number | null> {
    this.send('DESTROY_ENGINE', {});
    return this.core.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.connection.destroy();
    await this.core[Symbol.asyncDispose]();
  }
}

/** An embedded channel server of its own. */
export class ChannelServerUnderTest implements AsyncDisposable {
  private constructor(
    readonly child: ChildProcess,
    readonly url: string,
    private readonly folder: string,
  ) {}

  static async start(): Promise<ChannelServerUnderTest> {
    const folder = mkdtempSync(path.join(tmpdir(), 'alirtc-core-test-'));
    const keys = path.join(folder, 'keys.yaml');
    writeFileSync(keys, `${APP_ID}: ${APP_KEY}\n`, { mode: 0o600 });
    const child = spawn(path.join(BIN, 'alirtc-channelserver'), ['--keys', keys, '--port', '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ALIRTCD_LOG_LEVEL: 'error' },
    });
    const [, url = ''] = await lineOf(child, /"url":"([^"]+)"/);
    return new ChannelServerUnderTest(child, url, folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGTERM');
      await once(this.child, 'exit');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function tokenFor(channel: string, userId: string, lifetimeSeconds = 3600): string {
  const timestamp = Math.floor(Date.now() / 1000) + lifetimeSeconds;
  const auth = { appId: APP_ID, channel, userId, nonce: '', timestamp };
  return encodeToken(auth, tokenHash(auth, APP_KEY));
}

export function hashFor(channel: string, userId: string, nonce: string, timestamp: number): string {
  return tokenHash({ appId: APP_ID, channel, userId, nonce, timestamp }, APP_KEY);
}

/** Communication, everything automatic, no sound or pictures unless demanded. */
export function joinConfig(changes: Partial<JoinConfigFields> = {}): JoinConfigFields {
  return {
    isAudioOnly: false,
    channelProfile: 0,
    publishMode: 0,
    subscribeMode: 0,
    publishAvsyncMode: 0,
    publishAvsyncWithPtsMaxAudioCacheSize: 300,
    publishAvsyncWithPtsMaxVideoCacheSize: 100,
    subscribeVideoFormat: 0,
    subscribeAudioFormat: 0,
    ttsVad: false,
    ...changes,
  };
}

/** Joins with a token made for it; fails the test when the join fails. */
export async function joinAs(
  host: HostedCore,
  userid: string,
  channel: string,
  config: Partial<JoinConfigFields> = {},
): Promise<void> {
  host.send('JOIN_CHANNEL_V2', {
    token: tokenFor(channel, userid),
    channel,
    userid,
    username: userid,
    config: joinConfig(config),
  });
  const { fields } = await host.until('JOIN_RESULT');
  if (fields.joinresult !== 0)
    throw new Error(`${userid} could not join: ${JSON.stringify(fields)}\n${host.core.stderr}`);
}
