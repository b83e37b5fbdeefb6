import { randomBytes } from 'node:crypto';
import {
  AlirtcClient,
  ChannelProfile,
  PublishMode,
  SubscribeMode,
  TokenFormat,
  VideoDataFormat,
  type CreateEngineOptions,
  type Engine,
  type JoinChannelConfig,
} from '../../client/index.js';
import { channelServerOf, clusterNodes } from './cluster_nodes.js';
import { NumberedPictures } from './media/numbered_picture.js';
import { ToneSource } from './media/tones.js';
import { RtcPeer } from './rtc_peer/index.js';
import { startDaemon, type RunningDaemon } from './running_daemon.js';

/**
 * A daemon, a client and one channel of a name of its own, with engines of ours and foreign participants made as a test asks for them; all of it ends
 * with dispose, youngest first.
 */
export class ChannelScene implements AsyncDisposable {
  readonly channel = `ch-${randomBytes(4).toString('hex')}`;
  readonly #closers: (() => Promise<unknown>)[] = [];
  #engines = 0;

  private constructor(
    readonly daemon: RunningDaemon,
    readonly client: AlirtcClient,
  ) {}

  static async open(daemon?: RunningDaemon): Promise<ChannelScene> {
    const running = daemon ?? (await startDaemon());
    const scene = new ChannelScene(running, await AlirtcClient.connect(running.address));
    if (daemon === undefined) scene.#closers.push(() => running.stop());
    scene.#closers.push(() => Promise.resolve(scene.client.close()));
    return scene;
  }

  /** A new engine, not joined; with a cluster the first one on node 1, the next on node 2, and so on. */
  async engine(options: CreateEngineOptions = {}): Promise<Engine> {
    const engine = await this.client.createEngine({ ...channelServerOf(this.#engines++), ...options });
    this.#closers.push(() => engine.release());
    return engine;
  }

  /** Joins the scene's channel; communication profile, everything automatic, unless config says otherwise. */
  async join(engine: Engine, userId: string, config: Partial<JoinChannelConfig> = {}): Promise<void> {
    const { token } = await this.client.generateToken({ channel: this.channel, userId });
    await engine.joinChannel({
      token,
      channelId: this.channel,
      userId,
      userName: userId,
      config: {
        channelProfile: ChannelProfile.COMMUNICATION,
        publishMode: PublishMode.AUTOMATICALLY,
        subscribeMode: SubscribeMode.AUTOMATICALLY,
        ...config,
      },
    });
  }

  /** A foreign participant, connected; with a cluster to node 2. */
  async peer(identity: string, options: { autoSubscribe?: boolean } = {}): Promise<RtcPeer> {
    const peer = await RtcPeer.start();
    this.#closers.push(() => peer.close());
    const { token, channelServerUrl } = await this.client.generateToken({
      channel: this.channel,
      userId: identity,
      format: TokenFormat.LIVEKIT,
    });
    const [, node2 = channelServerUrl] = clusterNodes() ?? [];
    await peer.call('connect', { url: node2, token, ...options });
    return peer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
  }
}

export interface FeedOptions {
  width: number;
  height: number;
  framesPerSecond: number;
  frequency: number;
  beepFrequency?: number;
  sampleRateHz?: number;
  channels?: number;
}

/** Pushes numbered pictures and a tone into an engine in real time until stop(). */
export class LiveFeed {
  readonly #abort = new AbortController();
  readonly #running: Promise<unknown>;
  pictures = 0;
  lastNumber = -1;

  constructor(
    private readonly engine: Engine,
    private readonly options: FeedOptions,
  ) {
    this.#running = Promise.all([this.#pushPictures(), this.#pushSound()]);
    // stop() tells; until then a failure must not be an unhandled rejection.
    this.#running.catch(() => undefined);
  }

  /** Declares the sources and the encoder's size, then feeds. */
  static async start(engine: Engine, options: FeedOptions): Promise<LiveFeed> {
    const { width, height, framesPerSecond, sampleRateHz = 48_000, channels = 1 } = options;
    await engine.setExternalVideoSource(true);
    await engine.setExternalAudioSource(true, { sampleRateHz, channels });
    await engine.setVideoEncoderConfiguration({
      dimensions: { width, height },
      frameRate: framesPerSecond,
      bitrateKbps: 0,
    });
    return new LiveFeed(engine, options);
  }

  async #pushPictures(): Promise<void> {
    const { width, height, framesPerSecond } = this.options;
    const drawer = new NumberedPictures(width, height, framesPerSecond);
    const push = this.engine.videoPush({ signal: this.#abort.signal });
    await this.#byTheClock(1000 / framesPerSecond, async (number) => {
      await push.push({ width, height, format: VideoDataFormat.I420, timestampMs: 0, data: drawer.draw(number) });
      this.pictures++;
      this.lastNumber = number;
    });
    await push.end();
  }

  async #pushSound(): Promise<void> {
    const { sampleRateHz = 48_000, channels = 1, frequency, beepFrequency } = this.options;
    const tone = new ToneSource({
      sampleRate: sampleRateHz,
      channels,
      frequency,
      ...(beepFrequency === undefined ? {} : { beepFrequency }),
    });
    const push = this.engine.audioPush({ signal: this.#abort.signal });
    await this.#byTheClock(20, async () => {
      const samples = tone.next(sampleRateHz / 50);
      await push.push({ data: Buffer.from(samples.buffer), timestampMs: 0 });
    });
    await push.end();
  }

  /** Calls `step` for every period that has passed, so that the rate does not drift; a step that is late is made up for. */
  async #byTheClock(periodMs: number, step: (index: number) => Promise<void>): Promise<void> {
    const startedAt = performance.now();
    for (let index = 0; !this.#stopping; index++) {
      const waitMs = startedAt + index * periodMs - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      await step(index);
    }
  }

  #stopping = false;

  /** Ends both streams; rejects with what went wrong in them. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }
}
