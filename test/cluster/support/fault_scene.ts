import { ConnectionStatus, type AlirtcClient, type Engine } from '../../../client/index.js';
import { ChannelScene, LiveFeed } from '../../support/channel_scene.js';
import { eventually } from '../../support/eventually.js';
import { readPictureNumber } from '../../support/media/numbered_picture.js';
import { RtcPeer } from '../../support/rtc_peer/index.js';
import { startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { livekitToken } from './cluster_scene.js';

const FEED = { width: 320, height: 180, framesPerSecond: 15, frequency: 440 };

/** The connection's states as the client is told them, with the time of each. */
export class Steps {
  readonly list: { status: string; atMs: number }[] = [];

  constructor(engine: Engine) {
    engine.on('onConnectionStatusChanged', ({ value }) =>
      this.list.push({ status: ConnectionStatus[value.status], atMs: performance.now() }),
    );
  }

  get names(): string[] {
    return this.list.map(({ status }) => status);
  }
}

/** Reads one user's pictures until stop(): the numbers in them, and the longest time without one. */
export class Watch {
  readonly #abort = new AbortController();
  readonly #running: Promise<void>;
  #lastAtMs = 0;
  #longestGapMs = 0;
  lastNumber = -1;
  readable = 0;

  constructor(
    readonly engine: Engine,
    readonly uid: string,
  ) {
    this.#running = this.#read().catch((error: unknown) => {
      if (!this.#abort.signal.aborted) throw error;
    });
    this.#running.catch(() => undefined);
  }

  /** Since the last call, the time that still runs included; 0 before the first picture. */
  takeLongestGapMs(): number {
    const running = this.#lastAtMs === 0 ? 0 : performance.now() - this.#lastAtMs;
    const gap = Math.max(this.#longestGapMs, running);
    this.#longestGapMs = 0;
    return gap;
  }

  /** A picture with another number than those before, from now on. */
  async flows(count = 10, timeoutMs = 10_000): Promise<void> {
    const before = this.readable;
    await eventually(
      () => (this.readable >= before + count ? undefined : `${this.uid}: ${this.readable - before} new pictures`),
      timeoutMs,
    );
  }

  async #read(): Promise<void> {
    for await (const picture of this.engine.pictures({ uids: [this.uid], signal: this.#abort.signal })) {
      const number = readPictureNumber(picture.data, picture.width, picture.height);
      if (number === undefined || number === this.lastNumber) continue;
      const now = performance.now();
      if (this.#lastAtMs > 0) this.#longestGapMs = Math.max(this.#longestGapMs, now - this.#lastAtMs);
      this.#lastAtMs = now;
      this.lastNumber = number;
      this.readable += 1;
    }
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }
}

/** Two engines, ours and theirs, with pictures and sound both ways; a foreign participant when a test asks for one. Closed with the block. */
export class Call implements AsyncDisposable {
  readonly #closers: (() => Promise<unknown>)[] = [];

  private constructor(
    readonly scene: ChannelScene,
    readonly alice: Engine,
    readonly bob: Engine,
    readonly aliceSees: Watch,
    readonly bobSees: Watch,
    readonly steps: { alice: Steps; bob: Steps },
  ) {}

  /** Alice joins by the servers of `daemon`, in this order; bob by those of another daemon when there is one. */
  static async open(daemon: RunningDaemon, bobsDaemon: RunningDaemon = daemon, channel?: string): Promise<Call> {
    const scene = await ChannelScene.open(daemon);
    const closers: (() => Promise<unknown>)[] = [() => scene[Symbol.asyncDispose]()];
    const bobsScene = bobsDaemon === daemon ? scene : await ChannelScene.open(bobsDaemon);
    if (bobsScene !== scene) closers.push(() => bobsScene[Symbol.asyncDispose]());
    if (channel !== undefined) Object.assign(scene, { channel });
    Object.assign(bobsScene, { channel: scene.channel });
    const [alice, bob] = [await scene.engine(), await bobsScene.engine()];
    const steps = { alice: new Steps(alice), bob: new Steps(bob) };
    await scene.join(alice, 'alice');
    await bobsScene.join(bob, 'bob');
    const feeds = [await LiveFeed.start(alice, FEED), await LiveFeed.start(bob, { ...FEED, frequency: 1000 })];
    const watches = [new Watch(alice, 'bob'), new Watch(bob, 'alice')] as const;
    const call = new Call(scene, alice, bob, ...watches, steps);
    call.#closers.push(...closers);
    for (const feed of feeds) call.#closers.push(() => feed.stop());
    for (const watch of watches) call.#closers.push(() => watch.stop());
    await call.flows(10, 30_000);
    return call;
  }

  /** New pictures arrive both ways. */
  async flows(count = 10, timeoutMs = 10_000): Promise<void> {
    await Promise.all([this.aliceSees.flows(count, timeoutMs), this.bobSees.flows(count, timeoutMs)]);
  }

  /** @livekit/rtc-node in the same room. */
  async peer(url: string, identity: string): Promise<RtcPeer> {
    const peer = await RtcPeer.start();
    this.#closers.push(() => peer.close());
    await peer.call('connect', { url, token: await livekitToken(this.scene.channel, identity) });
    return peer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
  }
}

/** Reads of it pictures and the tone, from now on. */
export async function hearsAndSees(peer: RtcPeer, identity: string, tone: string, timeoutMs = 15_000): Promise<void> {
  await peer.call('report', {});
  let readable = 0;
  await eventually(async () => {
    const from = (await peer.call('report', {})).participants[identity];
    readable += from?.video[0]?.readable ?? 0;
    const share = from?.audio[0]?.tones[tone] ?? 0;
    return readable >= 10 && share > 0.8 ? undefined : `${identity}: ${readable} pictures, share of the tone ${share}`;
  }, timeoutMs);
}

/** A daemon whose engines join by these servers, in this order. */
export function daemonAt(
  urls: readonly string[],
  more: readonly string[] = [],
  prefix: readonly string[] = [],
): Promise<RunningDaemon> {
  return startDaemon({ prefix, args: [...urls.flatMap((url) => ['--channel-server-url', url]), ...more] });
}

/** Gives the engines of a client's node time to be gone. */
export async function joinsAgain(client: AlirtcClient, channel: string, userId: string): Promise<void> {
  const engine = await client.createEngine();
  try {
    const { token } = await client.generateToken({ channel, userId });
    await engine.joinChannel({ token, channelId: channel, userId });
  } finally {
    await engine.release();
  }
}
