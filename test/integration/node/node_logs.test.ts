import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { AlirtcClient, AlirtcStatusError, ChannelProfile } from '../../../client/index.js';
import type { GetLogsResponse } from '../../../gen/alirtc/v1/node.js';
import { AlirtcCommand, alirtc } from '../../support/alirtc_command.js';
import { ChannelScene, LiveFeed } from '../../support/channel_scene.js';
import { DaemonProcess } from '../../support/daemon_process.js';
import { eventually } from '../../support/eventually.js';
import { APP_KEY } from '../../support/running_daemon.js';

interface Line {
  level: string;
  msg: string;
  engineId?: string;
  lost?: number;
}
const parsed = (lines: readonly string[]): Line[] => lines.map((line) => JSON.parse(line) as Line);

describe('the log of a daemon with live media, read by alirtc node logs', function () {
  this.timeout(120_000);
  let scene: ChannelScene;
  before(async () => void (scene = await ChannelScene.open()));
  after(() => scene[Symbol.asyncDispose]());
  const command = (...args: string[]): AlirtcCommand =>
    new AlirtcCommand(['--address', scene.daemon.address, 'node', 'logs', ...args]);
  const logs = (...args: string[]) => command(...args).ended;

  it('is what stands in the log: the newest lines, and no more', async () => {
    const { code, out } = await logs('--since-lines', '5000', '--json');
    assert.equal(code, 0);
    const written = scene.daemon.log();
    assert.ok(out.some((line) => line.includes('"msg":"ready"')));
    assert.deepEqual(out, written.slice(0, out.length));
    const last = await logs('--since-lines', '1');
    assert.deepEqual([last.out.length, (await logs('--since-lines', '0')).out.length], [1, 0]);
    assert.match(last.out[0] ?? '', /^\d{4}-\d\d-\d\dT[\d:.]+Z {2}info {3}/);
  });

  it('of one engine: what the daemon writes about it and what its core writes, at a level raised meanwhile', async () => {
    const [loud, quiet] = [await scene.engine(), await scene.engine()];
    const following = command('--engine', loud.engineId, '--follow', '--since-lines', '10', '--json');
    await following.line((line) => line.includes('engine created'));
    const set = await logs('--engine', loud.engineId, '--set-level', 'debug');
    assert.deepEqual([set.code, set.out, set.err], [0, [], [`what is logged of ${loud.engineId}: debug`]]);
    await scene.join(loud, 'loud');
    await scene.join(quiet, 'quiet');
    // The first is the daemon's, the second the core's.
    await following.line((line) => line.includes('"msg":"engine state"') && line.includes('JOINED'));
    await following.line((line) => line.includes('"level":"debug"') && line.includes('"msg":"joined"'));
    const changed = await logs('--engine', loud.engineId, '--set-level', 'default', '--json');
    assert.deepEqual(JSON.parse(changed.out[0] ?? ''), { engineId: loud.engineId, level: 'default' });
    const { code, out } = await following.interrupt();
    assert.equal(code, 0);
    assert.ok(parsed(out).every(({ engineId }) => engineId === loud.engineId));
    assert.deepEqual((await logs('--engine', quiet.engineId, '--level', 'warn')).out, []);
  });

  it('from a level on, in JSON the lines as they are', async () => {
    const { out } = await logs('--since-lines', '5000', '--level', 'warn', '--json');
    assert.ok(parsed(out).every(({ level }) => ['warn', 'error', 'fatal'].includes(level)));
    const all = await logs('--since-lines', '5000', '--json');
    assert.ok(all.out.length > out.length);
  });

  it('holds no token and no key, whatever passed', async () => {
    const { token } = await scene.client.generateToken({ channel: scene.channel, userId: 'somebody' });
    const engine = await scene.engine();
    await logs('--engine', engine.engineId, '--set-level', 'trace');
    await engine.joinChannel({
      token,
      channelId: scene.channel,
      userId: 'somebody',
      config: { channelProfile: ChannelProfile.COMMUNICATION },
    });
    const { out } = await logs('--since-lines', '5000', '--json');
    const text = out.join('\n');
    assert.ok(text.includes('"level":"debug"'));
    assert.ok(!text.includes(token) && !text.includes(APP_KEY));
    assert.ok(!/\beyJ[\w+/=.-]{20,}/.test(text), 'a token of some kind');
  });

  it('of an engine that has ended can be read; of one that never was it is NOT_FOUND', async () => {
    const engine = await scene.engine();
    await engine.release();
    const { out } = await logs('--engine', engine.engineId);
    assert.match(out.join('\n'), /engine ended/);
    const none = await logs('--engine', 'eng_aaaaaaaaaaaa');
    assert.equal(none.code, 1);
    assert.match(none.err.join('\n'), /NOT_FOUND ENGINE_NOT_FOUND\n +field: +engine_id = eng_aaaaaaaaaaaa/);
  });

  it('has no level for everything: --set-level without an engine says what to do instead', async () => {
    const { code, err } = await logs('--set-level', 'debug');
    assert.equal(code, 1);
    assert.match(err.join('\n'), /--set-level is for one engine[\s\S]*log-level, and SIGHUP/);
  });

  it('is followed while media flows, and the media does not notice', async () => {
    const engine = await scene.engine();
    const feed = await LiveFeed.start(engine, { width: 320, height: 240, framesPerSecond: 10, frequency: 500 });
    await scene.join(engine, 'feeder');
    const following = command('--follow', '--since-lines', '0');
    const before = feed.pictures;
    await eventually(() => (feed.pictures > before + 20 ? undefined : `${feed.pictures - before} pictures`), 30_000);
    await feed.stop();
    await engine.release();
    await following.line((line) => line.includes('engine ended'));
    assert.equal((await following.interrupt()).code, 0);
  });
});

