import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { AlirtcClient } from '../../../client/index.js';
import { createAndRelease } from '../../soak/engine_cycles.js';
import { ChannelScene } from '../../support/channel_scene.js';
import { eventually } from '../../support/eventually.js';
import { startDaemon } from '../../support/running_daemon.js';
import { SCRIPTED_CORE } from '../../support/scripted_core/scripted_cores.js';

/** Process ids of the cores that are no engine's yet, once there are so many. */
async function warm(client: AlirtcClient, count: number): Promise<number[]> {
  let found: number[] = [];
  await eventually(async () => {
    const { processes } = await client.nodeStatus();
    found = processes.filter(({ kind }) => kind === 'warm-core').map(({ processId }) => processId);
    return found.length === count ? undefined : `${found.length} of ${count} warm cores`;
  }, 30_000);
  return found;
}

describe('cores that are started ahead', function () {
  this.timeout(180_000);

  it('are taken by creations, refilled, never more than said, and gone with the daemon', async () => {
    const daemon = await startDaemon({ args: ['--warm-cores', '2'], env: {} });
    const client = await AlirtcClient.connect(daemon.address);
    const first = await warm(client, 2);
    const engine = await client.createEngine();
    assert.ok(first.includes(engine.coreProcessId), 'it is one of them');
    const second = await warm(client, 2);
    assert.ok(!second.includes(engine.coreProcessId));
    const others = await Promise.all([1, 2, 3].map(() => client.createEngine()));
    assert.equal(others.filter(({ coreProcessId }) => second.includes(coreProcessId)).length, 2);
    const third = await warm(client, 2);
    // One that dies is replaced too.
    process.kill(third[0] ?? 0, 'SIGKILL');
    await eventually(async () => ((await warm(client, 2)).includes(third[0] ?? 0) ? 'it is still listed' : undefined));
    const last = await warm(client, 2);
    client.close();
    assert.equal(await daemon.stop(), 0);
    for (const pid of [...first, ...second, ...third, ...last]) assert.equal(existsSync(`/proc/${pid}`), false);
  });

  it('are not used while they are halted, and ended then: the creation has another one', async () => {
    await using daemon = await startDaemon({ args: ['--warm-cores', '2'] });
    await using client = await AlirtcClient.connect(daemon.address);
    const [halted = 0, next] = await warm(client, 2);
    process.kill(halted, 'SIGSTOP');
    const engine = await client.createEngine();
    assert.equal(engine.coreProcessId, next);
    await eventually(() => (existsSync(`/proc/${halted}`) ? 'the halted one is still there' : undefined));
    assert.ok(daemon.log().some((line) => line.includes('a warm core was halted') && line.includes(String(halted))));
    assert.ok(!(await warm(client, 2)).includes(halted));
    await engine.release();
  });

  it('end when the daemon is killed', async () => {
    const daemon = await startDaemon({ args: ['--warm-cores', '2'] });
    const client = await AlirtcClient.connect(daemon.address);
    const pids = await warm(client, 2);
    client.close();
    daemon.child.kill('SIGKILL');
    await eventually(() => {
      const left = pids.filter((pid) => existsSync(`/proc/${pid}`));
      return left.length === 0 ? undefined : `still there: ${left.join(', ')}`;
    });
    await daemon.stop();
  });

  it('join as others do, and log under the name of their engine', async () => {
    await using daemon = await startDaemon({ args: ['--warm-cores', '1', '--log-level', 'debug'] });
    await using scene = await ChannelScene.open(daemon);
    const [pid] = await warm(scene.client, 1);
    const engine = await scene.engine();
    assert.equal(engine.coreProcessId, pid);
    await scene.join(engine, 'bot');
    assert.equal((await engine.snapshot())?.channel, scene.channel);
    await engine.release();
    const ownLines = daemon.log().filter((line) => line.includes(engine.engineId) && line.includes('"warmCore":true'));
    assert.ok(
      ownLines.some((line) => line.includes('core process')),
      `lines: ${ownLines.length}`,
    );
  });

  it('are not used where a creation asks for another core service, or other ports', async () => {
    await using daemon = await startDaemon({ args: ['--warm-cores', '1', '--core-service', SCRIPTED_CORE] });
    const client = await AlirtcClient.connect(daemon.address);
    const [pid] = await warm(client, 1);
    const scripted = await client.createEngine({ coreServicePath: SCRIPTED_CORE });
    const elsewhere = await client.createEngine({ lowPort: 46_000, highPort: 46_500 });
    assert.deepEqual(await warm(client, 1), [pid]);
    await scripted.release();
    await elsewhere.release();
    client.close();
  });

  it('leave no folder behind', async () => {
    const daemon = await startDaemon({ args: ['--warm-cores', '1'], env: {} });
    const client = await AlirtcClient.connect(daemon.address);
    await warm(client, 1);
    const engine = await client.createEngine();
    await engine.release();
    await warm(client, 1);
    assert.deepEqual(readdirSync(path.join(daemon.folder, 'log')), []);
    client.close();
    assert.equal(await daemon.stop(), 0);
  });

  it('make the creation of an engine take a few milliseconds', async () => {
    await using daemon = await startDaemon({ args: ['--warm-cores', '1'] });
    const client = await AlirtcClient.connect(daemon.address);
    const tookMs: number[] = [];
    for (let index = 0; index < 9; index++) {
      await warm(client, 1);
      // What starts a process still has work of its own for a moment.
      await new Promise((resolve) => setTimeout(resolve, 500));
      const startedAt = performance.now();
      const engine = await client.createEngine();
      tookMs.push(performance.now() - startedAt);
      await engine.release();
    }
    client.close();
    const median = [...tookMs].sort((a, b) => a - b)[4] ?? Infinity;
    console.log(`      create with a warm core: median ${median.toFixed(1)} ms of ${tookMs.length} (goal 50 ms)`);
    // A process that is started takes hundreds of milliseconds on the machine on which this takes 50.
    assert.ok(median < 250, `${median} ms`);
  });
});

describe('creating and releasing engines in a row', function () {
  this.timeout(240_000);

  it('shows no growth', async () => {
    const { rows, problems } = await createAndRelease({ count: 30, every: 10, warmCores: 0 });
    console.table(rows);
    assert.deepEqual(problems, []);
  });
});
