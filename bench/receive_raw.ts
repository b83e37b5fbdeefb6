import { ChannelScene } from '../test/support/channel_scene.js';
import { UsageMeter } from './support/process_usage.js';
import { countOf, pass, startOurs, startTheirs, type ReceivedCount, type ReceivedKind } from './support/receivers.js';
import { round } from './support/statistics.js';

/** From the first picture on, and when what is compiled while it runs has been compiled: a receiver runs for minutes and hours. */
const BEGINNINGS_SECONDS = [8, 40];

/**
 * One rtc-node publisher of 720p30 H.264 at 2 Mbit/s; our engine with a gRPC client, and an rtc-node process with VideoStream, receive it at the same time.
 */
export async function receiveRaw(kind: ReceivedKind, seconds = 15): Promise<void> {
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
  const { child, corePid } = await startOurs(scene, 'ours', kind);
  await using ours = child;
  await using _ours = ours;
  await using theirs = await startTheirs(scene, ['theirs']);
  const status = await scene.client.nodeStatus();
  const server = status.processes.find((p) => p.kind === 'channel-server')?.processId;
  const processes = {
    core: corePid,
    daemon: scene.daemon.ready.pid,
    client: ours.pid,
    'rtc-node': theirs.pid,
    ...(server === undefined ? {} : { 'channel server': server }),
    publisher: publisher.pid,
  };
  console.log(`\n## ${kind} pictures, 1280x720 at 30 fps, H.264 2 Mbit/s, ${seconds} s`);
  const startedAt = performance.now();
  for (const beginning of BEGINNINGS_SECONDS) {
    await pass(Math.max(0, beginning - (performance.now() - startedAt) / 1000));
    const meter = new UsageMeter(processes);
    const before = [await countOf(ours), await countOf(theirs)] as const;
    await pass(seconds);
    const after = [await countOf(ours), await countOf(theirs)] as const;
    console.log(`\nfrom the ${beginning}th second on`);
    report(meter.read(), before, after, seconds);
  }
}

type Counts = readonly [ours: ReceivedCount, theirs: ReceivedCount];

function report(usage: ReturnType<UsageMeter['read']>, before: Counts, after: Counts, seconds: number): void {
  console.table(usage);
  const rate = (who: 0 | 1): string => {
    const { frames, width, height } = after[who];
    return `${round((frames - before[who].frames) / seconds)} fps ${width}x${height}`;
  };
  const megabits = round(((after[0].bytes - before[0].bytes) * 8) / seconds / 1e6, 2);
  const dropped = after[0].dropped - before[0].dropped;
  console.log(`ours: ${rate(0)}, ${megabits} Mbit/s, dropped ${dropped}; rtc-node: ${rate(1)}`);
  const total = ['core', 'daemon', 'client'].reduce((sum, name) => sum + (usage[name]?.cpuMsPerSecond ?? 0), 0);
  const peer = usage['rtc-node']?.cpuMsPerSecond ?? NaN;
  console.log(`core + daemon + client: ${total} ms/s; rtc-node: ${peer} ms/s; ratio ${round(total / peer, 2)}`);
  // On a busy machine the two do not deliver the same.
  const frames = ([0, 1] as const).map((who) => after[who].frames - before[who].frames);
  const perPicture = [total, peer].map((ms, who) => round((ms * seconds) / (frames[who] ?? NaN), 2));
  console.log(
    `for each delivered picture: ${perPicture.join(' ms and ')} ms; ratio ${round((perPicture[0] ?? NaN) / (perPicture[1] ?? NaN), 2)}`,
  );
}
