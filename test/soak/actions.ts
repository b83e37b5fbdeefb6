import { randomBytes } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { AlirtcStatusError, DataMsgType, VideoSource, VideoStreamType } from '../../client/index.js';
import { NumberedPictures } from '../support/media/numbered_picture.js';
import { ANCHOR, PICTURE } from './protocol.js';
import type { Session } from './session.js';

/** Shorter than the limit of silence: who is muted, or publishes nothing for that long, need not be excused. */
const SHORT_MS = 2_000;
const SLOW_PICTURES = 4;
const SLOW_PERIOD_MS = 1_000;
const BRIEF_FRAMES = 20;
const SCREEN_PICTURES = 10;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What the clients of real fleets do with an engine in a channel. */
const ACTIONS = {
  /** Somebody else's pictures or sound, by one of the kinds of streams. */
  follow: async (session: Session) => {
    const chosen = session.someoneToFollow();
    if (chosen !== undefined) await session.follow(chosen.uid, chosen.kind);
  },
  unfollow: async (session: Session) => {
    const flow = session.tools.random.pick(session.flows.filter(({ uid }) => uid !== ANCHOR));
    if (flow !== undefined) await session.unfollow(flow, true);
  },
  /** A stream is cancelled, and opened again at once. */
  reopen: async (session: Session) => {
    const flow = session.tools.random.pick(session.flows);
    if (flow === undefined) return;
    await session.unfollow(flow, false);
    await session.follow(flow.uid, flow.kind);
  },
  /** A reader that takes a picture a second, by gRPC. */
  readSlowly: async ({ tools, engine, roster }: Session) => {
    const uids = roster.uids.filter((uid) => roster.has(uid, 'pictures'));
    if (uids.length === 0) return;
    const abort = AbortSignal.timeout(2 * SLOW_PICTURES * SLOW_PERIOD_MS);
    await tools.attempt('reading slowly', async () => {
      let count = 0;
      for await (const picture of engine.pictures({ uids, sharedMemory: false, signal: abort })) {
        picture.release();
        if (++count === SLOW_PICTURES) break;
        await pause(SLOW_PERIOD_MS);
      }
    });
  },
  /** A stream of all sound for a moment. */
  listenBriefly: async ({ tools, engine }: Session) => {
    const signal = AbortSignal.timeout(5_000);
    const frames = tools.random.chance(0.5) ? engine.mixedAudio({ signal }) : engine.mixedAudioAac({ signal });
    await tools.attempt('listening for a moment', async () => {
      let count = 0;
      for await (const frame of frames) if (frame.sequence > 0 && ++count === BRIEF_FRAMES) break;
    });
  },
  sendMessage: async ({ tools, engine }: Session) => {
    await tools.attempt('sending a message', () =>
      engine.sendDataChannelMessage({
        type: DataMsgType.CUSTOM,
        data: randomBytes(Math.ceil(tools.random.between(1, 900))),
      }),
    );
  },
  sendSei: async (session: Session) => {
    if (!session.isPublishing) return;
    const { tools, engine } = session;
    const message = randomBytes(Math.ceil(tools.random.between(1, 400)));
    await tools.attempt('sending SEI', () => engine.sendMediaExtensionMsg(message, { repeatCount: 3 }));
  },
  muteCamera: async (session: Session) => {
    if (!session.isPublishing) return;
    await session.tools.attempt('muting the camera', () => session.engine.muteLocalCamera(true));
    await pause(SHORT_MS);
    await session.tools.attempt('unmuting the camera', () => session.engine.muteLocalCamera(false));
  },
  muteMic: async (session: Session) => {
    if (!session.isPublishing) return;
    await session.tools.attempt('muting the microphone', () => session.engine.muteLocalMic(true));
    await pause(SHORT_MS);
    await session.tools.attempt('unmuting the microphone', () => session.engine.muteLocalMic(false));
  },
  /** A small stream beside the large one, for a while. What is pushed as H.264 has none. */
  dualStream: async (session: Session) => {
    if (!session.isPublishing || session.feed?.kind !== 'raw') return;
    await session.tools.attempt('publishing two streams', () => session.engine.publishLocalDualStream(true));
    await pause(SHORT_MS);
    await session.tools.attempt('publishing one stream', () => session.engine.publishLocalDualStream(false));
  },
  /** A shared screen of a few pictures. */
  shareScreen: async (session: Session) => {
    const { tools, engine } = session;
    const { width, height, framesPerSecond } = PICTURE;
    const drawer = new NumberedPictures(width, height, framesPerSecond, 0.3);
    await tools.attempt('sharing a screen', async () => {
      await engine.setExternalVideoSource(true, { sourceType: VideoSource.SCREEN_SHARE });
      await engine.publishScreenShareStream(true);
      await using push = engine.videoPush({ source: VideoSource.SCREEN_SHARE });
      for (let number = 0; number < SCREEN_PICTURES; number++) {
        await push.push({ format: 2, width, height, data: drawer.draw(number) });
        await pause(1000 / framesPerSecond);
      }
      await push.end();
      await engine.publishScreenShareStream(false);
    });
  },
  chooseLayer: async ({ tools, engine, flows }: Session) => {
    const flow = tools.random.pick(flows.filter(({ isSound }) => !isSound));
    if (flow === undefined) return;
    const type = tools.random.pick([VideoStreamType.HIGH, VideoStreamType.LOW]) ?? VideoStreamType.HIGH;
    await tools.attempt('choosing a stream', () => engine.setRemoteVideoStreamType(flow.uid, type));
  },
  /** Stops to publish, and publishes again. */
  republish: async (session: Session) => {
    if (!session.isPublishing) return;
    await session.setPublishing(false);
    await pause(session.tools.random.between(200, SHORT_MS));
    await session.setPublishing(true);
  },
  resumeEvents: async ({ roster }: Session) => roster.resume(),
  look: async ({ tools, engine }: Session) => {
    await tools.attempt('looking', async () => {
      await engine.snapshot();
      await engine.getRemainDataBufferSize();
      await tools.client.nodeStatus();
      await tools.client.listEngines();
    });
  },
  /** A call that has to be refused. */
  mistake: async ({ tools, engine }: Session) => {
    await tools.attempt('making a mistake', async () => {
      const refused = await engine.setExternalAudioPublishVolume(101).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (refused instanceof AlirtcStatusError && refused.code === status.INVALID_ARGUMENT) return;
      throw refused instanceof Error ? refused : new Error('a volume of 101 was taken');
    });
  },
} satisfies Record<string, (session: Session) => Promise<void>>;

type Action = keyof typeof ACTIONS;

const WEIGHTS: Readonly<Record<Action, number>> = {
  follow: 6,
  unfollow: 2,
  reopen: 3,
  readSlowly: 2,
  listenBriefly: 2,
  sendMessage: 3,
  sendSei: 2,
  muteCamera: 1,
  muteMic: 1,
  dualStream: 2,
  shareScreen: 1,
  chooseLayer: 2,
  republish: 2,
  resumeEvents: 2,
  look: 2,
  mistake: 1,
};

/** Does one of them. */
export async function act(session: Session): Promise<void> {
  await ACTIONS[session.tools.random.weighted(WEIGHTS)](session);
}
