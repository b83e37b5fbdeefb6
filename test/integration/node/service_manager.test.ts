import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { DaemonProcess } from '../../support/daemon_process.js';
import { eventually } from '../../support/eventually.js';

/** Node has no Unix datagram sockets: what systemd is to the daemon, Python is here. A line of JSON for each message. */
const RECEIVER = `import json, socket, sys
name = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind('\\0' + name[1:] if name.startswith('@') else name)
print('"listening"', flush=True)
while True:
    print(json.dumps(receiver.recv(65536).decode()), flush=True)
`;

interface Receiver {
  messages: string[];
  process: ChildProcess;
}

async function receive(name: string): Promise<Receiver> {
  const process = spawn('python3', ['-c', RECEIVER, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  const messages: string[] = [];
  const lines = createInterface({ input: process.stdout });
  await once(lines, 'line', { signal: AbortSignal.timeout(20_000) });
  // systemd-notify waits at its barrier until the message before has been read; that is no message for people.
  lines.on('line', (line) => {
    const message = (JSON.parse(line) as string).trim();
    if (message !== 'BARRIER=1') messages.push(message);
  });
  return { messages, process };
}

describe('A daemon started by a service manager', function () {
  this.timeout(60_000);
  let folder: string;

  before(async function () {
    for (const [command, argument] of [
      ['systemd-notify', '--version'],
      ['python3', '--version'],
    ] as const)
      if (spawnSync(command, [argument]).status !== 0) {
        console.log(`      skipped: no ${command}; install Debian's packages systemd and python3`);
        this.skip();
      }
    folder = await mkdtemp(path.join(os.tmpdir(), 'notify-'));
  });
  after(() => (folder === undefined ? undefined : rm(folder, { recursive: true, force: true })));

  for (const [what, name] of [
    ['a socket in the file system', () => path.join(folder, 'notify.sock')],
    ['an abstract socket', () => `@alirtcd-test-${process.pid}`],
  ] as const)
    it(`tells it by ${what}: ready, that it lives, reloads, the drain and the end`, async () => {
      const receiver = await receive(name());
      const environment = { NOTIFY_SOCKET: name(), WATCHDOG_USEC: '600000', ALIRTCD_DRAIN_SECONDS: '60' };
      const daemon = await DaemonProcess.start({ environment });
      const told = (pattern: RegExp): Promise<void> =>
        eventually(() =>
          receiver.messages.some((text) => pattern.test(text)) ? undefined : receiver.messages.join('|'),
        );
      try {
        await told(/^READY=1\nSTATUS=ready$/);
        await told(/^WATCHDOG=1$/);
        daemon.child.kill('SIGHUP');
        await told(/^RELOADING=1\nMONOTONIC_USEC=\d+$/);
        await eventually(() =>
          receiver.messages.filter((text) => text.startsWith('READY=1')).length === 2 ? undefined : 'not ready again',
        );
        daemon.child.kill('SIGTERM');
        await told(/^STATUS=draining: engines may go on for 60 s\nEXTEND_TIMEOUT_USEC=90000000$/);
        await told(/^STOPPING=1\n/);
        const { code } = await daemon.exited;
        assert.equal(code, 0);
        const order = receiver.messages.map((text) => text.split('\n')[0]).filter((text) => text !== 'WATCHDOG=1');
        assert.deepEqual(order.slice(0, 3), ['READY=1', 'RELOADING=1', 'READY=1']);
        assert.deepEqual(
          daemon.log.filter((line) => /could not be told|not well/.test(line)),
          [],
        );
      } finally {
        await daemon.stop();
        receiver.process.kill('SIGKILL');
      }
    });

  it('is not told that the daemon lives once nobody can reach it: its socket was removed', async () => {
    const receiver = await receive(path.join(folder, 'gone.sock'));
    const listen = path.join(folder, 'alirtcd.sock');
    const daemon = await DaemonProcess.start({
      environment: { NOTIFY_SOCKET: path.join(folder, 'gone.sock'), WATCHDOG_USEC: '1000000' },
      listen: [`unix:${listen}`],
    });
    try {
      await eventually(() => (receiver.messages.includes('WATCHDOG=1') ? undefined : 'no sign of life'));
      await rm(listen);
      await eventually(() =>
        receiver.messages.some((text) => /^STATUS=not well: unix:.*ENOENT/.test(text)) ? undefined : 'not said',
      );
      const told = receiver.messages.length;
      await eventually(() => (receiver.messages.length >= told + 2 ? undefined : 'no further look'));
      assert.ok(!receiver.messages.slice(told).includes('WATCHDOG=1'), receiver.messages.join('|'));
    } finally {
      await daemon.stop();
      receiver.process.kill('SIGKILL');
    }
  });

  it('does not hand the socket on to its core processes and its channel server', async () => {
    const receiver = await receive(path.join(folder, 'core.sock'));
    const daemon = await DaemonProcess.start({
      environment: { NOTIFY_SOCKET: path.join(folder, 'core.sock') },
      flags: ['--warm-cores', '1'],
    });
    try {
      const children = await longLivedChildren(daemon.ready.pid, 2);
      for (const pid of children) {
        const environ = readFileSync(`/proc/${pid}/environ`, 'utf8');
        assert.ok(environ.includes('PATH='), environ);
        assert.ok(!environ.includes('NOTIFY_SOCKET'), environ);
      }
    } finally {
      await daemon.stop();
      receiver.process.kill('SIGKILL');
    }
  });

  it('runs without the command systemd-notify, and says so', async () => {
    const daemon = await DaemonProcess.start({
      environment: {
        NOTIFY_SOCKET: path.join(folder, 'nobody.sock'),
        PATH: path.dirname(process.execPath) + '/nowhere',
      },
      flags: ['--http-listen', 'off', '--channel-server-url', 'ws://127.0.0.1:1'],
    });
    try {
      await eventually(() =>
        daemon.log.some((line) => line.includes('the service manager could not be told')) ? undefined : 'not said',
      );
    } finally {
      assert.equal((await daemon.stop()).code, 0);
    }
  });
});

/** The process ids of core processes and of the channel server, once there are so many. */
async function longLivedChildren(pid: number, count: number): Promise<string[]> {
  let found: string[] = [];
  await eventually(() => {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    found = children.filter((child) => /AliRtcCoreService|alirtc-channelserver/.test(commandOf(child)));
    return found.length === count ? undefined : `children: ${children.map(commandOf).join(', ')}`;
  });
  return found;
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return 'ended';
  }
}
