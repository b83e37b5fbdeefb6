import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/**
 * A process of the bench that measures something by itself: it prints lines of JSON and ends when its standard input closes. TypeScript, so that what is
 * measured is what users run.
 */
export class BenchChild implements AsyncDisposable {
  readonly #lines: Record<string, unknown>[] = [];
  #wake: () => void = () => undefined;
  #stderr = '';

  private constructor(readonly process: ChildProcess) {
    if (process.stdout === null || process.stderr === null) throw new Error('no pipes');
    createInterface({ input: process.stdout }).on('line', (line) => {
      if (!line.startsWith('{')) return;
      this.#lines.push(JSON.parse(line) as Record<string, unknown>);
      this.#wake();
    });
    process.stderr.on('data', (chunk: Buffer) => (this.#stderr = (this.#stderr + chunk.toString()).slice(-2000)));
    process.once('exit', () => this.#wake());
  }

  static start(file: string, parameters: object): BenchChild {
    const main = fileURLToPath(new URL(`../${file}`, import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', main, JSON.stringify(parameters)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    return new BenchChild(child);
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** The next line that has this key, waiting for it. */
  async next(key: string, timeoutMs = 30_000): Promise<Record<string, unknown>> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const index = this.#lines.findIndex((line) => key in line);
      const [line] = index < 0 ? [] : this.#lines.splice(index, 1);
      if (line !== undefined) return line;
      const leftMs = deadline - performance.now();
      if (leftMs < 0 || this.process.exitCode !== null)
        throw new Error(`no "${key}" from ${this.process.spawnargs.at(-2)}: ${this.#stderr}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => (clearTimeout(timer), resolve());
      });
    }
  }

  /** Asks for a line. */
  ask(question: string): void {
    this.process.stdin?.write(`${question}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode !== null) return;
    const exited = once(this.process, 'exit');
    this.process.stdin?.end();
    const timer = setTimeout(() => this.process.kill('SIGKILL'), 5000);
    await exited;
    clearTimeout(timer);
  }
}
