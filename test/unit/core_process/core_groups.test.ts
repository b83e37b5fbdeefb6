import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createLogger } from '../../../common/logger.js';
import { CoreGroups } from '../../../daemon/engine/core_groups.js';
import { SystemSurroundings } from '../../../daemon/engine/core_surroundings.js';

/** A folder that looks like a mounted cgroup v2 in which the group "/node" is ours; files keep what was written last. */
describe('the control groups of core processes', () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'cgroup-'));
  after(() => rmSync(root, { recursive: true }));
  const own = path.join(root, 'self');
  const node = path.join(root, 'node');
  const read = (...names: string[]): string => readFileSync(path.join(node, ...names), 'utf8');
  const warnings: unknown[] = [];
  const logger = createLogger('test', 'silent');
  logger.warn = (...args: unknown[]) => void warnings.push(args);
  const open = (memoryMb: number, cpuPercent: number): CoreGroups | undefined =>
    CoreGroups.open({ limits: { memoryMb, cpuPercent }, logger, root, own });

  beforeEach(() => {
    warnings.length = 0;
    rmSync(node, { recursive: true, force: true });
    mkdirSync(node);
    writeFileSync(own, '4:memory:/other\n0::/node\n');
    writeFileSync(path.join(node, 'cgroup.controllers'), 'cpu memory pids\n');
  });

  it('are none, without a word, where no limit is wanted', () => {
    assert.equal(open(0, 0), undefined);
    assert.deepEqual(warnings, []);
  });

  it('limit memory and CPU of each process, the daemon having gone out of the way', () => {
    const groups = open(256, 150);
    assert.ok(groups !== undefined);
    assert.equal(read('alirtcd-daemon', 'cgroup.procs'), String(process.pid));
    assert.equal(read('cgroup.subtree_control'), '+memory +cpu');
    groups.add(4711);
    assert.equal(read('core-4711', 'memory.max'), '268435456');
    assert.equal(read('core-4711', 'cpu.max'), '150000 100000');
    assert.equal(read('core-4711', 'cgroup.procs'), '4711');
  });

  it('go with their process', () => {
    const remove = open(256, 0)?.add(4711);
    // The kernel's files are no obstacle to rmdir; these are.
    for (const name of ['memory.max', 'cgroup.procs']) rmSync(path.join(node, 'core-4711', name));
    remove?.();
    assert.equal(existsSync(path.join(node, 'core-4711')), false);
  });

  for (const [title, spoil] of [
    ['there is no cgroup v2', () => writeFileSync(own, '4:memory:/other\n')],
    ['a controller is missing', () => writeFileSync(path.join(node, 'cgroup.controllers'), 'pids\n')],
    ['the group is not there', () => rmSync(node, { recursive: true })],
    ['the group cannot be written', () => mkdirSync(path.join(node, 'cgroup.subtree_control'))],
  ] as const)
    it(`are not available, with one line in the log, when ${title}`, () => {
      spoil();
      assert.equal(open(256, 100), undefined);
      assert.equal(warnings.length, 1);
      assert.match(JSON.stringify(warnings), /limits of core processes are not available/);
    });

  it('that cannot be entered leave the process as it is, with a line in the log', () => {
    const groups = open(256, 0);
    mkdirSync(path.join(node, 'core-4711'));
    const leave = new SystemSurroundings({ nice: 0, groups, logger }).enter(4711);
    leave();
    assert.match(JSON.stringify(warnings), /could not be limited/);
  });
});
