import { ChannelScene } from '../test/support/channel_scene.js';
import { UsageMeter } from './support/process_usage.js';
import { countOf, pass, startOurs } from './support/receivers.js';
import { round } from './support/statistics.js';

const WARM_UP_SECONDS = 10;

/** 1, 2, 4 and 8 users of 640x480 at 15 fps in one channel, received by one engine, raw and encoded: the cost of each user. */
export async function manyUsers(seconds = 8): Promise<void> {
  const rows: Record<string, Record<string, number>> = {};
  for (const kind of ['raw', 'encoded'] as const)
    for (const users of [1, 2, 4, 8]) rows[`${users} users, ${kind}`] = await measure(users, kind, seconds);
  console.log(`\n## users of 480p15 in one channel, one receiving engine, ${seconds} s each`);
  console.table(rows);
}

async function measure(users: number, kind: 'raw' | 'encoded', seconds: number): Promise<Record<string, number>> {
  await using scene = await ChannelScene.open();
  for (let i = 0; i < users; i++) {
    const peer = await scene.peer(`user${i}`, { autoSubscribe: false });
    await peer.call('publish_video', { width: 640, height: 480, framesPerSecond: 15, maxBitrate: 700_000 });
  }
  const { child, corePid } = await startOurs(scene, 'receiver', kind);
  await using receiver = child;
  await pass(WARM_UP_SECONDS);
  const meter = new UsageMeter({ core: corePid, daemon: scene.daemon.ready.pid, client: receiver.pid });
  const before = await countOf(receiver);
  await pass(seconds);
  const usage = meter.read();
  const frames = (await countOf(receiver)).frames - before.frames;
  const total = Object.values(usage).reduce((sum, { cpuMsPerSecond }) => sum + cpuMsPerSecond, 0);
  return {
    'fps a user': round(frames / seconds / users),
    'core ms/s': usage['core']?.cpuMsPerSecond ?? NaN,
    'daemon ms/s': usage['daemon']?.cpuMsPerSecond ?? NaN,
    'client ms/s': usage['client']?.cpuMsPerSecond ?? NaN,
    'all, ms/s a user': round(total / users),
    'core MB': usage['core']?.residentMB ?? NaN,
  };
}
