import { execFile } from 'node:child_process';
import { chown, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eventually } from '../../support/eventually.js';
import { LonelyNetwork } from '../../support/lonely_network.js';
import { BIN } from '../../support/running_daemon.js';
import { livekitBinary } from '../support/livekit_binary.js';
import { LoggedProcess } from '../support/logged_process.js';
import { readComposeFile, readDockerfile, type ComposeService, type ImageSettings } from './compose_file.js';

const run = promisify(execFile);
const DOCKER = fileURLToPath(new URL('../../../docker/', import.meta.url));
const SCRIPT = fileURLToPath(new URL('./run_service.sh', import.meta.url));
/** What the file takes when the environment says nothing. */
const DEFAULT_USER = '1000:1000';

/**
 * The stack of docker/cluster without a container engine: the same processes with the same command lines, environment, files, users and mounts, in a network
 * namespace that is their host. Needs root.
 */
export class ComposeStack implements AsyncDisposable {
  readonly #running: LoggedProcess[] = [];

  private constructor(
    private readonly folder: string,
    private readonly network: LonelyNetwork,
  ) {}

  static async start(): Promise<ComposeStack> {
    const folder = await mkdtemp(path.join(tmpdir(), 'compose-'));
    const stack = new ComposeStack(folder, await LonelyNetwork.create());
    try {
      await stack.#start();
      return stack;
    } catch (error) {
      console.error(stack.lastLines());
      await stack[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #start(): Promise<void> {
    for (const name of await readdir(path.join(DOCKER, 'cluster')))
      await copyFile(path.join(DOCKER, 'cluster', name), path.join(this.folder, name));
    // As the file's own comment makes it.
    const keys = path.join(this.folder, 'keys.yaml');
    await writeFile(keys, `myapp: ${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
    const [uid = 0, gid = 0] = DEFAULT_USER.split(':').map(Number);
    await chown(keys, uid, gid);
    for (const [name, service] of await readComposeFile(path.join(this.folder, 'compose.yaml')))
      await this.#startService(name, service);
  }

  async #startService(name: string, service: ComposeService): Promise<void> {
    if (service.network_mode !== 'host') throw new Error(`${name}: only the host's network is known here`);
    const { entryPoint, environment } = await imageOf(service.image);
    const scratch = path.join(this.folder, `${name}-root`);
    await mkdir(scratch);
    const settings = { ...environment, ...service.environment };
    const started = new LoggedProcess({
      name,
      command: 'ip',
      args: [
        ...this.network.prefix.slice(1),
        ...['unshare', '--mount', SCRIPT, scratch, userOf(service), service.shm_size ?? '64m', this.#mounts(service)],
        // Nothing of the test's own environment.
        ...[
          'env',
          '-i',
          'PATH=/usr/local/bin:/usr/bin:/bin',
          ...Object.entries(settings).map((pair) => pair.join('=')),
        ],
        ...entryPoint,
        ...service.command,
      ],
      logFile: path.join(this.folder, `${name}.log`),
      isReady: () => this.#isReady(name, service),
    });
    this.#running.push(started);
    await started.start();
  }

  #mounts({ volumes = [], tmpfs = [] }: ComposeService): string {
    const binds = volumes.map((volume) => {
      const [source = '', place = ''] = volume.split(':');
      return `bind ${path.resolve(this.folder, source)} ${place}`;
    });
    return [...binds, ...tmpfs.map((one) => `tmpfs ${one.replace(':', ' ')}`)].join('\n');
  }

  /** Healthy where the file has a check; started, for the others; our daemons say when they are ready. */
  async #isReady(name: string, { image, healthcheck }: ComposeService): Promise<boolean> {
    if (image === 'alirtcd') return (await this.log(name)).includes('"ready":true');
    if (healthcheck === undefined) return true;
    const [kind, ...command] = healthcheck.test;
    if (kind !== 'CMD') throw new Error(`${name}: a health check of the kind ${kind}`);
    await this.run(command);
    return true;
  }

  /** A program on the stack's host. Rejects with what it said when it fails. */
  async run(command: readonly string[], timeoutMs = 10_000): Promise<string> {
    const [first = '', ...rest] = [...this.network.prefix, ...command];
    return (await run(first, rest, { timeout: timeoutMs, maxBuffer: 2 ** 24 })).stdout;
  }

  log(name: string): Promise<string> {
    return readFile(path.join(this.folder, `${name}.log`), 'utf8');
  }

  lastLines(): string {
    return this.#running.map((one) => one.lastLines(15).join('\n')).join('\n---\n');
  }

  get areAllRunning(): boolean {
    return this.#running.every(({ isRunning }) => isRunning);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#running.reverse()) await one.end();
    await this.network[Symbol.asyncDispose]();
    // Its mounts went with its processes; the kernel may be a moment behind.
    await eventually(() =>
      rm(this.folder, { recursive: true, force: true }).then(
        () => undefined,
        (error: unknown) => String(error),
      ),
    );
  }
}

/** What stands for an image: the program that is its entry point. */
async function imageOf(image: string): Promise<ImageSettings> {
  const [name = '', version] = image.split(':');
  if (name === 'redis') return { entryPoint: [], environment: {} };
  if (name === 'livekit/livekit-server') {
    const binary = await livekitBinary();
    if (!binary.includes(`-${version ?? ''}/`)) throw new Error(`the Compose file has another LiveKit: ${image}`);
    return { entryPoint: [binary], environment: {} };
  }
  if (name !== 'alirtcd') throw new Error(`an image that is not known here: ${image}`);
  const { entryPoint, environment } = await readDockerfile(path.join(DOCKER, 'Dockerfile'));
  const [init, separator, program] = entryPoint;
  if (init !== 'tini' || separator !== '--' || program !== 'alirtcd')
    throw new Error(`another entry point: ${entryPoint.join(' ')}`);
  return { entryPoint: [process.execPath, path.join(BIN, 'alirtcd.mjs')], environment };
}

function userOf({ user }: ComposeService): string {
  if (user === undefined) return '0:0';
  const fallback = /^\$\{\w+:-(\d+:\d+)\}$/.exec(user)?.[1];
  return fallback ?? user;
}
