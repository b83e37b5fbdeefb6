import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createLogger } from '../../../common/logger.js';
import { CoreGroups } from '../../../daemon/engine/core_groups.js';
import { SystemSurroundings } from '../../../daemon/engine/core_surroundings.js';
import { FakeClock } from '../daemon/fake_clock.js';

/** Longer than it is tried to remove a group. */
const LONG_MS = 60_000;

/** A folder that looks like a mounted cgroup v2 in which the group "/node" is ours; files keep what was written last. A real one: test/cgroup. */
describe('the control groups of core processes', () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'cgroup-'));
  after(() => rmSync(root, { recursive: true }));
  const own = path.join(root, 'self');
  const node = path.join(root, 'node');
  const core = path.join(node, 'core-4711');
  const read = (...names: string[]): string => readFileSync(path.join(node, ...names), 'utf8');
  /** The kernel's files are no obstacle to rmdir; these are. */
  const empty = (folder: string): void => {
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
  };
  const warnings: unknown[] = [];
  const logger = createLogger('test', 'silent');
  logger.warn = (...args: unknown[]) => void warnings.push(args);
  let clock: FakeClock;
  const open = (memoryMb: number, cpuPercent: number): CoreGroups | undefined =>
    CoreGroups.open({ limits: { memoryMb, cpuPercent }, clock, logger, root, own });

  beforeEach(() => {
    clock = new FakeClock();
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
    assert.equal(read('core-4711', 'memory.swap.max'), '0');
    assert.equal(read('core-4711', 'memory.oom.group'), '1');
    assert.equal(read('core-4711', 'cpu.max'), '150000 100000');
    assert.equal(read('core-4711', 'cgroup.procs'), '4711');
  });

  it('are made beside the daemon where the platform has put it into its place already', () => {
    mkdirSync(path.join(node, 'alirtcd-daemon'));
    writeFileSync(own, '0::/node/alirtcd-daemon\n');
    const groups = open(0, 100);
    groups?.add(4711);
    assert.equal(read('core-4711', 'cpu.max'), '100000 100000');
    groups?.close();
    assert.equal(read('alirtcd-daemon', 'cgroup.procs'), String(process.pid));
  });

  it('go with their process', () => {
    const leave = open(256, 0)?.add(4711);
    empty(core);
    assert.equal(leave?.(), undefined);
    assert.equal(existsSync(core), false);
  });

  it('say that the process took more memory than it may, when the system ended it for that', () => {
    const leave = open(256, 0)?.add(4711);
    writeFileSync(path.join(core, 'memory.events'), 'low 0\nhigh 0\nmax 77\noom 1\noom_kill 1\noom_group_kill 1\n');
    assert.match(leave?.() ?? '', /^it took more memory than core-memory-mb allows: 256 MB$/);
  });

  it('that the process has left others in go with those', () => {
    open(256, 0)?.add(4711)();
    assert.equal(read('core-4711', 'cgroup.kill'), '1');
    empty(core);
    clock.advance(LONG_MS);
    assert.equal(existsSync(core), false);
    assert.deepEqual(warnings, []);
  });

  it('that cannot be removed are left behind, with one line in the log', () => {
    open(256, 0)?.add(4711)();
    clock.advance(LONG_MS);
    assert.equal(clock.pending, 0);
    assert.equal(warnings.length, 1);
    assert.match(JSON.stringify(warnings), /is left behind/);
  });

  it('are tried once more at the end of the daemon, and not again', () => {
    const groups = open(256, 0);
    groups?.add(4711)();
    assert.equal(clock.pending, 1);
    groups?.close();
    assert.equal(clock.pending, 0);
    assert.match(JSON.stringify(warnings), /is left behind/);
  });

  it('leave the group of the daemon as it was found', () => {
    open(256, 100)?.close();
    assert.equal(read('cgroup.subtree_control'), '-memory -cpu');
    assert.equal(read('cgroup.procs'), String(process.pid));
  });

  it('leave the controllers to another daemon that has cores or is itself in the group', () => {
    const groups = open(256, 0);
    mkdirSync(core);
    groups?.close();
    empty(node);
    writeFileSync(path.join(node, 'cgroup.controllers'), 'memory\n');
    const others = open(256, 0);
    writeFileSync(path.join(node, 'alirtcd-daemon', 'cgroup.procs'), `${process.pid}\n1\n`);
    others?.close();
    assert.equal(read('cgroup.subtree_control'), '+memory');
  });

  it('of a daemon that was killed are removed by the next one', () => {
    mkdirSync(core);
    open(256, 0);
    assert.equal(existsSync(core), false);
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

  it("are not available when the group is not the daemon's own; the line names who else is in it, and the daemon is back", () => {
    writeFileSync(path.join(node, 'cgroup.procs'), `${process.ppid}\n${process.pid}\n`);
    mkdirSync(path.join(node, 'cgroup.subtree_control'));
    assert.equal(open(256, 100), undefined);
    assert.match(
      JSON.stringify(warnings),
      new RegExp(`other processes are in the daemon's group.*: \\S+ \\(${process.ppid}\\)`),
    );
    assert.equal(read('cgroup.procs'), String(process.pid));
  });

  it('that cannot be entered leave the process as it is, with a line in the log', () => {
    const groups = open(256, 0);
    mkdirSync(path.join(core, 'busy'), { recursive: true });
    const leave = new SystemSurroundings({ nice: 0, groups, logger }).enter(4711);
    leave();
    assert.match(JSON.stringify(warnings), /could not be limited/);
  });
});
