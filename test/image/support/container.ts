import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdir, mkdtemp, readFile, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { eventually } from '../../support/eventually.js';
import { buildah, imageConfig, type ImageConfig } from './buildah.js';
import { runCommand, type Finished } from './run_command.js';

const SCRIPT = fileURLToPath(new URL('./container.sh', import.meta.url));
const STOP_MS = 30_000;
const READ_ONLY_IMAGE_FOLDERS = ['/tmp'];

export interface ContainerOptions {
  /** Beyond what the image says. */
  environment?: Record<string, string>;
  arguments?: string[];
  /** By the folder inside; where the image or a test says nothing of a volume, it gets a folder of the container's own. */
  volumes?: Record<string, string>;
}

/**
 * A running container of an image, made without an engine: own namespaces of mounts, processes and IPC, the machine's network, a read-only root. Its folders of
 * volumes lie in `folder`, outside.
 */
export class Container implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly errors: string[] = [];

  private constructor(
    readonly config: ImageConfig,
    /** A folder outside for each folder inside. */
    readonly volumes: Readonly<Record<string, string>>,
    readonly folder: string,
    readonly environment: readonly string[],
    private readonly name: string,
    private readonly child: ChildProcess,
    private readonly exited: Promise<unknown>,
  ) {
    if (child.stdout !== null) createInterface({ input: child.stdout }).on('line', (line) => this.lines.push(line));
    if (child.stderr !== null) createInterface({ input: child.stderr }).on('line', (line) => this.errors.push(line));
  }

  static async start(image: string, options: ContainerOptions = {}): Promise<Container> {
    const config = await imageConfig(image);
    const name = await buildah('from', '--pull-never', image);
    const folder = await mkdtemp(path.join(tmpdir(), 'alirtcd-container-'));
    const volumes = await makeVolumes(folder, config, options.volumes ?? {});
    const more = Object.entries(options.environment ?? {}).map(([key, value]) => `${key}=${value}`);
    const environment = [...config.Env, ...more];
    const child = spawn(
      // It ends with a test run that is killed, too: prctl(2), PR_SET_PDEATHSIG. setpriv becomes unshare, with the same process id.
      'setpriv',
      [
        ...['--pdeathsig', 'KILL', '--', 'unshare'],
        ...['--mount', '--pid', '--ipc', '--fork', '--kill-child=KILL', '--', 'bash', SCRIPT],
        ...[await buildah('mount', name), config.User],
        ...[...config.Entrypoint, ...(options.arguments ?? config.Cmd ?? [])],
      ],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: process.env['PATH'],
          ENVIRONMENT: environment.join('\n'),
          VOLUMES: Object.entries(volumes)
            .map(([inside, outside]) => `${outside}:${inside}`)
            .join('\n'),
        },
      },
    );
    return new Container(config, volumes, folder, environment, name, child, once(child, 'close'));
  }

  /** The folder outside that is `inside` there. */
  volume(inside: string): string {
    const outside = this.volumes[inside];
    if (outside === undefined) throw new Error(`${inside} is no volume`);
    return outside;
  }

  /** Of its process 1, seen from outside. */
  async processId(): Promise<number> {
    const { pid = 0 } = this.child;
    return Number((await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim());
  }

  /** Its processes, seen from outside. */
  async processIds(): Promise<number[]> {
    const space = await readlink(`/proc/${await this.processId()}/ns/pid`);
    const all = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name));
    const spaces = await Promise.all(all.map((id) => readlink(`/proc/${id}/ns/pid`).catch(() => '')));
    return all.filter((_, index) => spaces[index] === space).map(Number);
  }

  /** Runs a program in it as its user, as `docker exec` does. */
  async exec(...command: string[]): Promise<Finished> {
    const [uid = '', gid = ''] = this.config.User.split(':');
    return runCommand('nsenter', [
      ...['--target', String(await this.processId()), '--mount', '--pid', '--ipc', '--root', '--wd'],
      ...['--setuid', uid, '--setgid', gid, '--', '/usr/bin/env', '-i', ...this.environment, ...command],
    ]);
  }

  /** Resolves with the first line of its output that `wanted` takes. */
  async line(wanted: (line: string) => boolean, timeoutMs = 60_000): Promise<string> {
    let from = 0;
    let found: string | undefined;
    await eventually(() => {
      for (; from < this.lines.length && found === undefined; from++)
        if (wanted(this.lines[from] ?? '')) found = this.lines[from];
      if (found !== undefined) return undefined;
      if (this.child.exitCode !== null) throw new Error(`it ended with ${this.child.exitCode}: ${this.#last()}`);
      return `no such line; the last ones: ${this.#last()}`;
    }, timeoutMs);
    return found ?? '';
  }

  /** Sends process 1 a signal and waits for the end; the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    if (this.child.exitCode === null) process.kill(await this.processId(), signal);
    return this.end();
  }

  /** Waits for the end; the exit code. Kills what goes on for too long. */
  async end(): Promise<number | string> {
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS);
    await this.exited;
    clearTimeout(timer);
    return this.child.exitCode ?? this.child.signalCode ?? 'unknown';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGKILL');
      await this.exited;
    }
    await buildah('rm', this.name);
    await rm(this.folder, { recursive: true, force: true });
  }

  #last(): string {
    return [...this.lines.slice(-5), ...this.errors.slice(-10)].join('\n');
  }
}

/** As an engine makes them: owned by the container's user, and kept apart from the image. */
async function makeVolumes(
  folder: string,
  config: ImageConfig,
  given: Record<string, string>,
): Promise<Record<string, string>> {
  const [uid, gid] = config.User.split(':').map(Number);
  const volumes: Record<string, string> = {};
  for (const inside of [...Object.keys(config.Volumes ?? {}), ...READ_ONLY_IMAGE_FOLDERS]) {
    const outside = path.join(folder, inside.replaceAll('/', '_'));
    await mkdir(outside, { mode: 0o700 });
    await chown(outside, uid ?? 0, gid ?? 0);
    volumes[inside] = outside;
  }
  return { ...volumes, ...given };
}