describe('a flood of log lines', function () {
  this.timeout(120_000);
  const CALLS = 7_000;
  const AT_ONCE = 64;
  let daemon: DaemonProcess;
  let client: AlirtcClient;
  beforeEach(async () => {
    // At debug every call is a line.
    daemon = await DaemonProcess.start({ flags: ['--log-level', 'debug', '--max-calls-per-second', '1000000'] });
    client = await AlirtcClient.connect(daemon.ready.listen[0] ?? '');
  });
  afterEach(async () => {
    client.close();
    await daemon.stop();
  });
  async function flood(): Promise<void> {
    let left = CALLS;
    const call = async (): Promise<void> => {
      while (left-- > 0) await client.listEngines();
    };
    await Promise.all(Array.from({ length: AT_ONCE }, call));
  }

  it('costs a reader that does not read the oldest lines, counted to the last one, and nobody else anything', async () => {
    // The smallest window of HTTP/2: little waits on the way.
    await using other = await AlirtcClient.connect(daemon.ready.listen[0] ?? '', {
      channelOptions: { 'grpc-node.flow_control_window': 65_535 },
    });
    const slow = other.nodeLogs({ sinceLines: 1, follow: true });
    const read: GetLogsResponse[] = [];
    const first = await slow.next();
    assert.ok(first.value !== undefined);
    await flood();
    assert.equal((await client.nodeStatus()).engines, 0);
    // A refusal is logged with the id that was asked for.
    await client
      .engine('the last one')
      .release()
      .catch(() => undefined);
    for await (const line of slow) {
      read.push(line);
      if (line.line.includes('the last one')) break;
    }
    const lost = read.reduce((sum, { droppedBefore }) => sum + droppedBefore, 0);
    assert.ok(lost > 0, `nothing was lost of ${read.length} lines`);
    assert.ok(read.length + lost > CALLS, `${read.length} read, ${lost} lost`);
    for (const [index, { sequence, droppedBefore }] of read.entries())
      if (index > 0) assert.equal(sequence, (read[index - 1]?.sequence ?? 0) + 1 + droppedBefore);
  });

  it('is read whole by a reader that keeps up with it, and leaves the newest 5,000 lines', async () => {
    const quick = client.nodeLogs({ follow: true, level: 'debug' });
    const lines: GetLogsResponse[] = [];
    const reading = (async () => {
      for await (const line of quick) {
        lines.push(line);
        if (line.line.includes('the last one')) break;
      }
    })();
    await client.nodeStatus();
    for (let round = 0; round < 10; round += 1) {
      const want = lines.length + 100;
      await Promise.all(Array.from({ length: 100 }, () => client.listEngines()));
      await eventually(() => (lines.length >= want ? undefined : `${lines.length} of ${want} lines`), 30_000);
    }
    await client
      .engine('the last one')
      .release()
      .catch(() => undefined);
    await reading;
    assert.ok(lines.length > 1_000);
    assert.ok(lines.every(({ droppedBefore }) => droppedBefore === 0));
    await flood();
    const { code, out } = await alirtc([
      ...['--address', daemon.ready.listen[0] ?? '', '--json', 'node', 'logs', '--since-lines', '5000'],
    ]);
    assert.deepEqual([code, out.length], [0, 5000]);
  });

  it('is for sixteen readers at once; one more is refused, and taken when one has gone', async () => {
    const readers = Array.from({ length: 16 }, () => client.nodeLogs({ sinceLines: 1, follow: true }));
    for (const reader of readers) await reader.next();
    const refused = await client
      .nodeLogs({ follow: true })
      .next()
      .catch((error: unknown) => error);
    assert.ok(refused instanceof AlirtcStatusError);
    assert.deepEqual([refused.code, refused.reason], [status.RESOURCE_EXHAUSTED, 'TOO_MANY_STREAMS']);
    assert.deepEqual([refused.metadata['limit'], refused.metadata['setting']], ['16', 'max-log-readers']);
    readers[0]?.cancel();
    await eventually(async () => {
      const answer = await client
        .nodeLogs({ sinceLines: 1 })
        .next()
        .catch((error: unknown) => String(error));
      return typeof answer === 'string' ? answer : undefined;
    });
    for (const reader of readers) reader.cancel();
  });
});
