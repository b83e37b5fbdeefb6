import assert from 'node:assert/strict';
import pino from 'pino';
import { ServiceManager } from '../../../daemon/node/service_manager.js';
import { FakeClock } from '../daemon/fake_clock.js';

const WATCHDOG_MS = 60_000;

interface Scene {
  manager: ServiceManager;
  told: string[][];
  clock: FakeClock;
  /** What the daemon finds wrong with itself from now on. */
  fault: (text: string | undefined) => void;
  environment: Record<string, string | undefined>;
}

function scene(more: Record<string, string> = {}, send?: (assignments: readonly string[]) => Promise<void>): Scene {
  const told: string[][] = [];
  const clock = new FakeClock();
  let fault: string | undefined;
  const environment: Record<string, string | undefined> = {
    PATH: '/usr/bin',
    NOTIFY_SOCKET: '/run/systemd/notify',
    WATCHDOG_USEC: String(WATCHDOG_MS * 1000),
    ...more,
  };
  const manager = ServiceManager.find({
    environment,
    logger: pino({ level: 'silent' }),
    clock,
    findFault: () => Promise.resolve(fault),
    send:
      send ??
      ((assignments) => {
        told.push([...assignments]);
        return Promise.resolve();
      }),
  });
  assert.ok(manager !== undefined);
  return { manager, told, clock, fault: (text) => (fault = text), environment };
}

/** Lets what is under way go on. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('What systemd is told', () => {
  it('is nothing when nobody wants to be told', () => {
    const environment = { PATH: '/usr/bin' };
    const found = ServiceManager.find({
      environment,
      logger: pino({ level: 'silent' }),
      clock: new FakeClock(),
      findFault: () => Promise.resolve(undefined),
    });
    assert.equal(found, undefined);
  });

  it('does not go to children: its variables are taken out of the environment', () => {
    const { environment } = scene({ WATCHDOG_PID: String(process.pid) });
    assert.deepEqual(environment, { PATH: '/usr/bin' });
  });

  it('is READY when start() resolves, and a sign of life in half of the time from then on', async () => {
    const { manager, told, clock } = scene();
    await manager.start();
    assert.deepEqual(told, [['READY=1', 'STATUS=ready']]);
    for (let beat = 1; beat <= 3; beat += 1) {
      clock.advance(WATCHDOG_MS / 2 - 1);
      await settle();
      assert.equal(told.length, beat);
      clock.advance(1);
      await settle();
      assert.deepEqual(told[beat], ['WATCHDOG=1']);
    }
    await manager.close();
    clock.advance(WATCHDOG_MS);
    await settle();
    assert.equal(told.length, 4);
  });

  it('is no sign of life while something is wrong, but what it is', async () => {
    const { manager, told, clock, fault } = scene();
    await manager.start();
    fault('unix:/run/alirtcd.sock: connect ENOENT');
    clock.advance(WATCHDOG_MS / 2);
    await settle();
    assert.deepEqual(told[1], ['STATUS=not well: unix:/run/alirtcd.sock: connect ENOENT']);
    fault(undefined);
    clock.advance(WATCHDOG_MS / 2);
    await settle();
    assert.deepEqual(told[2], ['WATCHDOG=1', 'STATUS=ready']);
    await manager.close();
  });

  it('is no sign of life when the look takes too long', async () => {
    const told: string[] = [];
    const clock = new FakeClock();
    const manager = ServiceManager.find({
      environment: { NOTIFY_SOCKET: '@notify', WATCHDOG_USEC: '8000000' },
      logger: pino({ level: 'silent' }),
      clock,
      findFault: () => new Promise(() => undefined),
      send: (assignments) => {
        told.push(assignments.join(' '));
        return Promise.resolve();
      },
    });
    await manager?.start();
    clock.advance(4_000);
    await settle();
    clock.advance(2_000);
    await settle();
    assert.deepEqual(told, ['READY=1 STATUS=ready', 'STATUS=not well: no answer in 2000 ms']);
    await manager?.close();
  });

  it('has no watchdog for another process, nor without one', async () => {
    for (const more of [{ WATCHDOG_PID: '1' }, { WATCHDOG_USEC: '' }, { WATCHDOG_USEC: 'soon' }]) {
      const { manager, told, clock } = scene(more);
      await manager.start();
      clock.advance(10 * WATCHDOG_MS);
      await settle();
      assert.equal(told.length, 1);
      await manager.close();
    }
  });

  it('comes in order, each message once the one before is sent, and without line feeds of others', async () => {
    const sent: string[][] = [];
    let release: () => void = () => undefined;
    const { manager } = scene({}, (assignments) => {
      sent.push([...assignments]);
      return new Promise((resolve) => (release = resolve));
    });
    const started = manager.start();
    manager.reloading();
    manager.reloaded('ready;\nREADY=0');
    await settle();
    assert.deepEqual(sent, [['READY=1', 'STATUS=ready']]);
    release();
    await started;
    await settle();
    assert.match(sent[1]?.join(' ') ?? '', /^RELOADING=1 MONOTONIC_USEC=\d+$/);
    release();
    await settle();
    assert.deepEqual(sent[2], ['READY=1', 'STATUS=ready; READY=0']);
    release();
    await manager.close();
  });

  it('asks for the time of a drain and of closing behind it, and stops its signs of life with the end', async () => {
    const { manager, told, clock } = scene();
    await manager.start();
    manager.draining(90);
    manager.stopping();
    await settle();
    assert.deepEqual(told.slice(1), [
      ['STATUS=draining: engines may go on for 90 s', 'EXTEND_TIMEOUT_USEC=120000000'],
      ['STOPPING=1', 'STATUS=stopping: engines leave'],
    ]);
    clock.advance(WATCHDOG_MS);
    await settle();
    assert.equal(told.length, 3);
    await manager.close();
  });

  it('does not pile up when systemd does not read, and failing to tell it is no error of the daemon', async () => {
    let sends = 0;
    const { manager } = scene({}, () => {
      sends += 1;
      return Promise.reject(new Error('no such command'));
    });
    for (let count = 0; count < 1000; count += 1) manager.reloading();
    await manager.start();
    await manager.close();
    assert.equal(sends, 16);
  });
});
