import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { APP_ID, APP_KEY, BIN } from '../../support/running_daemon.js';

const START_TIMEOUT_MS = 15_000;
const BAD_NETWORK = new URL('../../support/bad_network.mjs', import.meta.url).href;

/** Per cent of the media packets that are lost on their way to the server and from it, and how much later everything comes, each way. */
export interface NetworkSettings {
  inPercent: number;
  outPercent: number;
  delayMs: number;
}

/** The channel server in a process of the test's own, which it can end, stop and start again on the same port. */
export class ServerProcess implements AsyncDisposable {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'channelserver-'));
  #child: ChildProcessByStdio<null, Readable, null> | undefined;
  #port = 0;

  private constructor(private readonly network: NetworkSettings | undefined) {}

  /** With network settings its UDP is as bad as they say (test/support/bad_network.mjs). */
  static async start(network?: NetworkSettings): Promise<ServerProcess> {
    const server = new ServerProcess(network);
    if (network !== undefined) server.#writeNetwork(network);
    writeFileSync(path.join(server.#folder, 'keys.yaml'), `${APP_ID}: ${APP_KEY}\n`, { mode: 0o600 });
    await server.start();
    return server;
  }

  get port(): number {
    return this.#port;
  }

  /** Nothing happens when it runs. */
  async start(): Promise<void> {
    if (this.#child?.exitCode === null && this.#child.signalCode === null) return;
    const args = ['--keys', path.join(this.#folder, 'keys.yaml'), '--port', String(this.#port)];
    const child = spawn(process.execPath, [path.join(BIN, 'alirtc-channelserver'), ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, ...this.#environment() },
    });
    this.#child = child;
    const line = await new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the channel server does not start')), START_TIMEOUT_MS);
      createInterface({ input: child.stdout }).once('line', (first) => (clearTimeout(timer), resolve(first)));
      child.once('exit', (code) => (clearTimeout(timer), reject(new Error(`the channel server ended with ${code}`))));
    });
    this.#port = Number(new URL((JSON.parse(line) as { url: string }).url).port);
  }

  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 8000);
    await exited;
    clearTimeout(timer);
  }

  /** Only of a server that was started with network settings. */
  setNetwork(network: NetworkSettings): void {
    this.#writeNetwork(network);
    this.#child?.kill('SIGUSR2');
  }

  #writeNetwork(network: NetworkSettings): void {
    writeFileSync(path.join(this.#folder, 'network.json'), JSON.stringify(network));
  }

  #environment(): Record<string, string> {
    if (this.network === undefined) return {};
    return { NODE_OPTIONS: `--import ${BAD_NETWORK}`, BAD_NETWORK: path.join(this.#folder, 'network.json') };
  }

  /** Deaf and mute, and alive again. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.resume();
    await this.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The way to the signalling port, which can be cut and opened again; media does not go over it. */
export class Wire implements AsyncDisposable {
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;

  constructor(private readonly target: () => number) {}

  get url(): string {
    return `ws://127.0.0.1:${this.#port}`;
  }

  /** Nothing happens when it is open. */
  async open(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer((socket) => {
      const other = connect(this.target(), '127.0.0.1');
      const ways: [Socket, Socket][] = [
        [socket, other],
        [other, socket],
      ];
      for (const [from, to] of ways) {
        this.#sockets.add(from);
        from.on('error', () => to.destroy()).on('close', () => (this.#sockets.delete(from), to.destroy()));
        from.pipe(to);
      }
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
  }

  async cut(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = server === undefined ? undefined : once(server, 'close');
    server?.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
  }
}
