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
 * One rtc-node publisher of 720p30 at 2 Mbit/s by way of livekit-server; N engines with their gRPC clients, raw and encoded, and N rtc-node processes receive it, one
 * kind after the other so that two cores are enough: CPU and memory for each receiver.
 */
export async function clusterReceive(seconds = 12): Promise<void> {
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
    for (const count of COUNTS) {
      const theirs = await measureTheirs(scene, count, seconds);
      rows[`${count} rtc-node`] = theirs;
      for (const kind of ['raw', 'encoded'] as const) {
        const ours = await measureOurs(scene, count, kind, seconds);
        rows[`${count} engines, ${kind}`] = {
          ...ours,
          'to rtc-node': round((ours[ALL] ?? NaN) / (theirs[ALL] ?? NaN), 2),
        };
      }
    }
  } finally {
    await server.close();
  }
  console.log(`\n## 720p30 by way of livekit-server, for each receiver, ${seconds} s after ${WARM_UP_SECONDS} s`);
  console.table(rows);
}

const ALL = 'CPU ms/s';

async function measureOurs(scene: ChannelScene, count: number, kind: ReceivedKind, seconds: number): Promise<Row> {
  const children: BenchChild[] = [];
  const processes: Record<string, number> = { daemon: scene.daemon.ready.pid };
  const { used, frames } = await measure(children, processes, seconds, async () => {
    for (let i = 0; i < count; i++) {
      const { child, corePid } = await startOurs(scene, `${kind}${count}-${i}`, kind);
      children.push(child);
      processes[`core ${i}`] = corePid;
      processes[`client ${i}`] = child.pid;
    }
  });
  const each = (name: string, field: 'cpuMsPerSecond' | 'residentMB'): number =>
    Object.entries(used).reduce((sum, [key, value]) => sum + (key.startsWith(name) ? value[field] : 0), 0) / count;
  const cpu = (name: string): number => each(name, 'cpuMsPerSecond');
  return {
    fps: frames,
    [ALL]: round(cpu('core') + cpu('daemon') + cpu('client')),
    core: round(cpu('core')),
    daemon: round(cpu('daemon')),
    client: round(cpu('client')),
    'core MB': round(each('core', 'residentMB'), 0),
    'all MB': round(each('core', 'residentMB') + each('daemon', 'residentMB') + each('client', 'residentMB'), 0),
  };
}

async function measureTheirs(scene: ChannelScene, count: number, seconds: number): Promise<Row> {
  const children: BenchChild[] = [];
  const processes: Record<string, number> = {};
  const { used, frames } = await measure(children, processes, seconds, async () => {
    for (let i = 0; i < count; i++) {
      const child = await startTheirs(scene, [`theirs${count}-${i}`]);
      children.push(child);
      processes[`theirs ${i}`] = child.pid;
    }
  });
  const mean = (field: 'cpuMsPerSecond' | 'residentMB'): number =>
    Object.values(used).reduce((sum, value) => sum + value[field], 0) / count;
  return { fps: frames, [ALL]: round(mean('cpuMsPerSecond')), 'all MB': round(mean('residentMB'), 0) };
}

interface Measured {
  used: ReturnType<UsageMeter['read']>;
  /** Of each receiver, a second. */
  frames: number;
}

/** `start` fills the lists; what it started is ended here. */
async function measure(
  children: readonly BenchChild[],
  processes: Readonly<Record<string, number>>,
  seconds: number,
  start: () => Promise<void>,
): Promise<Measured> {
  const received = async (): Promise<number> =>
    (await Promise.all(children.map(countOf))).reduce((sum, { frames }) => sum + frames, 0);
  try {
    await start();
    await pass(WARM_UP_SECONDS);
    const before = await received();
    const meter = new UsageMeter(processes);
    await pass(seconds);
    const used = meter.read();
    return { used, frames: round(((await received()) - before) / seconds / children.length) };
  } finally {
    await Promise.all(children.map((child) => child[Symbol.asyncDispose]()));
  }
}
