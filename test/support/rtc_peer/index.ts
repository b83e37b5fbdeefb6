import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { PeerCommandName, PeerCommands, PeerEvent } from './protocol.js';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

/**
 * A participant that is not ours, @livekit/rtc-node in a process of its own: `await using peer = await RtcPeer.start()`, then `peer.call('connect', {...})`.
 * Every call has a deadline; `peer.waitFor(predicate)` awaits an event, also one that has come already.
 */
export class RtcPeer {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #pending = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  readonly #emitter = new EventEmitter<{ event: [PeerEvent] }>();
  readonly events: PeerEvent[] = [];
  #nextId = 1;
  #lastLines: string[] = [];

  private constructor(child: ChildProcessByStdio<Writable, Readable, Readable>) {
    this.#child = child;
    this.#emitter.setMaxListeners(0);
    createInterface({ input: child.stdout }).on('line', (line) => this.#onLine(line));
    createInterface({ input: child.stderr }).on('line', (line) => {
      this.#lastLines = [...this.#lastLines.slice(-19), line];
    });
    child.once('exit', (code, signal) => {
      const error = new Error(`the peer ended (${code ?? signal}): ${this.#lastLines.join('\n')}`);
      for (const { reject } of this.#pending.values()) reject(error);
      this.#pending.clear();
    });
  }

  static async start(): Promise<RtcPeer> {
    const child = spawn(process.execPath, ['--import', 'tsx', MAIN], { stdio: ['pipe', 'pipe', 'pipe'] });
    const peer = new RtcPeer(child);
    await peer.waitFor((event) => (event as { event: string }).event === 'ready', 20_000);
    return peer;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  #onLine(line: string): void {
    const message = parse(line);
    if (message === undefined) return;
    if ('event' in message) {
      this.events.push(message as unknown as PeerEvent);
      this.#emitter.emit('event', message as unknown as PeerEvent);
      return;
    }
    const { id, result, error } = message as { id: number; result?: unknown; error?: string };
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (error === undefined) pending?.resolve(result);
    else pending?.reject(new Error(error));
  }

  call<N extends PeerCommandName>(
    command: N,
    params: PeerCommands[N]['params'],
    timeoutMs = 20_000,
  ): Promise<PeerCommands[N]['result']> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new Error(`the peer did not answer "${command}" in ${timeoutMs} ms: ${this.#lastLines.join('\n')}`));
      }, timeoutMs);
      this.#pending.set(id, {
        resolve: (result) => (clearTimeout(timer), resolve(result as PeerCommands[N]['result'])),
        reject: (error) => (clearTimeout(timer), reject(error)),
      });
      this.#child.stdin.write(`${JSON.stringify({ id, command, params })}\n`);
    });
  }

  /** The first event, past or future, for which the predicate holds. */
  waitFor(predicate: (event: PeerEvent) => boolean, timeoutMs = 15_000): Promise<PeerEvent> {
    const past = this.events.find(predicate);
    if (past !== undefined) return Promise.resolve(past);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#emitter.off('event', listener);
        const seen = this.events.map((e) => e.event).join(', ');
        reject(new Error(`no such event of the peer in ${timeoutMs} ms; seen: ${seen}; ${this.#lastLines.join('\n')}`));
      }, timeoutMs);
      const listener = (event: PeerEvent): void => {
        if (!predicate(event)) return;
        clearTimeout(timer);
        this.#emitter.off('event', listener);
        resolve(event);
      };
      this.#emitter.on('event', listener);
    });
  }

  /** Ends the process: politely, then by force. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 4000);
    await exited;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Native code may write lines of its own to standard output. */
function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
