// A host as the vendor's wrapper is one, written from the page of the IPC alone: nothing of the project's own IPC code is used here.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CALLBACKS, violationsOf } from './callback_page.js';

const CORE = fileURLToPath(new URL('../../../dist/bin/AliRtcCoreService', import.meta.url));
const UNIT_LIMIT = 65_536;
const CONNECT_ATTEMPTS = 20;
const CONNECT_PAUSE_MS = 50;
const WAIT_MS = 15_000;

export interface Said {
  request: number;
  fields: Record<string, unknown>;
  payload: Buffer;
  units: number;
  atMs: number;
}

export class ScriptedHost implements AsyncDisposable {
  readonly said: Said[] = [];
  /** Everything that the vendor's host could not have read. */
  readonly violations: string[] = [];
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #socket: net.Socket;
  readonly exited: Promise<number | null>;
  #pending = Buffer.alloc(0);
  #message: { request: number; fields: Record<string, unknown>; payload: Buffer[]; missing: number } | undefined;
  readonly #listeners = new Set<() => void>();

  private constructor(child: ChildProcess, socket: net.Socket, exited: Promise<number | null>, lines: string[]) {
    this.#child = child;
    this.#socket = socket;
    this.exited = exited;
    this.lines = lines;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => this.#read(chunk));
  }

  /** Section 1: a port that can be bound, the process, its line, up to 20 attempts to connect, CREATE_RTC_ENGINE. */
  static async start(extra: object | string, environment: Record<string, string>): Promise<ScriptedHost> {
    const wanted = await freePort();
    const child = spawn(CORE, [String(wanted)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    const lines: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => lines.push(line));
    const port = await new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no "Bind port:": ${lines.join('\n')}`)), WAIT_MS);
      createInterface({ input: child.stdout }).on('line', (line) => {
        const match = /^Bind port: (\d+)$/.exec(line);
        if (match === null) return void lines.push(line);
        clearTimeout(timer);
        resolve(Number(match[1]));
      });
    });
    const host = new ScriptedHost(child, await connect(port), exited, lines);
    host.send({
      Command: 1,
      logPath: '/tmp',
      h5mode: 0,
      extra: typeof extra === 'string' ? extra : JSON.stringify(extra),
    });
    return host;
  }

  /** Fields in their order; the payload in units of at most 65,536 bytes. */
  send(fields: Record<string, unknown>, payload?: Buffer): void {
    this.#unit(Buffer.from(JSON.stringify(fields)));
    for (let at = 0; payload !== undefined && at < payload.length; at += UNIT_LIMIT)
      this.#unit(payload.subarray(at, at + UNIT_LIMIT));
  }

  of(request: number): Said[] {
    return this.said.filter((one) => one.request === request);
  }

  /** The first callback of that number, from the index on, that fits. */
  async until(
    request: number,
    fits: (said: Said) => boolean = () => true,
    from = 0,
    timeoutMs = WAIT_MS,
  ): Promise<Said> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#listeners.delete(look);
        const numbers = [...new Set(this.said.map((one) => one.request))].join(' ');
        reject(
          new Error(`no ${request} in ${timeoutMs} ms; there were ${numbers}; ${this.lines.slice(-5).join('\n')}`),
        );
      }, timeoutMs);
      const look = (): void => {
        const found = this.said.slice(from).find((one) => one.request === request && fits(one));
        if (found === undefined) return;
        clearTimeout(timer);
        this.#listeners.delete(look);
        resolve(found);
      };
      this.#listeners.add(look);
      look();
    });
  }

  /** As the wrapper does it: 39, wait for its answer, 16. */
  async subscribeAudio(uid: string, sub: boolean): Promise<void> {
    const from = this.said.length;
    this.send({ Command: 39, uid });
    await this.until(1039, undefined, from, 10_000);
    this.send({ Command: 16, uid, sub, denoise: false, voiceprint: false, asrvad: false, bind: false });
  }

  /** DESTROY_ENGINE is the last command; the child exits by itself. */
  async destroy(): Promise<number | null> {
    this.send({ Command: 23 });
    return Promise.race([this.exited, delay(WAIT_MS, null, { ref: false })]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL');
      await this.exited;
    }
  }

  #unit(bytes: Buffer): void {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(bytes.length);
    this.#socket.write(Buffer.concat([head, bytes]));
  }

  #read(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= 4 && this.#pending.length >= 4 + this.#pending.readUInt32BE(0)) {
      const size = this.#pending.readUInt32BE(0);
      this.#onUnit(Buffer.from(this.#pending.subarray(4, 4 + size)));
      this.#pending = this.#pending.subarray(4 + size);
    }
  }

  #onUnit(unit: Buffer): void {
    const open = this.#message;
    if (open !== undefined) {
      open.payload.push(unit);
      open.missing -= unit.length;
      if (CALLBACKS[open.request]?.split !== true && open.missing !== 0)
        this.violations.push(`${open.request}: a payload that is not one unit`);
      if (open.missing < 0) this.violations.push(`${open.request}: more payload than was said`);
      if (open.missing <= 0) this.#finish();
      return;
    }
    if (unit.every((byte) => byte === 0)) return;
    const fields = JSON.parse(unit.toString('utf8')) as Record<string, unknown>;
    const request = Number(fields['Request']);
    this.violations.push(...violationsOf(request, fields));
    const sizeKey = CALLBACKS[request]?.payload;
    const missing = sizeKey === undefined ? 0 : Number(fields[sizeKey]);
    this.#message = { request, fields, payload: [], missing };
    if (missing === 0) this.#finish();
  }

  #finish(): void {
    const message = this.#message;
    if (message === undefined) return;
    this.#message = undefined;
    const { request, fields, payload } = message;
    this.said.push({
      request,
      fields,
      payload: Buffer.concat(payload),
      units: payload.length,
      atMs: performance.now(),
    });
    for (const listener of this.#listeners) listener();
  }
}

async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const port = 42_000 + Math.floor(Math.random() * 3001);
    const server = net.createServer();
    const bound = await Promise.race([
      once(server.listen(port, '127.0.0.1'), 'listening').then(() => true),
      once(server, 'error').then(() => false),
    ]).catch(() => false);
    if (!bound) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
  throw new Error('no free port');
}

async function connect(port: number): Promise<net.Socket> {
  for (let attempt = 1; ; attempt++) {
    const socket = net.connect({ port, host: 'localhost', noDelay: true });
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    if (connected) return socket;
    if (attempt === CONNECT_ATTEMPTS) throw new Error(`no connection to port ${port}`);
    await delay(CONNECT_PAUSE_MS);
  }
}
