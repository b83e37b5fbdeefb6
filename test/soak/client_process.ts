import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { inspectorUrl } from './inspector.js';
import type { ClientFigures, ClientParameters, Excuse, FromClient, ToClient } from './protocol.js';

const MAIN = fileURLToPath(new URL('./client_main.ts', import.meta.url));
const READY_MS = 60_000;
const FIGURES_MS = 20_000;
const EXIT_MS = 5_000;

export type ClientNews = Exclude<FromClient, { ready: true } | { figures: ClientFigures } | { stopped: true }>;

/** A program that uses the daemon: some slots in a process of their own. */
export class ClientProcess {
  readonly slots: readonly string[];
  /** The last that it told. */
  figures: ClientFigures | undefined;
  /** The engines of its slots, by id. */
  readonly engines = new Map<string, string>();
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #exited: Promise<unknown>;
  readonly #log: string[] = [];
  readonly #onNews: (news: ClientNews) => void;
  readonly #waiting: { isIt: (message: FromClient) => boolean; resolve: () => void }[] = [];

  private constructor(parameters: ClientParameters, inspected: boolean, onNews: (news: ClientNews) => void) {
    this.slots = parameters.slots.map(({ name }) => name);
    this.#onNews = onNews;
    const options = inspected ? ['--inspect=127.0.0.1:0'] : [];
    this.#child = spawn(process.execPath, [...options, '--import', 'tsx', MAIN, JSON.stringify(parameters)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // Writing to one that was killed is not an error.
    this.#child.stdin.on('error', () => undefined);
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#take(line));
    createInterface({ input: this.#child.stderr }).on('line', (line) => {
      this.#log.push(line);
      if (this.#log.length > 200) this.#log.shift();
    });
    this.#exited = once(this.#child, 'exit');
  }

  static async start(
    parameters: ClientParameters,
    inspected: boolean,
    onNews: (news: ClientNews) => void,
  ): Promise<ClientProcess> {
    const client = new ClientProcess(parameters, inspected, onNews);
    await client.#next((message) => 'ready' in message, READY_MS, 'is not ready');
    return client;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get inspectorUrl(): string | undefined {
    return inspectorUrl(this.#log);
  }

  excuse(excuse: Excuse): void {
    this.#tell({ excuse });
  }

  async askFigures(): Promise<ClientFigures | undefined> {
    const answer = this.#next((message) => 'figures' in message, FIGURES_MS, 'tells no figures');
    this.#tell({ figures: true });
    await answer;
    return this.figures;
  }

  /** Its slots end what they do and release their engines, then it exits. */
  async stop(timeoutMs: number): Promise<void> {
    const stopped = this.#next((message) => 'stopped' in message, timeoutMs, 'does not stop');
    this.#tell({ stop: true });
    await stopped;
    await this.close();
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#child.kill(signal);
    if (signal === 'SIGKILL') await this.#exited;
  }

  async close(): Promise<void> {
    if (!this.isRunning) return;
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), EXIT_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #tell(message: ToClient): void {
    if (this.isRunning) this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  #take(line: string): void {
    // Native code may print lines of its own.
    if (!line.startsWith('{')) return;
    const message = JSON.parse(line) as FromClient;
    if ('figures' in message) this.figures = message.figures;
    for (const waiter of this.#waiting.filter(({ isIt }) => isIt(message))) {
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
      waiter.resolve();
    }
    if ('figures' in message) return;
    if (!('ready' in message) && !('stopped' in message)) this.#onOther(message);
  }

  #onOther(news: ClientNews): void {
    if ('slot' in news) {
      for (const [engineId, slot] of this.engines) if (slot === news.slot) this.engines.delete(engineId);
      if (news.engineId !== '') this.engines.set(news.engineId, news.slot);
    }
    this.#onNews(news);
  }

  #next(isIt: (message: FromClient) => boolean, timeoutMs: number, otherwise: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (): void =>
        reject(new Error(`the client ${this.slots.join(', ')} ${otherwise}: ${this.#log.slice(-10).join('\n')}`));
      const timer = setTimeout(fail, timeoutMs);
      this.#waiting.push({ isIt, resolve: () => (clearTimeout(timer), resolve()) });
      void this.#exited.then(() => (clearTimeout(timer), fail()));
    });
  }
}
