import { ChannelScene } from '../test/support/channel_scene.js';
import { TokenFormat } from '../client/index.js';
import { BenchChild } from './support/child.js';
import { UsageMeter } from './support/process_usage.js';
import { round } from './support/statistics.js';

interface Count {
  frames: number;
  bytes: number;
  dropped: number;
  width: number;
  height: number;
}

const WARM_UP_MS = 8_000;

/**
 * One rtc-node publisher of 720p30 H.264 at 2 Mbit/s; our engine with a gRPC client, and an rtc-node process with VideoStream, receive it at the same time.
 */
export async function receiveRaw(kind: 'raw' | 'encoded', seconds = 15): Promise<void> {
  await using scene = await ChannelScene.open();
  const publisher = await scene.peer('publisher', { autoSubscribe: false });
  await publisher.call('publish_video', {
    width: 1280,
    height: 720,
    framesPerSecond: 30,
    codec: 'h264',
    maxBitrate: 2_000_000,
    // With more, rtc-node's encoder drops pictures to keep to the bit rate.
    detail: 0.3,
  });
  await using ours = BenchChild.start('processes/grpc_receiver.ts', {
    address: scene.daemon.address,
    channel: scene.channel,
    userId: 'ours',
    kind,
  });
  const { corePid } = (await ours.next('ready')) as { corePid: number };
  const { token, channelServerUrl } = await scene.client.generateToken({
    channel: scene.channel,
    userId: 'theirs',
    format: TokenFormat.LIVEKIT,
  });
  await using theirs = BenchChild.start('processes/rtc_node_receiver.ts', { url: channelServerUrl, token });
  await theirs.next('ready');
  await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
  const status = await scene.client.nodeStatus();
  const server = status.processes.find((p) => p.kind === 'channel-server')?.processId;
  const meter = new UsageMeter({
    core: corePid,
    daemon: scene.daemon.ready.pid,
    client: ours.pid,
    'rtc-node': theirs.pid,
    ...(server === undefined ? {} : { 'channel server': server }),
    publisher: publisher.pid,
  });
  const [oursBefore, theirsBefore] = [await countOf(ours), await countOf(theirs)];
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const usage = meter.read();
  const [oursAfter, theirsAfter] = [await countOf(ours), await countOf(theirs)];
  const rate = (after: Count, before: Count): number => round((after.frames - before.frames) / seconds);
  const total = ['core', 'daemon', 'client'].reduce((sum, name) => sum + (usage[name]?.cpuMsPerSecond ?? 0), 0);
  const peer = usage['rtc-node']?.cpuMsPerSecond ?? NaN;
  console.log(`\n## ${kind} pictures, 1280x720 at 30 fps, H.264 2 Mbit/s, ${seconds} s`);
  console.table(usage);
  console.log(
    `ours: ${rate(oursAfter, oursBefore)} fps ${oursAfter.width}x${oursAfter.height}, dropped ${oursAfter.dropped - oursBefore.dropped}; ` +
      `rtc-node: ${rate(theirsAfter, theirsBefore)} fps ${theirsAfter.width}x${theirsAfter.height}`,
  );
  if (kind === 'encoded')
    console.log(`encoded: ${round(((oursAfter.bytes - oursBefore.bytes) * 8) / seconds / 1e6, 2)} Mbit/s`);
  console.log(`core + daemon + client: ${total} ms/s; rtc-node: ${peer} ms/s; ratio ${round(total / peer, 2)}`);
}

async function countOf(child: BenchChild): Promise<Count> {
  child.ask('count');
  return (await child.next('count'))['count'] as Count;
}
