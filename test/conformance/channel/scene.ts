import { AccessToken, type VideoGrant } from 'livekit-server-sdk';
import type { ClientRole } from '../../../client/index.js';
import {
  AlirtcClient,
  ChannelProfile,
  PublishMode,
  SubscribeMode,
  VideoDataFormat,
  VideoSource,
  type Engine,
  type JoinChannelConfig,
} from '../../../client/index.js';
import { channelServerOf, clusterNodes } from '../../support/cluster_nodes.js';
import type { ChannelScene } from '../../support/channel_scene.js';
import { APP_ID, APP_KEY, startDaemon, type RunningDaemon } from '../../support/running_daemon.js';
import { Callbacks } from './callbacks.js';

export const COMMUNICATION = ChannelProfile.COMMUNICATION;
export const LIVE = ChannelProfile.INTERACTIVE_LIVE;
export const LOW_LATENCY = ChannelProfile.INTERACTIVE_WITH_LOW_LATENCY_LIVE;

/** Nothing published, nothing subscribed, unless asked for. */
export const MANUAL = { publishMode: PublishMode.MANUALLY, subscribeMode: SubscribeMode.MANUALLY } as const;
/** Listens to everything, publishes nothing. */
export const LISTENING = { publishMode: PublishMode.MANUALLY, subscribeMode: SubscribeMode.AUTOMATICALLY } as const;
/** Publishes what is enabled, subscribes to nothing. */
export const PUBLISHING = { publishMode: PublishMode.AUTOMATICALLY, subscribeMode: SubscribeMode.MANUALLY } as const;

/** Engines made while rows wait for something, and ended while the next row runs: rows need many and should be quick. */
class EnginePool {
  readonly #client: AlirtcClient;
  readonly #spare: Promise<Engine>[] = [];
  readonly #taken: Engine[] = [];
  #made = 0;
  readonly #ending = new Set<Promise<void>>();

  private constructor(client: AlirtcClient) {
    this.#client = client;
  }

  static async open(daemon: RunningDaemon): Promise<EnginePool> {
    const pool = new EnginePool(await AlirtcClient.connect(daemon.address));
    for (let i = 0; i < SPARE_ENGINES; i++) pool.#prepare();
    return pool;
  }

  async take(): Promise<Engine> {
    const engine = await (this.#spare.shift() ?? this.#client.createEngine(channelServerOf(this.#made++)));
    this.#taken.push(engine);
    this.#prepare();
    return engine;
  }

  /** The row is over: its engines end. */
  release(): void {
    for (const engine of this.#taken.splice(0)) {
      const ending = engine.release().finally(() => this.#ending.delete(ending));
      this.#ending.add(ending);
    }
  }

  async close(): Promise<void> {
    this.#taken.push(...(await Promise.all(this.#spare.splice(0))));
    this.release();
    await Promise.all(this.#ending);
    this.#client.close();
  }

  #prepare(): void {
    const engine = this.#client.createEngine(channelServerOf(this.#made++));
    // Who takes it hears of it.
    engine.catch(() => undefined);
    this.#spare.push(engine);
  }
}

const SPARE_ENGINES = 3;
const pools = new WeakMap<RunningDaemon, EnginePool>();

/** One daemon for a file of rows: `const daemon = daemonOfFile()`, then `daemon()` inside a row. */
export function daemonOfFile(): () => RunningDaemon {
  let running: RunningDaemon | undefined;
  let pool: EnginePool | undefined;
  before(async function () {
    this.timeout(20_000);
    // The rows are about the interface, which has no name for what comes behind a core that died.
    running = await startDaemon({ args: ['--core-restart', 'never'] });
    pool = await EnginePool.open(running);
    pools.set(running, pool);
  });
  afterEach(() => pool?.release());
  after(async function () {
    this.timeout(30_000);
    await pool?.close();
    await running?.stop();
  });
  return () => {
    if (running === undefined) throw new Error('the daemon is not there');
    return running;
  };
}

/** An engine and its callbacks. */
export interface User {
  engine: Engine;
  callbacks: Callbacks;
}

export async function newUser(scene: ChannelScene): Promise<User> {
  const engine = await (pools.get(scene.daemon)?.take() ?? scene.engine());
  return { engine, callbacks: await Callbacks.of(engine) };
}

/** An engine that has joined the scene's channel; role is set before. */
export async function joined(
  scene: ChannelScene,
  userId: string,
  config: Partial<JoinChannelConfig> = {},
  role?: ClientRole,
): Promise<User> {
  const user = await newUser(scene);
  if (role !== undefined) await user.engine.setClientRole(role, { wait: false });
  await scene.join(user.engine, userId, { ...MANUAL, ...config });
  return user;
}

/** A LiveKit token with those permissions only. */
export function limitedToken(scene: ChannelScene, userId: string, grant: VideoGrant): Promise<string> {
  const token = new AccessToken(APP_ID, APP_KEY, { identity: userId, ttl: 600 });
  token.addGrant({ roomJoin: true, room: scene.channel, canUpdateOwnMetadata: true, ...grant });
  return token.toJwt();
}

export async function joinLimited(
  scene: ChannelScene,
  user: User,
  userId: string,
  grant: VideoGrant,
  config: Partial<JoinChannelConfig>,
): Promise<void> {
  await user.engine.joinChannel({
    token: await limitedToken(scene, userId, grant),
    channelId: scene.channel,
    userId,
    config: { channelProfile: COMMUNICATION, ...MANUAL, ...config },
  });
}

/** Small grey pictures into the camera or the screen until stop(). */
export class PictureFeed {
  readonly #timer: NodeJS.Timeout;

  private constructor(engine: Engine, sourceType: VideoSource, width: number, height: number, frameRate: number) {
    const data = Buffer.alloc((width * height * 3) / 2, 128);
    let number = 0;
    this.#timer = setInterval(() => {
      data.fill(16 + (number++ % 200), 0, width * 16);
      const frame = { width, height, format: VideoDataFormat.I420, timestampMs: 0, data };
      // A picture that comes at the end of an engine is of no interest.
      engine.pushExternalVideoFrame(frame, { sourceType }).catch(() => undefined);
    }, 1000 / frameRate);
  }

  static async start(engine: Engine, sourceType = VideoSource.CAMERA, width = 320, height = 240): Promise<PictureFeed> {
    await engine.setExternalVideoSource(true, { sourceType });
    // LiveKit takes a higher layer for alive again when five packets came in each of twenty half seconds (pkg/sfu/streamtracker).
    const frameRate = clusterNodes() === undefined ? 10 : 25;
    const config = { dimensions: { width, height }, frameRate };
    if (sourceType === VideoSource.CAMERA) await engine.setVideoEncoderConfiguration({ ...config, bitrateKbps: 0 });
    else await engine.setScreenShareEncoderConfiguration(config);
    return new PictureFeed(engine, sourceType, width, height, frameRate);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}
