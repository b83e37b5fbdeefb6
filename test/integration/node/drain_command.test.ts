import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { AlirtcClient } from '../../../client/index.js';
import { AlirtcCommand, alirtc } from '../../support/alirtc_command.js';
import { ChannelScene, LiveFeed } from '../../support/channel_scene.js';
import { eventually } from '../../support/eventually.js';
import { startDaemon } from '../../support/running_daemon.js';
import type { RunningDaemon } from '../../support/running_daemon.js';

describe('alirtc node drain', function () {
  this.timeout(120_000);
  let daemon: RunningDaemon;
  let client: AlirtcClient;
  const start = async (...args: string[]): Promise<void> => {
    daemon = await startDaemon({ args });
    client = await AlirtcClient.connect(daemon.address);
  };
  afterEach(async () => {
    client.close();
    await daemon.stop();
  });
  const drain = (...args: string[]): AlirtcCommand =>
    new AlirtcCommand(['--address', daemon.address, 'node', 'drain', ...args]);
  const exitOf = (): Promise<unknown> =>
    daemon.child.exitCode === null ? once(daemon.child, 'exit').then(([code]) => code as number) : Promise.resolve(0);

  it('tells the deadline, then counts the engines that are left while media flows, until the daemon has ended', async () => {
    await start();
    const scene = await ChannelScene.open(daemon);
    const [camera, watcher] = [await scene.engine(), await scene.engine()];
    const feed = await LiveFeed.start(camera, { width: 320, height: 240, framesPerSecond: 10, frequency: 500 });
    await scene.join(camera, 'camera');
    await scene.join(watcher, 'watcher');
    let pictures = 0;
    const reading = (async () => {
      for await (const { release } of watcher.pictures()) {
        pictures += 1;
        release();
      }
    })().catch(() => undefined);
    await eventually(() => (pictures > 5 ? undefined : `${pictures} pictures`), 30_000);
    const draining = drain('--deadline', '10m', '--wait');
    await draining.line((line) =>
      /^draining: no new engines; 2 engines may go on until \d{4}.*Z \((10 min|9 min 5\d s)\)$/.test(line),
    );
    await draining.line((line) => /^2 engines left, (10 min|9 min \d+ s)$/.test(line));
    const before = pictures;
    await eventually(() => (pictures > before + 5 ? undefined : `${pictures - before} pictures`), 30_000);
    const { draining: told } = await client.nodeStatus();
    assert.equal(told, true);
    await watcher.release();
    await draining.line((line) => line.startsWith('1 engine left, '));
    await feed.stop();
    await camera.release();
    const { code, out, err } = await draining.ended;
    assert.deepEqual([code, err], [0, []]);
    assert.equal(out.at(-1), 'drained: every engine has ended, and the daemon stops');
    assert.equal(await exitOf(), 0);
    await reading;
    scene.client.close();
  });

  it('in JSON: a line for each step; at the deadline engines leave, and it is 0 all the same', async () => {
    await start();
    const engine = await client.createEngine({ detached: true });
    const { code, out } = await drain('--deadline', '2s', '--wait', '--json').ended;
    assert.equal(code, 0);
    const lines = out.map((line) => JSON.parse(line) as { state: string; engines?: number; deadline?: string });
    assert.deepEqual([lines[0]?.state, lines[0]?.engines], ['draining', 1]);
    assert.ok(Math.abs(Date.parse(lines[0]?.deadline ?? '') - Date.now()) < 60_000);
    assert.deepEqual(lines.at(-1), { state: 'ended' });
    assert.equal(await exitOf(), 0);
    assert.equal(existsSync(`/proc/${engine.coreProcessId}`), false);
  });

  it('without --wait ends at once; asked again it tells the deadline that counts', async () => {
    await start();
    await client.createEngine({ detached: true });
    const first = await drain('--deadline', '1h').ended;
    assert.deepEqual([first.code, first.out.length], [0, 1]);
    const until = /until (\S+)/.exec(first.out[0] ?? '')?.[1];
    const again = await drain('--deadline', '2h').ended;
    assert.equal(/until (\S+)/.exec(again.out[0] ?? '')?.[1], until);
    assert.equal((await client.nodeStatus()).engines, 1);
  });

  it("takes the daemon's drain-seconds where nothing is said, and does not take it for a deadline where it is 0", async () => {
    await start();
    await client.createEngine({ detached: true });
    const refused = await drain().ended;
    assert.equal(refused.code, 1);
    assert.match(
      refused.err.join('\n'),
      /drain-seconds is 0[\s\S]*field: +deadline[\s\S]*--deadline 0 when at once is meant/,
    );
    assert.equal((await client.nodeStatus()).draining, false);
    client.close();
    await daemon.stop();
    await start('--drain-seconds', '1800');
    await client.createEngine({ detached: true });
    assert.match((await drain().ended).out[0] ?? '', /1 engine may go on until .* \((30 min|29 min 5\d s)\)$/);
  });

  it('a node without engines ends at once; --deadline 0 makes those that are there leave', async () => {
    await start();
    assert.deepEqual([(await drain('--deadline', '1h', '--wait').ended).code, await exitOf()], [0, 0]);
    client.close();
    await start();
    await client.createEngine({ detached: true });
    const { code, out } = await drain('--deadline', '0', '--wait').ended;
    assert.equal(code, 0);
    assert.match(out[0] ?? '', /1 engine may go on until .* \(0 s\)$/);
    assert.equal(await exitOf(), 0);
  });

  it('fails, and says why, when the daemon dies before it has ended in order', async () => {
    await start();
    await client.createEngine({ detached: true });
    const draining = drain('--deadline', '1h', '--wait');
    await draining.line((line) => line.startsWith('1 engine left'));
    daemon.child.kill('SIGKILL');
    const { code, err } = await draining.ended;
    assert.equal(code, 1);
    assert.match(
      err.join('\n'),
      /went away without ending in order\n +code: +UNAVAILABLE DAEMON_DIED\n +remedy: see its log/,
    );
  });

  it('interrupted says that the node goes on draining', async () => {
    await start();
    await client.createEngine({ detached: true });
    const draining = drain('--deadline', '1h', '--wait');
    await draining.line((line) => line.startsWith('1 engine left'));
    const { code, err } = await draining.interrupt();
    assert.deepEqual([code, err], [130, ['interrupted; the node goes on draining']]);
    assert.equal((await client.nodeStatus()).draining, true);
  });

  it('a following reader of the log hears the end, too', async () => {
    await start();
    const following = new AlirtcCommand(['--address', daemon.address, 'node', 'logs', '--follow']);
    await following.line((line) => line.includes('  ready  '));
    await alirtc(['--address', daemon.address, 'node', 'drain', '--deadline', '1h']);
    const { code, out, err } = await following.ended;
    assert.deepEqual([code, err], [0, ['the daemon has ended']]);
    assert.match(out.at(-1) ?? '', /draining/);
  });
});
