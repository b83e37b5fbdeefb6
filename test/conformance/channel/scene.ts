import { AccessToken, type VideoGrant } from 'livekit-server-sdk';
import type { ClientRole } from '../../../client/index.js';
import {
  ChannelProfile,
  PublishMode,
  SubscribeMode,
  VideoDataFormat,
  VideoSource,
  type Engine,
  type JoinChannelConfig,
} from '../../../client/index.js';
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

/** One daemon for a file of rows: `const daemon = daemonOfFile()`, then `daemon()` inside a row. */
export function daemonOfFile(): () => RunningDaemon {
  let running: RunningDaemon | undefined;
  before(async function () {
    this.timeout(20_000);
    running = await startDaemon();
  });
  after(async function () {
    this.timeout(20_000);
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
  const engine = await scene.engine();
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

/** Small grey pictures, ten a second, into the camera or the screen until stop(). */
export class PictureFeed {
  readonly #timer: NodeJS.Timeout;

  private constructor(engine: Engine, sourceType: VideoSource, width: number, height: number) {
    const data = Buffer.alloc((width * height * 3) / 2, 128);
    let number = 0;
    this.#timer = setInterval(() => {
      data.fill(16 + (number++ % 200), 0, width * 16);
      const frame = { width, height, format: VideoDataFormat.I420, timestampMs: 0, data };
      // A picture that comes at the end of an engine is of no interest.
      engine.pushExternalVideoFrame(frame, { sourceType }).catch(() => undefined);
    }, 100);
  }

  static async start(engine: Engine, sourceType = VideoSource.CAMERA, width = 320, height = 240): Promise<PictureFeed> {
    await engine.setExternalVideoSource(true, { sourceType });
    const config = { dimensions: { width, height }, frameRate: 10 };
    if (sourceType === VideoSource.CAMERA) await engine.setVideoEncoderConfiguration({ ...config, bitrateKbps: 0 });
    else await engine.setScreenShareEncoderConfiguration(config);
    return new PictureFeed(engine, sourceType, width, height);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}
