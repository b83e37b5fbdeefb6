import assert from 'node:assert/strict';
import type { Finding } from '../../../client/cli/doctor/check.js';
import { judgeClock } from '../../../client/cli/doctor/clock.js';
import { judgeFolder } from '../../../client/cli/doctor/folders.js';
import type { FolderFacts } from '../../../client/cli/doctor/folders.js';
import { judgeIpcPorts } from '../../../client/cli/doctor/ipc_ports.js';
import { judgeLeftovers } from '../../../client/cli/doctor/leftovers.js';
import { judgeLimits } from '../../../client/cli/doctor/limits.js';
import type { LimitFacts } from '../../../client/cli/doctor/limits.js';
import { judgeMediaPorts } from '../../../client/cli/doctor/media_ports.js';
import { judgeNode } from '../../../client/cli/doctor/node_version.js';
import { judgeSharedMemory } from '../../../client/cli/doctor/shared_memory.js';

const verdicts = (findings: readonly Finding[]): string[] => findings.map(({ verdict }) => verdict);

/** The one finding that is neither fine nor information. */
function fault(findings: readonly Finding[]): { verdict: string; finding: string; remedy: string } {
  const faults = findings.filter(({ verdict }) => verdict === 'warning' || verdict === 'failure');
  assert.equal(faults.length, 1, JSON.stringify(findings));
  const { verdict, finding, remedy } = faults[0] as Finding;
  assert.ok(remedy !== undefined && remedy !== '', 'a fault without a remedy');
  return { verdict: verdict, finding, remedy };
}

