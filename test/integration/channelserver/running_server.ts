import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { AccessToken, type VideoGrant } from 'livekit-server-sdk';

const BINARY = fileURLToPath(new URL('../../../dist/bin/alirtc-channelserver', import.meta.url));
export const APP_ID = 'testapp';
export const APP_KEY = 'a-key-that-only-tests-know-0123456789';
export const KEYS = new Map([[APP_ID, APP_KEY]]);

/** The two ways to join: the arguments by which the server has only this one for clients that know both. */
export const PATHS = [
  { path: '/rtc/v1', connections: 'single', args: [] },
  { path: '/rtc', connections: 'dual', args: ['--no-single-connection'] },
] as const;

/** The built channel server in a process of its own: `await using server = await RunningServer.start()`. */
export class RunningServer implements AsyncDisposable {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly stdoutLines: string[] = [];
  readonly stderrLines: string[] = [];
  readonly #folder: string;
  url = '';

  private constructor(args: readonly string[]) {
    this.#folder = mkdtempSync(path.join(tmpdir(), 'channelserver-'));
    const keyFile = path.join(this.#folder, 'keys.yaml');
    writeFileSync(keyFile, `${APP_ID}: ${APP_KEY}\n`, { mode: 0o600 });
    this.child = spawn(process.execPath, [BINARY, '--keys', keyFile, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    createInterface({ input: this.child.stdout }).on('line', (line) => this.stdoutLines.push(line));
    createInterface({ input: this.child.stderr }).on('line', (line) => this.stderrLines.push(line));
  }

  static async start(args: readonly string[] = []): Promise<RunningServer> {
    const server = new RunningServer(args);
    const line = await new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the server did not start in 10 s')), 10_000);
      createInterface({ input: server.child.stdout }).once('line', (first) => (clearTimeout(timer), resolve(first)));
      server.child.once('exit', () => reject(new Error(`the server ended: ${server.stderrLines.join('\n')}`)));
    });
    server.url = (JSON.parse(line) as { url: string }).url;
    return server;
  }

  /** By how many connections each identity joined, of the log: in the order of the joins. */
  get joins(): { identity: string; connections: string }[] {
    return this.stderrLines.flatMap((line) => {
      if (!line.startsWith('{')) return [];
      const { msg, identity, connections } = JSON.parse(line) as Record<string, string>;
      return msg === 'joined' ? [{ identity: identity ?? '', connections: connections ?? '' }] : [];
    });
  }

  /** Whether its log has the message. */
  says(message: string): boolean {
    return this.stderrLines.some((line) => line.includes(`"msg":"${message}"`));
  }

  get httpUrl(): string {
    return this.url.replace(/^ws/, 'http');
  }

  /** Ends it by closing what `how` says and resolves with its exit code. */
  async end(how: NodeJS.Signals | 'stdin' = 'SIGTERM'): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const exited = once(this.child, 'exit');
    if (how === 'stdin') this.child.stdin.end();
    else this.child.kill(how);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 8000);
    const [code] = (await exited) as [number | null];
    clearTimeout(timer);
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export interface TokenOptions {
  grant?: VideoGrant;
  name?: string;
  attributes?: Record<string, string>;
  ttlSeconds?: number;
  appId?: string;
  appKey?: string;
}

/** A LiveKit token of the test's app for a room and identity. */
export function tokenFor(room: string, identity: string, options: TokenOptions = {}): Promise<string> {
  const token = new AccessToken(options.appId ?? APP_ID, options.appKey ?? APP_KEY, {
    identity,
    ttl: options.ttlSeconds ?? 600,
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.attributes === undefined ? {} : { attributes: options.attributes }),
  });
  token.addGrant({ roomJoin: true, room, canUpdateOwnMetadata: true, ...options.grant });
  return token.toJwt();
}
