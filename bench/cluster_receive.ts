import { ChannelScene } from '../test/support/channel_scene.js';
import { startDaemon } from '../test/support/running_daemon.js';
import type { BenchChild } from './support/child.js';
import { startLiveKitServer } from './support/livekit.js';
import { UsageMeter } from './support/process_usage.js';
import { countOf, pass, startOurs, startTheirs, type ReceivedKind } from './support/receivers.js';
import { round } from './support/statistics.js';

const COUNTS = [1, 4, 8];
/** What is compiled while it runs has been compiled by then. */
const WARM_UP_SECONDS = 25;

type Row = Record<string, number>;

/**
 * One rtc-node publisher of 720p30 at 2 Mbit/s by way of livekit-server; N engines with their gRPC clients, and N rtc-node processes beside them at the same time:
 * CPU and memory for each receiver, and CPU for each picture that was delivered, because a machine that is too small for 2 N receivers drops some.
 */
export async function clusterReceive(seconds = 15): Promise<void> {
  const server = await startLiveKitServer('receiving by way of livekit-server');
  if (server === undefined) return;
  const rows: Record<string, Row> = {};
  try {
    await using daemon = await startDaemon({ args: ['--channel-server-url', server.url] });
    await using scene = await ChannelScene.open(daemon);
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
    for (const kind of ['raw', 'encoded'] as const)
      for (const count of COUNTS) {
        const { ours, theirs } = await measure(scene, count, kind, seconds);
        const ratio = round((ours[PER_PICTURE] ?? NaN) / (theirs[PER_PICTURE] ?? NaN), 2);
        rows[`${count} engines, ${kind}`] = { ...ours, 'to rtc-node': ratio };
        rows[`${count} rtc-node beside ${kind}`] = theirs;
      }
  } finally {
    await server.close();
  }
  console.log(`\n## 720p30 by way of livekit-server, for each receiver, ${seconds} s after ${WARM_UP_SECONDS} s`);
  console.table(rows);
}

const PER_PICTURE = 'CPU ms a picture';

/** Starts the receivers, measures both kinds over the same time, ends them. */
async function measure(
  scene: ChannelScene,
  count: number,
  kind: ReceivedKind,
  seconds: number,
): Promise<{ ours: Row; theirs: Row }> {
  const [ours, theirs]: [BenchChild[], BenchChild[]] = [[], []];
  const processes: Record<string, number> = { daemon: scene.daemon.ready.pid };
  try {
    for (let i = 0; i < count; i++) {
      const { child, corePid } = await startOurs(scene, `${kind}${count}-${i}`, kind);
      ours.push(child);
      processes[`core ${i}`] = corePid;
      processes[`client ${i}`] = child.pid;
      const peer = await startTheirs(scene, [`beside-${kind}${count}-${i}`]);
      theirs.push(peer);
      processes[`theirs ${i}`] = peer.pid;
    }
    await pass(WARM_UP_SECONDS);
    const before = [await received(ours), await received(theirs)] as const;
    const meter = new UsageMeter(processes);
    await pass(seconds);
    const each = shares(meter.read(), count);
    const fps = [await received(ours), await received(theirs)].map((frames, who) =>
      round((frames - (before[who] ?? 0)) / seconds / count),
    );
    return { ours: ourRow(each, fps[0] ?? NaN), theirs: theirRow(each, fps[1] ?? NaN) };
  } finally {
    await Promise.all([...ours, ...theirs].map((child) => child[Symbol.asyncDispose]()));
  }
}

async function received(children: readonly BenchChild[]): Promise<number> {
  return (await Promise.all(children.map(countOf))).reduce((sum, { frames }) => sum + frames, 0);
}

type Share = (name: string, field?: 'cpuMsPerSecond' | 'residentMB') => number;

/** What one receiver has of all processes whose names begin so. */
function shares(used: ReturnType<UsageMeter['read']>, count: number): Share {
  return (name, field = 'cpuMsPerSecond') =>
    round(
      Object.entries(used).reduce((sum, [key, value]) => sum + (key.startsWith(name) ? value[field] : 0), 0) / count,
    );
}

function ourRow(each: Share, fps: number): Row {
  const [core, daemon, client] = [each('core'), each('daemon'), each('client')];
  const all = round(core + daemon + client);
  const megabytes = ['core', 'daemon', 'client'].reduce((sum, name) => sum + each(name, 'residentMB'), 0);
  return {
    fps,
    'CPU ms/s': all,
    core,
    daemon,
    client,
    [PER_PICTURE]: round(all / fps, 2),
    'core MB': each('core', 'residentMB'),
    'all MB': round(megabytes),
  };
}

function theirRow(each: Share, fps: number): Row {
  const all = each('theirs');
  return { fps, 'CPU ms/s': all, [PER_PICTURE]: round(all / fps, 2), 'all MB': each('theirs', 'residentMB') };
}
