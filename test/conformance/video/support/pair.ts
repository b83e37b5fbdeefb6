import type { Engine, JoinChannelConfig } from '../../../../client/index.js';
import { ChannelScene } from '../../../support/channel_scene.js';
import type { RunningDaemon } from '../../../support/running_daemon.js';

/** A sender ("sender") and a receiver ("receiver") in one channel of their own; the sender's camera is published. */
export async function openPair(
  daemon: RunningDaemon,
  options: {
    /** Before the sender joins. */
    prepare?: (sender: Engine) => Promise<unknown>;
    senderConfig?: Partial<JoinChannelConfig>;
    receiverConfig?: Partial<JoinChannelConfig>;
  } = {},
): Promise<{ scene: ChannelScene; sender: Engine; receiver: Engine } & AsyncDisposable> {
  const scene = await ChannelScene.open(daemon);
  try {
    const [sender, receiver] = await Promise.all([scene.engine(), scene.engine()]);
    await options.prepare?.(sender);
    await Promise.all([
      scene.join(receiver, 'receiver', options.receiverConfig),
      scene.join(sender, 'sender', options.senderConfig),
    ]);
    // Until then what is pushed waits, and no more than five pictures may.
    await sender.publishLocalVideoStream(true);
    return { scene, sender, receiver, [Symbol.asyncDispose]: () => scene[Symbol.asyncDispose]() };
  } catch (error) {
    await scene[Symbol.asyncDispose]();
    throw error;
  }
}
