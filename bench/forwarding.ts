import { ChannelScene } from '../test/support/channel_scene.js';
import { startDaemon } from '../test/support/running_daemon.js';
import { startLiveKitServer } from './support/livekit.js';
import { UsageMeter } from './support/process_usage.js';
import { countOf, pass, startTheirs } from './support/receivers.js';
import { round } from './support/statistics.js';

const RECEIVERS = 10;
const WARM_UP_SECONDS = 15;

/** The embedded channel server beside livekit-server, one after the other: one publisher of 480p15 and ten receivers, all rtc-node; CPU of the server for each stream. */
export async function forwarding(seconds = 15): Promise<void> {
  const rows: Record<string, Record<string, number>> = {};
  {
    await using scene = await ChannelScene.open();
    const { processes } = await scene.client.nodeStatus();
    const pid = processes.find(({ kind }) => kind === 'channel-server')?.processId;
    if (pid === undefined) throw new Error('the daemon names no channel server');
    rows['embedded'] = await measure(scene, pid, seconds);
  }
  const server = await startLiveKitServer('forwarding by livekit-server');
  if (server !== undefined)
    try {
      await using daemon = await startDaemon({ args: ['--channel-server-url', server.url] });
      await using scene = await ChannelScene.open(daemon);
      rows['livekit-server'] = await measure(scene, server.process.pid ?? 0, seconds);
    } finally {
      await server.close();
    }
  console.log(`\n## forwarding 480p15, one publisher and ${RECEIVERS} receivers, ${seconds} s`);
  console.table(rows);
}

async function measure(scene: ChannelScene, server: number, seconds: number): Promise<Record<string, number>> {
  const publisher = await scene.peer('publisher', { autoSubscribe: false });
  await publisher.call('publish_video', { width: 640, height: 480, framesPerSecond: 15, maxBitrate: 700_000 });
  const userIds = Array.from({ length: RECEIVERS }, (_, i) => `receiver${i}`);
  await using audience = await startTheirs(scene, userIds);
  await pass(WARM_UP_SECONDS);
  const before = (await countOf(audience)).frames;
  const meter = new UsageMeter({ server });
  await pass(seconds);
  const used = meter.read()['server'];
  const frames = (await countOf(audience)).frames - before;
  const total = used?.cpuMsPerSecond ?? NaN;
  return {
    'fps a receiver': round(frames / seconds / RECEIVERS),
    'server, ms/s': total,
    'ms/s a forwarded stream': round(total / RECEIVERS, 2),
    'server MB': used?.residentMB ?? NaN,
  };
}
