import { TokenFormat } from '../../client/index.js';
import type { ChannelScene } from '../../test/support/channel_scene.js';
import { BenchChild } from './child.js';

/** What a receiving process has counted since it started. */
export interface ReceivedCount {
  frames: number;
  bytes: number;
  dropped: number;
  width: number;
  height: number;
}

export type ReceivedKind = 'raw' | 'encoded';

/** A gRPC client with an engine of its own in the scene's channel, receiving. */
export async function startOurs(
  scene: ChannelScene,
  userId: string,
  kind: ReceivedKind,
): Promise<{ child: BenchChild; corePid: number }> {
  const { address } = scene.daemon;
  const child = BenchChild.start('processes/grpc_receiver.ts', { address, channel: scene.channel, userId, kind });
  const { corePid } = (await child.next('ready')) as { corePid: number };
  return { child, corePid };
}

/** An rtc-node process with as many rooms as user ids, receiving by VideoStream. */
export async function startTheirs(scene: ChannelScene, userIds: readonly string[]): Promise<BenchChild> {
  const made = userIds.map((userId) =>
    scene.client.generateToken({ channel: scene.channel, userId, format: TokenFormat.LIVEKIT }),
  );
  const answers = await Promise.all(made);
  const child = BenchChild.start('processes/rtc_node_receiver.ts', {
    url: answers[0]?.channelServerUrl ?? '',
    tokens: answers.map(({ token }) => token),
  });
  await child.next('ready', 60_000);
  return child;
}

export async function countOf(child: BenchChild): Promise<ReceivedCount> {
  child.ask('count');
  return (await child.next('count'))['count'] as ReceivedCount;
}

/** Waits for the time over which something is measured. */
export function pass(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
