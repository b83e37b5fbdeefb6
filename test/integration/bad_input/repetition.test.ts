import assert from 'node:assert/strict';
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { canBind, footprintOf } from './footprint.js';
import { newChannel, TestBed } from './test_bed.js';

const ROUNDS = 30;
const WARM_UP = 5;

describe('faults: over and over', function () {
  this.timeout(60_000);

  it(`${ROUNDS} engines made and released in a row leave no process, descriptor, port, folder or memory`, async () => {
    await using bed = await TestBed.open();
    const round = async (): Promise<void> => {
      const engine = await bed.engine();
      await engine.release();
    };
    for (let i = 0; i < WARM_UP; i++) await round();
    await bed.nothingIsLeft();
    const before = footprintOf(bed.pid);
    for (let i = WARM_UP; i < ROUNDS; i++) await round();
    await bed.nothingIsLeft();
    const now = footprintOf(bed.pid);
    assert.deepEqual(now.children, before.children);
    assert.deepEqual(now.sockets, before.sockets);
    assert.ok(
      now.descriptors <= before.descriptors + 1,
      `${now.descriptors} descriptors, ${before.descriptors} before`,
    );
    assert.deepEqual(readdirSync(path.join(bed.daemon.folder, 'log')), []);
    const grownMb = (now.residentBytes - before.residentBytes) / 1e6;
    assert.ok(grownMb < 25, `the daemon grew by ${Math.round(grownMb)} MB`);
  });

  it('what lies in the folder of an engine stays, and so does a folder that a client named', async () => {
    await using bed = await TestBed.open();
    const folderOf = (name: string): string => path.join(bed.daemon.folder, 'log', name);
    const own = await bed.engine();
    writeFileSync(path.join(folderOf(own.engineId), 'core.log'), 'a line');
    const [one, other] = [await bed.engine({ logPath: 'named' }), await bed.engine({ logPath: 'named' })];
    const workFolders = [one, other].map(({ coreProcessId }) => readlinkSync(`/proc/${coreProcessId}/cwd`));
    assert.deepEqual(
      workFolders,
      [one, other].map(({ engineId }) => path.join(folderOf('named'), `work-${engineId}`)),
    );
    writeFileSync(path.join(folderOf('named'), 'core.log'), 'a line');
    await Promise.all([own.release(), one.release(), other.release()]);
    assert.deepEqual(readdirSync(folderOf(own.engineId)), ['core.log']);
    assert.deepEqual(readdirSync(folderOf('named')), ['core.log']);
  });

  it('joins and leaves in a row leave nothing in the channel server', async () => {
    await using bed = await TestBed.open();
    await using engine = await bed.engine();
    const port = engine.corePort;
    const channel = newChannel();
    const turn = async (): Promise<void> => {
      await bed.join(engine, channel, 'me');
      await engine.leaveChannel();
    };
    for (let i = 0; i < 3; i++) await turn();
    const before = footprintOf(bed.pid);
    for (let i = 0; i < 8; i++) await turn();
    const now = footprintOf(bed.pid);
    assert.ok(now.sockets.length <= before.sockets.length, `sockets: ${now.sockets.join(', ')}`);
    assert.equal(now.children.length, before.children.length);
    await engine.release();
    await bed.nothingIsLeft();
    assert.ok(await canBind(port));
  });
});
