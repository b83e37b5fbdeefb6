import { ChannelProfile } from '../client/index.js';
import { ChannelScene } from '../test/support/channel_scene.js';
import { readProcessUsage } from './support/process_usage.js';
import { quantile, round } from './support/statistics.js';

/** CreateAliRTCEngine to its answer, JoinChannel to OnJoinChannelResult, and the core's memory then. One after the other. */
export async function startup(runs = 20): Promise<void> {
  await using scene = await ChannelScene.open();
  const createMs: number[] = [];
  const joinMs: number[] = [];
  const megabytes: number[] = [];
  for (let i = 0; i < runs; i++) {
    const t0 = performance.now();
    const engine = await scene.engine();
    createMs.push(performance.now() - t0);
    const { token } = await scene.client.generateToken({ channel: scene.channel, userId: `u${i}` });
    const t1 = performance.now();
    await engine.joinChannel({
      token,
      channelId: scene.channel,
      userId: `u${i}`,
      config: { channelProfile: ChannelProfile.COMMUNICATION },
    });
    joinMs.push(performance.now() - t1);
    megabytes.push((readProcessUsage(engine.coreProcessId)?.residentBytes ?? NaN) / 1e6);
    await engine.release();
  }
  console.log(`\n## start, ${runs} engines one after the other`);
  const row = (values: number[]): Record<string, number> => ({
    first: round(values[0] ?? NaN),
    median: round(quantile(values, 0.5)),
    p90: round(quantile(values, 0.9)),
  });
  console.table({
    'create to ready, ms': row(createMs),
    'join to result, ms': row(joinMs),
    'core resident when joined, MB': row(megabytes),
  });
}
