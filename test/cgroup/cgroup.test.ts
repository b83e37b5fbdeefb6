import assert from 'node:assert/strict';
import { ErrorCode } from '../../client/index.js';
import { runMachine } from './support/machine.js';

/** For each machine, in software emulation on a machine that is busy with other work. */
const DEADLINE_MS = 570_000;
const MB = 1024 * 1024;
const NODE = '/node';
const UNIT = '/system.slice/alirtcd.service';

interface Group {
  memoryMax?: string;
  swapMax?: string;
  oomGroup?: string;
  cpuMax?: string;
  processes?: string;
}

interface Step {
  step: string;
  text: string;
  pid: number;
}

/** In a group of its own that holds it to 128 MB and half a processor. */
function assertLimits(group: Group, pid: number): void {
  const { memoryMax, swapMax, oomGroup, cpuMax, processes } = group;
  assert.deepEqual(
    { memoryMax, swapMax, oomGroup, cpuMax, processes },
    { memoryMax: String(128 * MB), swapMax: '0', oomGroup: '1', cpuMax: '50000 100000', processes: String(pid) },
  );
}

/** Lost for its memory, then replaced. */
function assertReplaced(steps: readonly Step[], pid: number): void {
  assert.deepEqual(
    steps.map(({ step }) => step),
    ['LOST', 'WAITING', 'STARTING', 'SETTINGS_REPLAYED', 'COMPLETED'],
  );
  assert.equal(steps[0]?.pid, pid);
  assert.match(steps[0].text, /it was ended by SIGKILL: it took more memory than core-memory-mb allows: 128 MB/);
}

function assertDisconnect(errors: readonly { errorCode: ErrorCode; text: string }[]): void {
  assert.deepEqual(
    errors.map(({ errorCode }) => errorCode),
    [ErrorCode.NETWORK_DISCONNECT],
  );
  assert.match(errors[0]?.text ?? '', /it took more memory than core-memory-mb allows: 128 MB/);
}

