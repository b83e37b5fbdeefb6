/**
 * A program on the stack's host: an engine at each of two daemons, in one channel, with pictures and sound both ways. Prints what each received, as JSON.
 *   two_nodes.ts <address> <address>
 */
import { AlirtcClient, ChannelProfile, PublishMode, SubscribeMode, type Engine } from '../../../client/index.js';
import { LiveFeed } from '../../support/channel_scene.js';
import { eventually } from '../../support/eventually.js';
import { steadyToneShare } from '../../support/media/tones.js';
import { Watch } from '../support/fault_scene.js';

const CHANNEL = 'both-nodes';
const FEED = { width: 320, height: 180, framesPerSecond: 15 };
const EVERYTHING = {
  channelProfile: ChannelProfile.COMMUNICATION,
  publishMode: PublishMode.AUTOMATICALLY,
  subscribeMode: SubscribeMode.AUTOMATICALLY,
};
const PICTURES = 30;
const DEADLINE_MS = 60_000;
const RATE_HZ = 48_000;
const ENOUGH = 0.8;
const TONE_MS = 30_000;

interface Side {
  client: AlirtcClient;
  engine: Engine;
  userId: string;
  feed: LiveFeed;
}

async function enter(address: string, userId: string, frequency: number): Promise<Side> {
  const client = await AlirtcClient.connect(address);
  const engine = await client.createEngine();
  const { token } = await client.generateToken({ channel: CHANNEL, userId });
  await engine.joinChannel({ token, channelId: CHANNEL, userId, userName: userId, config: EVERYTHING });
  return { client, engine, userId, feed: await LiveFeed.start(engine, { ...FEED, frequency }) };
}

/** The largest share that the tone had in a second of what one user says; a machine that is busy leaves gaps in some of them. */
async function toneOf(engine: Engine, uid: string, frequency: number): Promise<number> {
  let largest = 0;
  let second: number[] = [];
  for await (const frame of engine.audioFrames({ uids: [uid], signal: AbortSignal.timeout(TONE_MS) })) {
    for (let i = 0; i < frame.samples; i++) second.push(frame.data.readInt16LE(i * 2));
    if (second.length < RATE_HZ) continue;
    largest = Math.max(largest, steadyToneShare(Int16Array.from(second), RATE_HZ, frequency));
    if (largest > ENOUGH) break;
    second = [];
  }
  return largest;
}

async function main([address1 = '', address2 = '']: string[]): Promise<void> {
  const alice = await enter(address1, 'alice', 440);
  const bob = await enter(address2, 'bob', 1000);
  const received: Record<string, unknown> = {};
  for (const [side, other, frequency] of [
    [alice, bob, 1000],
    [bob, alice, 440],
  ] as const) {
    const watch = new Watch(side.engine, other.userId);
    await eventually(
      () => (watch.readable >= PICTURES ? undefined : `${side.userId} sees ${watch.readable} pictures`),
      DEADLINE_MS,
    );
    await watch.stop();
    const { processes } = await side.client.nodeStatus();
    received[side.userId] = {
      pictures: watch.readable,
      tone: await toneOf(side.engine, other.userId, frequency),
      daemon: processes.find(({ kind }) => kind === 'daemon')?.processId,
    };
  }
  for (const { feed, engine, client } of [alice, bob]) {
    await feed.stop();
    await engine.release();
    client.close();
  }
  process.stdout.write(`${JSON.stringify(received)}\n`);
}

await main(process.argv.slice(2));
