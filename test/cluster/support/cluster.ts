import { RoomServiceClient } from 'livekit-server-sdk';
import { Lifecycle } from '../../../common/lifecycle.js';
import { APP_ID, APP_KEY } from '../../support/running_daemon.js';
import { LiveKitServer, type LiveKitServerOptions } from './livekit_server.js';
import { RedisServer } from './redis_server.js';

export type ClusterOptions = Omit<LiveKitServerOptions, 'redisAddress'>;

/** Two real livekit-server nodes and their Redis, all on 127.0.0.1, with the keys of startDaemon() unless said otherwise. */
export class Cluster extends Lifecycle implements AsyncDisposable {
  readonly redis = new RedisServer();
  readonly #options: ClusterOptions;
  #nodes: readonly LiveKitServer[] = [];

  constructor(options: ClusterOptions = {}) {
    super();
    this.#options = options;
  }

  /** Started: `await using cluster = await Cluster.open()`. */
  static async open(options: ClusterOptions = {}): Promise<Cluster> {
    const cluster = new Cluster(options);
    await cluster.start();
    return cluster;
  }

  get node1(): LiveKitServer {
    return this.#node(0);
  }

  get node2(): LiveKitServer {
    return this.#node(1);
  }

  get urls(): [string, string] {
    return [this.node1.url, this.node2.url];
  }

  /** The room service, by way of node 2. */
  get rooms(): RoomServiceClient {
    const [key = APP_ID, secret = APP_KEY] = Object.entries(this.#options.keys ?? {})[0] ?? [];
    return new RoomServiceClient(this.node2.httpUrl, key, secret);
  }

  /** What all of them said last: for a test that failed. */
  lastLines(count?: number): string {
    const parts = [
      ...this.#nodes.map((node, index) => [`node ${index + 1}`, node] as const),
      ['redis', this.redis] as const,
    ];
    return parts.map(([name, { process }]) => `--- ${name}\n${process.lastLines(count).join('\n')}`).join('\n');
  }

  protected override async onStart(): Promise<void> {
    await this.redis.start();
    const options = { ...this.#options, redisAddress: this.redis.address };
    this.#nodes = [new LiveKitServer(options), new LiveKitServer(options)];
    // One after the other: both draw their ports.
    for (const node of this.#nodes) await node.start();
  }

  protected override async onClose(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.close()));
    await this.redis.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #node(index: number): LiveKitServer {
    const node = this.#nodes[index];
    if (node === undefined) throw new Error('the cluster was not started');
    return node;
  }
}
