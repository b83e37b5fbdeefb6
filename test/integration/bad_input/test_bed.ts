import { randomBytes } from 'node:crypto';
import {
  AlirtcClient,
  ChannelProfile,
  PublishMode,
  SubscribeMode,
  type CreateEngineOptions,
  type Engine,
  type JoinChannelConfig,
} from '../../../client/index.js';
import { eventually } from '../../support/eventually.js';
import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { canBind, footprintOf, type Footprint } from './footprint.js';

/** The daemon's own descriptors may differ by so many: a connection that is just being closed. */
const DESCRIPTOR_SLACK = 2;

/** A daemon and a client for the tests of one file, and what the daemon held before the first of them. */
export class TestBed implements AsyncDisposable {
  readonly #before: Footprint;
  readonly #ports = new Set<number>();

  private constructor(
    readonly daemon: RunningDaemon,
    readonly client: AlirtcClient,
  ) {
    this.#before = footprintOf(this.pid);
  }

  static async open(args: string[] = []): Promise<TestBed> {
    const daemon = await startDaemon({ args: ['--log-level', 'info', ...args] });
    const client = await AlirtcClient.connect(daemon.address);
    await client.listEngines();
    return new TestBed(daemon, client);
  }

  get pid(): number {
    return this.daemon.ready.pid;
  }

  get before(): Readonly<Footprint> {
    return this.#before;
  }

  get footprint(): Footprint {
    return footprintOf(this.pid);
  }

  async engine(options: CreateEngineOptions = {}): Promise<Engine> {
    const engine = await this.client.createEngine(options);
    this.#ports.add(engine.corePort);
    return engine;
  }

  /** A new engine in a channel; communication profile, manual modes, unless config says otherwise. */
  async joined(channel: string, userId: string, config: Partial<JoinChannelConfig> = {}): Promise<Engine> {
    const engine = await this.engine();
    await this.join(engine, channel, userId, config);
    return engine;
  }

  async join(engine: Engine, channel: string, userId: string, config: Partial<JoinChannelConfig> = {}): Promise<void> {
    const { token } = await this.client.generateToken({ channel, userId });
    await engine.joinChannel({ token, channelId: channel, userId, config: { ...CONFIG, ...config } });
  }

  /** What the daemon would say when nothing is left of the engines that the tests made; undefined when so. */
  async whatIsLeft(): Promise<string | undefined> {
    const now = this.footprint;
    const engines = await this.client.listEngines();
    if (engines.length > 0) return `engines: ${engines.map((engine) => engine.engineId).join(', ')}`;
    if (now.children.length !== this.#before.children.length) return `child processes: ${now.children.join(', ')}`;
    if (now.sockets.length > this.#before.sockets.length) return `sockets: ${now.sockets.join(', ')}`;
    const grown = now.descriptors - this.#before.descriptors;
    if (grown > DESCRIPTOR_SLACK) return `${grown} more descriptors than before`;
    for (const port of this.#ports) {
      if (port !== 0 && !(await canBind(port))) return `port ${port} is taken`;
      this.#ports.delete(port);
    }
    return undefined;
  }

  async nothingIsLeft(timeoutMs = 8_000): Promise<void> {
    await eventually(() => this.whatIsLeft(), timeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.daemon.stop();
  }
}

export const CONFIG: Partial<JoinChannelConfig> = {
  channelProfile: ChannelProfile.COMMUNICATION,
  publishMode: PublishMode.MANUALLY,
  subscribeMode: SubscribeMode.MANUALLY,
};

export function newChannel(): string {
  return `bad-${randomBytes(4).toString('hex')}`;
}
