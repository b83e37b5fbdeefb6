import { ChannelProfile } from '../client/index.js';
import { ChannelScene } from '../test/support/channel_scene.js';
import { eventually } from '../test/support/eventually.js';
import { startDaemon } from '../test/support/running_daemon.js';
import { readProcessUsage } from './support/process_usage.js';
import { quantile, round } from './support/statistics.js';

const SETTLE_MS = 500;
const CONNECTIONS = ['single', 'dual'] as const;

/** CreateAliRTCEngine to its answer when a core has been started ahead; each time the pool is full again. */
async function warmCreations(runs: number): Promise<number[]> {
  await using daemon = await startDaemon({ args: ['--warm-cores', '1'] });
  await using scene = await ChannelScene.open(daemon);
  const createMs: number[] = [];
  for (let i = 0; i < runs; i++) {
    await eventually(async () => {
      const { processes } = await scene.client.nodeStatus();
      return processes.some(({ kind }) => kind === 'warm-core') ? undefined : 'no warm core';
    });
    // What starts a process still has work of its own for a moment.
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const startedAt = performance.now();
    const engine = await scene.client.createEngine();
    createMs.push(performance.now() - startedAt);
    await engine.release();
  }
  return createMs;
}

/** CreateAliRTCEngine to its answer, JoinChannel to OnJoinChannelResult, and the core's memory then, by one peer connection and by two in turn. One after the other. */
export async function startup(runs = 20): Promise<void> {
  await using scene = await ChannelScene.open();
  const createMs: number[] = [];
  const joinMs = { single: [] as number[], dual: [] as number[] };
  const megabytes = { single: [] as number[], dual: [] as number[] };
  for (let i = 0; i < runs * CONNECTIONS.length; i++) {
    const connections = CONNECTIONS[i % CONNECTIONS.length] ?? 'single';
    const t0 = performance.now();
    const engine = await scene.engine();
    createMs.push(performance.now() - t0);
    await engine.setParameter({ alirtcd: { connections } });
    const { token } = await scene.client.generateToken({ channel: scene.channel, userId: `u${i}` });
    const t1 = performance.now();
    await engine.joinChannel({
      token,
      channelId: scene.channel,
      userId: `u${i}`,
      config: { channelProfile: ChannelProfile.COMMUNICATION },
    });
    joinMs[connections].push(performance.now() - t1);
    megabytes[connections].push((readProcessUsage(engine.coreProcessId)?.residentBytes ?? NaN) / 1e6);
    await engine.release();
  }
  console.log(`\n## start, ${runs} engines by one peer connection and ${runs} by two, one after the other`);
  const row = (values: number[]): Record<string, number> => ({
    first: round(values[0] ?? NaN),
    median: round(quantile(values, 0.5)),
    p90: round(quantile(values, 0.9)),
  });
  console.table({
    'create to ready, ms': row(createMs),
    'create to ready with a warm core, ms': row(await warmCreations(runs)),
    'join to result, ms': row(joinMs.single),
    'join to result by two connections, ms': row(joinMs.dual),
    'core resident when joined, MB': row(megabytes.single),
    'core resident when joined by two connections, MB': row(megabytes.dual),
  });
}