describe('alirtc doctor: the machine', () => {
  it('fails for a Node that is too old, by numbers and not by text', () => {
    const facts = { wanted: '>=20.19', platform: 'linux', arch: 'x64' };
    for (const version of ['20.19.0', '20.20.2', '22.1.0', '100.0.0'])
      assert.deepEqual(verdicts(judgeNode({ ...facts, version })), ['ok'], version);
    for (const version of ['20.9.0', '18.20.1', '9.11.0'])
      assert.match(fault(judgeNode({ ...facts, version })).remedy, /install Node 20\.19/);
    assert.match(
      fault(judgeNode({ ...facts, version: '22.1.0', platform: 'darwin' })).finding,
      /darwin is not supported/,
    );
  });

  describe('folders', () => {
    const facts: FolderFacts = {
      path: '/srv/x',
      purpose: 'logs',
      setting: 'log-root',
      kind: 'folder',
      mode: 0o755,
      writable: true,
    };

    it('are fine when they can be written, or made', () => {
      assert.deepEqual(verdicts(judgeFolder(facts)), ['ok']);
      assert.match(judgeFolder({ ...facts, kind: 'missing' })[0]?.finding ?? '', /will be made/);
      // Sticky, as /tmp is.
      assert.deepEqual(verdicts(judgeFolder({ ...facts, mode: 0o1777 })), ['ok']);
    });

    it('fail when they cannot, and the setting is named', () => {
      const { verdict, finding, remedy } = fault(judgeFolder({ ...facts, writable: false }));
      assert.equal(verdict, 'failure');
      assert.match(finding, /logs, \/srv\/x: cannot be written/);
      assert.match(remedy, /mkdir -p \/srv\/x && chown .*log-root/);
      assert.match(fault(judgeFolder({ ...facts, kind: 'missing', writable: false })).finding, /cannot be made/);
      assert.match(fault(judgeFolder({ ...facts, kind: 'other' })).finding, /is no folder/);
    });

    it('are warned of when others may write into them', () => {
      const { verdict, finding, remedy } = fault(judgeFolder({ ...facts, mode: 0o777 }));
      assert.deepEqual([verdict, remedy], ['warning', 'chmod go-w /srv/x']);
      assert.match(finding, /mode 777/);
    });
  });

  describe('ports between daemon and cores', () => {
    const stranger = { pid: 7, parent: 1, name: 'postgres', args: ['/usr/bin/postgres'] };
    const core = { pid: 8, parent: 2, name: 'node', args: ['node', '/opt/AliRtcCoreService', '42001'] };
    const taken = (count: number, holder?: typeof core) =>
      Array.from({ length: count }, (_, index) => ({ port: 42_000 + index, holder }));

    it('fail when none is free, and say who holds them', () => {
      const { verdict, finding, remedy } = fault(
        judgeIpcPorts({ low: 42_000, high: 42_003, taken: taken(4, stranger), wanted: 2 }),
      );
      assert.equal(verdict, 'failure');
      assert.match(
        finding,
        /0 of the 4 ports 42000 to 42003 .* no engine can be created; taken by postgres \(pid 7\)$/,
      );
      assert.match(remedy, /core-port-low and core-port-high, or end/);
    });

    it('are warned of when fewer are free than engines may run; those of running cores count for them', () => {
      assert.equal(fault(judgeIpcPorts({ low: 1000, high: 1009, taken: taken(4), wanted: 8 })).verdict, 'warning');
      assert.deepEqual(verdicts(judgeIpcPorts({ low: 1000, high: 1009, taken: taken(4, core), wanted: 8 })), ['ok']);
      assert.match(fault(judgeIpcPorts({ low: 1000, high: 1001, taken: [], wanted: 8 })).remedy, /max-engines/);
    });

    it('name three holders at most', () => {
      const many = Array.from({ length: 9 }, (_, index) => ({ port: index, holder: { ...stranger, pid: index } }));
      assert.match(judgeIpcPorts({ low: 0, high: 99, taken: many, wanted: 8 })[0]?.finding ?? '', / and 6 more$/);
    });
  });

  it('fails without UDP, without a network to a distant channel server, and warns of a short range', () => {
    const facts = { low: 32_768, high: 60_999, maxEngines: 64, hasNetwork: true, isRemote: true };
    assert.deepEqual(verdicts(judgeMediaPorts(facts)), ['ok']);
    assert.match(fault(judgeMediaPorts({ ...facts, error: 'EPERM' })).finding, /UDP does not work: EPERM/);
    assert.match(fault(judgeMediaPorts({ ...facts, hasNetwork: false })).finding, /no network beside loopback/);
    assert.deepEqual(verdicts(judgeMediaPorts({ ...facts, hasNetwork: false, isRemote: false })), ['ok']);
    assert.match(fault(judgeMediaPorts({ ...facts, high: 32_800 })).remedy, /ip_local_port_range/);
  });

  it('warns of shared memory that is missing or small, as pictures then go another way', () => {
    const facts = { folder: '/dev/shm', writable: true };
    assert.deepEqual(verdicts(judgeSharedMemory({ ...facts, freeBytes: 1e9 })), ['ok']);
    const small = fault(judgeSharedMemory({ ...facts, freeBytes: 64e6 }));
    assert.deepEqual([small.verdict, /about 7 senders/.test(small.finding)], ['warning', true]);
    assert.match(small.remedy, /--shm-size/);
    assert.equal(fault(judgeSharedMemory({ folder: '/dev/shm', writable: false })).verdict, 'warning');
    assert.equal(fault(judgeSharedMemory({ ...facts, freeBytes: 1e9, writable: false })).verdict, 'warning');
  });

  it('fails for a clock that is more than five seconds from a channel server, in its direction', () => {
    const skews = (skewMs: number) => [{ url: 'wss://sfu', skewMs }];
    assert.deepEqual(verdicts(judgeClock({ synchronized: true, skews: skews(5000) })), ['ok', 'ok']);
    const behind = fault(judgeClock({ synchronized: true, skews: skews(61_000) }));
    assert.match(behind.finding, /^this clock is 61 s behind that of wss:\/\/sfu/);
    assert.match(behind.remedy, /timedatectl set-ntp true/);
    assert.match(fault(judgeClock({ synchronized: true, skews: skews(-6000) })).finding, /6 s ahead of/);
    assert.equal(fault(judgeClock({ synchronized: false, skews: [] })).verdict, 'warning');
    assert.deepEqual(verdicts(judgeClock({ skews: [] })), ['info']);
  });

  describe('limits', () => {
    const facts: LimitFacts = { maxEngines: 64, files: 65_536, memoryBytes: 8e9, processors: 4, capacityMs: 0 };

    it('are fine where the engines that are allowed have room', () => {
      assert.deepEqual(verdicts(judgeLimits(facts)), ['ok', 'ok', 'ok']);
    });

    it('warn of too few open files and threads', () => {
      assert.match(fault(judgeLimits({ ...facts, files: 256 })).finding, /256 open files .*, 64 engines may take 768/);
      assert.match(fault(judgeLimits({ ...facts, tasks: 100 })).remedy, /TasksMax=/);
    });

    it('fail without memory for one engine', () => {
      assert.equal(fault(judgeLimits({ ...facts, memoryBytes: 200e6 })).verdict, 'failure');
      assert.equal(fault(judgeLimits({ ...facts, memoryBytes: 500e6 })).verdict, 'warning');
      assert.deepEqual(verdicts(judgeLimits({ ...facts, memoryBytes: 500e6, maxEngines: 2 })), ['ok', 'ok', 'ok']);
    });

    it('warn of a capacity that the control group does not give', () => {
      const { finding, remedy } = fault(judgeLimits({ ...facts, quota: 1.5 }));
      assert.match(finding, /4 processors, of which the control group may use 1\.5, but the capacity is 4000 ms/);
      assert.match(remedy, /capacity-ms to 1500/);
      assert.deepEqual(verdicts(judgeLimits({ ...facts, quota: 1.5, capacityMs: 1500 })), ['ok', 'ok', 'ok']);
      assert.match(fault(judgeLimits({ ...facts, capacityMs: 9000 })).remedy, /capacity-ms to 4000/);
    });
  });

  describe('leftovers', () => {
    const files = ['/opt/dist/bin/AliRtcCoreService', '/vendor/core'];
    const init = { pid: 1, parent: 0, name: 'systemd', args: ['/sbin/init'] };
    const core = { pid: 30, parent: 1, name: 'node', args: ['node', '/opt/dist/bin/AliRtcCoreService', '42001'] };

    it('are core services and channel servers whose daemon has died', () => {
      const vendor = { pid: 31, parent: 1, name: 'core', args: ['/vendor/core', '42002'] };
      const server = {
        pid: 32,
        parent: 1,
        name: 'node',
        args: ['node', '/opt/dist/bin/alirtc-channelserver', '--exit-with-stdin'],
      };
      const { finding, remedy } = fault(judgeLeftovers([init, core, vendor, server], files));
      assert.match(finding, /^3 processes .*: pid 30 31 32$/);
      assert.match(remedy, /kill 30 31 32/);
    });

    it('are not those of a daemon that runs, also when it is the first process of a container', () => {
      const daemon = { pid: 20, parent: 1, name: 'node', args: ['node', '/opt/dist/bin/alirtcd.mjs'] };
      assert.deepEqual(verdicts(judgeLeftovers([init, daemon, { ...core, parent: 20 }], files)), ['ok']);
      assert.deepEqual(verdicts(judgeLeftovers([{ ...daemon, pid: 1, parent: 0 }, core], files)), ['ok']);
    });

    it('are not channel servers that somebody runs by themselves', () => {
      const server = {
        pid: 33,
        parent: 1,
        name: 'node',
        args: ['node', '/opt/dist/bin/alirtc-channelserver', '--keys', 'k'],
      };
      assert.deepEqual(verdicts(judgeLeftovers([init, server], files)), ['ok']);
    });

    it('are not those that another host of cores has started, nor an editor with the file', () => {
      const host = { pid: 21, parent: 1, name: 'python3', args: ['python3', 'bot.py'] };
      const editor = { pid: 22, parent: 1, name: 'vi', args: ['vi', 'AliRtcCoreService'] };
      assert.deepEqual(verdicts(judgeLeftovers([init, host, editor, { ...core, parent: 21 }], files)), ['ok']);
    });
  });
});