/** Debian's kernel in two emulated machines at a time: what they printed, row by row (test/cgroup/guest). */
describe('core processes on a kernel with cgroup v2', function () {
  this.timeout(DEADLINE_MS + 30_000);
  let ran: Awaited<ReturnType<typeof runMachine>>[];
  before(async () => {
    const parts = ['without_systemd', 'with_systemd'] as const;
    ran = await Promise.all(parts.map((part) => runMachine(part, DEADLINE_MS)));
  });

  function row<Facts>(name: string): Facts {
    const found = ran.flatMap(({ rows }) => rows).filter((one) => one.row === name);
    assert.ok(
      found.length === 1,
      `no row ${name}; the consoles:\n${ran.map((one) => one.console.slice(-2000)).join('\n')}`,
    );
    const [facts] = found;
    assert.equal(facts?.['error'], undefined, String(facts?.['error']));
    return facts as Facts;
  }

  it('run where cgroup v2 is the only hierarchy', () => {
    const { kernel, cgroup } = row<{ kernel: string; cgroup: string[] }>('machine');
    assert.match(kernel, /^Linux version \d+\..*Debian/);
    assert.equal(cgroup.length, 1);
    assert.match(cgroup[0] ?? '', /^cgroup2 \/sys\/fs\/cgroup cgroup2 rw/);
  });

  it('are each in a group of their own with its limits, below the group that the daemon was given; daemon and channel server are beside', () => {
    const facts = row<Group & Record<string, unknown> & { pid: number; usedBytes: number }>('limits');
    const { pid, usedBytes } = facts;
    assert.equal(facts['uid'], 200);
    assert.equal(facts['daemon'], `${NODE}/alirtcd-daemon`);
    assert.equal(facts['channelServer'], `${NODE}/alirtcd-daemon`);
    assert.equal(facts['processesInNode'], '');
    assert.equal(facts['group'], `${NODE}/core-${pid}`);
    assertLimits(facts, pid);
    // What it has taken since it is there counts: our core service takes more than that at its start.
    assert.ok(usedBytes > 10 * MB && usedBytes < 128 * MB, `${usedBytes}`);
    assert.deepEqual(facts['refusals'], []);
  });

  it('take their group along when their engine is released', () => {
    const { left } = row<{ left: string[] }>('limits');
    assert.deepEqual(left, ['alirtcd-daemon']);
  });

  it('leave nothing when the daemon ends: its group is as it was found', () => {
    const { before: earlier, code, left, controllers } = row<Record<string, unknown>>('end');
    assert.equal((earlier as string[]).filter((name) => name.startsWith('core-')).length, 1);
    assert.equal(code, 0);
    assert.deepEqual(left, []);
    assert.equal(controllers, '');
  });

  it('are ended by the kernel when they take more memory than they may, without going to swap; the client is told why, and another one takes their place within the same limits', () => {
    const facts = row<Record<string, unknown> & { pid: number; kills: number; mostBytes: number; steps: Step[] }>(
      'memory',
    );
    // The kernel counts the one that it has chosen, then each of its group.
    assert.ok(facts.kills >= 1);
    assert.ok(facts.mostBytes > 100 * MB && facts.mostBytes <= 128 * MB, `${facts.mostBytes}`);
    assert.equal(facts['mostSwapKb'], 0);
    assertDisconnect(facts['errors'] as never);
    assertReplaced(facts.steps, facts.pid);
    const next = facts['next'] as Group & { pid: number; group: string };
    assert.equal(next.group, `${NODE}/core-${next.pid}`);
    assert.notEqual(next.pid, facts.pid);
    assertLimits(next, next.pid);
    assert.equal(facts['version'], 'hungry');
    assert.equal(facts['daemonLives'], `${NODE}/alirtcd-daemon`);
    assert.match(ran[0]?.console ?? '', new RegExp(`Memory cgroup out of memory: Killed process ${facts.pid} `));
  });

  it('end their engine with that reason when its policy is not to restart', () => {
    const facts = row<{ states: string[]; causes: string[]; texts: string[]; errors: never; left: string[] }>(
      'memory without restart',
    );
    assert.equal(facts.states.at(-1), 'FAILED');
    assert.deepEqual(facts.causes, ['CORE_DIED']);
    assert.match(facts.texts[0] ?? '', /it took more memory than core-memory-mb allows: 128 MB/);
    assertDisconnect(facts.errors);
    assert.deepEqual(facts.left, ['alirtcd-daemon']);
  });

  it('that burn CPU get what they may and no more, and still answer', () => {
    const facts = row<Record<string, number> & { version: string }>('cpu');
    const { wallUs = 0, usageUs = 0, periods = 0, throttled = 0, throttledUs = 0 } = facts;
    const share = usageUs / wallUs;
    assert.ok(share > 0.4 && share < 0.55, `${share} of a processor`);
    assert.ok(periods >= 20 && throttled >= 0.8 * periods && throttledUs > 0, JSON.stringify(facts));
    assert.equal(facts.version, 'hungry');
  });

  it('take the processes along that they have left, and the group with them', () => {
    const { processes, alive } = row<{ processes: number; alive: number[] }>('offspring');
    assert.ok(processes >= 2);
    assert.deepEqual(alive, []);
  });

  it('end with a daemon that is killed; the groups go when the next one starts, whose cores are limited again', () => {
    const facts = row<Record<string, unknown>>('killed');
    assert.equal(facts['code'], 'SIGKILL');
    assert.equal((facts['leftByFirst'] as string[]).length, 2);
    assert.deepEqual(facts['found'], ['alirtcd-daemon']);
    assert.deepEqual(facts['refusals'], []);
    const next = facts['next'] as Group;
    assertLimits(next, Number(next.processes));
    assert.equal(facts['secondCode'], 0);
    assert.deepEqual(facts['left'], ['alirtcd-daemon']);
  });

  for (const [name, group, reason] of [
    ['not delegated', '/not_ours', /EACCES/],
    ['not alone', '/shared', /other processes are in the daemon's group, which has to be its own: \w+ \(\d+\)/],
  ] as const)
    it(`run without limits where the group is ${name}; one line of the log says why, and nothing is changed`, () => {
      const facts = row<Record<string, unknown> & { said: string[] }>(name);
      assert.equal(facts['daemon'], group);
      assert.equal(facts['core'], group);
      assert.equal(facts.said.length, 1);
      assert.match(facts.said[0] ?? '', reason);
      assert.equal(facts['code'], 0);
      assert.deepEqual(facts['groups'], []);
    });

  describe('as systemd runs packaging/systemd', () => {
    it('have no limits without the drop-in core-limits.conf, and one line of the log says so', () => {
      const facts = row<Record<string, unknown> & { said: string[] }>('without the drop-in');
      assert.equal(facts['daemon'], UNIT);
      assert.equal(facts['core'], UNIT);
      assert.equal(facts.said.length, 1);
      assert.deepEqual([facts['result'], facts['restarts'], facts['left']], ['success', '0', false]);
    });

    it('have them with it, and the unit outlives a core that took too much memory and leaves no group', () => {
      const facts = row<Group & Record<string, unknown> & { pid: number; kills: number; steps: Step[] }>(
        'with the drop-in',
      );
      assert.equal(facts['daemon'], `${UNIT}/alirtcd-daemon`);
      assert.equal(facts['group'], `${UNIT}/core-${facts.pid}`);
      assertLimits(facts, facts.pid);
      assert.deepEqual(facts['said'], []);
      assert.ok(facts.kills >= 1);
      assertReplaced(facts.steps, facts.pid);
      assertDisconnect(facts['errors'] as never);
      assert.equal(facts['state'], 'active');
      assert.equal(facts['isSameDaemon'], true);
      assert.deepEqual([facts['result'], facts['restarts'], facts['left']], ['success', '0', false]);
    });
  });
});
