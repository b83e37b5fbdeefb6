import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CALLBACKS } from '../../../coreservice/ipc/callbacks.js';
import type { CallbackName } from '../../../coreservice/ipc/callbacks.js';
import { COMMANDS } from '../../../coreservice/ipc/commands.js';
import type { CommandName } from '../../../coreservice/ipc/commands.js';

export const SCRIPTED_CORE = fileURLToPath(new URL('./scripted_core.mjs', import.meta.url));
const WAIT_MS = 10_000;

export interface RecordedCommand {
  command: Record<string, unknown> & { Command: number };
  payloadBytes: number;
  /** Sizes of the units in which the payload came. */
  units: number[];
  /** Of the payload, hex. */
  sha256: string;
  /** The payload's first sixteen bytes. */
  head: string;
}

/** The test's end of all scripted cores: give `extra` to CreateAliRTCEngine, then take the core with next(). */
export class ScriptedCores {
  readonly #folder = mkdtempSync(path.join(os.tmpdir(), 'scripted-'));
  readonly #arrived: ScriptedCore[] = [];
  readonly #waiting: ((core: ScriptedCore) => void)[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
      const core = new ScriptedCore(socket);
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#arrived.push(core);
      else waiting(core);
    });
  }

  static async start(): Promise<ScriptedCores> {
    const cores = new ScriptedCores();
    await new Promise<void>((resolve) => cores.#server.listen(cores.#path, resolve));
    return cores;
  }

  get #path(): string {
    return path.join(this.#folder, 'control.sock');
  }

  /** Commands of these numbers are recorded, but nothing is done about them. */
  extra(ignore: readonly CommandName[] = []): string {
    const numbers = ignore.map((name) => COMMANDS[name].number);
    return JSON.stringify({ scripted: { control: this.#path, ignore: numbers } });
  }

  next(): Promise<ScriptedCore> {
    const core = this.#arrived.shift();
    if (core !== undefined) return Promise.resolve(core);
    return within('a scripted core', new Promise((resolve) => this.#waiting.push(resolve)));
  }

  /** Cores that came and were not taken are no longer waited for, nor is anybody waiting for one. */
  forget(): void {
    this.#arrived.length = 0;
    this.#waiting.length = 0;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** One scripted core, by its control socket. */
export class ScriptedCore {
  readonly commands: RecordedCommand[] = [];
  readonly #socket: Socket;
  readonly #listeners = new Set<() => void>();

  constructor(socket: Socket) {
    this.#socket = socket;
    const lines = createInterface({ input: socket });
    // An order to a core that has just been killed; what was to come of it is missed by who waits for it. readline tells the socket's errors once more.
    lines.on('error', () => undefined);
    lines.on('line', (line) => {
      this.commands.push(JSON.parse(line) as RecordedCommand);
      for (const listener of this.#listeners) listener();
    });
  }

  of(name: CommandName): RecordedCommand[] {
    return this.commands.filter(({ command }) => command.Command === COMMANDS[name].number);
  }

  /** The first command of that name that matches, come or coming. */
  async command(
    name: CommandName,
    matches: (command: RecordedCommand) => boolean = () => true,
  ): Promise<RecordedCommand> {
    return this.#until(`command ${name}`, () => this.of(name).find(matches));
  }

  /** Resolves when so many commands of that name came. */
  async count(name: CommandName, count: number): Promise<void> {
    await this.#until(`${count} times ${name}`, () => (this.of(name).length >= count ? true : undefined));
  }

  /** Any callback, also one that the project's tables do not have. */
  sendNumber(request: number, fields: Record<string, unknown>): void {
    this.#socket.write(`${JSON.stringify({ send: { Request: request, ...fields } })}\n`);
  }

  send(name: CallbackName, fields: Record<string, unknown>, payload?: Buffer): void {
    const order = { send: { Request: CALLBACKS[name].number, ...fields }, payload: payload?.toString('base64') };
    this.#socket.write(`${JSON.stringify(order)}\n`);
  }

  /** Frames numbered from `first` on; each payload begins with its number, big-endian. */
  frames(
    name: CallbackName,
    fields: Record<string, unknown>,
    options: { count: number; payloadBytes: number; first?: number; keyFrameEvery?: number },
  ): void {
    const order = { frames: { fields: { Request: CALLBACKS[name].number, ...fields }, ...options } };
    this.#socket.write(`${JSON.stringify(order)}\n`);
  }

  /** A callback behind all frames that were ordered before. */
  sendAfterFrames(name: CallbackName, fields: Record<string, unknown>): void {
    this.#socket.write(`${JSON.stringify({ behind: { Request: CALLBACKS[name].number, ...fields } })}\n`);
  }

  /** Bytes as they are, whatever they are. */
  raw(bytes: Buffer): void {
    this.#socket.write(`${JSON.stringify({ raw: bytes.toString('base64') })}\n`);
  }

  ignore(names: readonly CommandName[]): void {
    this.#socket.write(`${JSON.stringify({ ignore: names.map((name) => COMMANDS[name].number) })}\n`);
  }

  exit(code: number): void {
    this.#socket.write(`${JSON.stringify({ exit: code })}\n`);
  }

  #until<T>(what: string, find: () => T | undefined): Promise<T> {
    return within(
      what,
      new Promise((resolve) => {
        const look = (): void => {
          const found = find();
          if (found === undefined) return;
          this.#listeners.delete(look);
          resolve(found);
        };
        this.#listeners.add(look);
        look();
      }),
    );
  }
}

export function within<T>(what: string, promise: Promise<T>, ms = WAIT_MS): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what} did not come in ${ms} ms`)), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
