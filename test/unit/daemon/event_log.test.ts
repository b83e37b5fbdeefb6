import assert from 'node:assert/strict';
import { AlirtcError } from '../../../common/errors.js';
import { EventLog } from '../../../daemon/events/event_log.js';
import { EventReader } from '../../../daemon/events/event_reader.js';
import { EndCause, EngineSnapshot } from '../../../gen/alirtc/v1/events.js';
import { FakeClock } from './fake_clock.js';

const never = new AbortController().signal;
const snapshot = () => EngineSnapshot.fromPartial({ engineId: 'eng_a' });

function logOf(count: number, capacity = 16): EventLog {
  const log = new EventLog(new FakeClock(), capacity);
  for (let at = 1; at <= count; at += 1) online(log, at);
  return log;
}

function online(log: EventLog, number: number): void {
  log.append({ $case: 'onRemoteUserOnLineNotify', value: { uid: String(number) } });
}

describe('the event log', () => {
  it('counts from 1 without gaps, also over the end of its ring', () => {
    const log = logOf(40);
    assert.equal(log.next, 41);
    assert.equal(log.oldest, 25);
    for (let sequence = 25; sequence <= 40; sequence += 1) assert.equal(log.at(sequence)?.sequence, sequence);
    assert.equal(log.at(24), undefined);
  });

  it('begins with a snapshot that says what it includes', async () => {
    const reader = new EventReader(logOf(3), 0, snapshot);
    const first = await reader.next(never);
    assert.equal(first?.event?.$case, 'snapshot');
    assert.equal(first.sequence, 3);
    reader.close();
  });

  it('reads on from a number, then what comes, then the end, then nothing', async () => {
    const log = logOf(3);
    const reader = new EventReader(log, 2, snapshot);
    await reader.next(never);
    assert.equal((await reader.next(never))?.sequence, 2);
    assert.equal((await reader.next(never))?.sequence, 3);
    const waiting = reader.next(never);
    log.end({ cause: EndCause.RELEASED, detail: '' });
    assert.equal((await waiting)?.event?.$case, 'ended');
    assert.equal(await reader.next(never), undefined);
  });

  it('takes nothing after the end', () => {
    const log = logOf(1);
    log.end({ cause: EndCause.RELEASED, detail: '' });
    online(log, 9);
    assert.equal(log.next, 3);
  });

  for (const from of [1, 24, 42, 1000])
    it(`refuses to read from ${from} when it holds 25 to 40`, () => {
      assert.throws(
        () => new EventReader(logOf(40), from, snapshot),
        (error) => {
          assert.ok(error instanceof AlirtcError);
          assert.equal(error.class, 'out_of_range');
          assert.deepEqual(error.metadata, { oldest: '25', next: '41' });
          return true;
        },
      );
    });

  it('ends a reader that does not keep up while it can still resume without a loss', async () => {
    const log = logOf(2);
    const reader = new EventReader(log, 1, snapshot);
    for (let message = 0; message < 3; message += 1) await reader.next(never);
    for (let at = 3; at < 12; at += 1) online(log, at);
    const error = await reader.next(never).then(
      () => assert.fail('it went on'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof AlirtcError);
    assert.equal(error.class, 'resource_exhausted');
    assert.equal(error.metadata['setting'], 'event-ring');
    const resumed = new EventReader(log, Number(error.metadata['resume']), snapshot);
    await resumed.next(never);
    assert.equal((await resumed.next(never))?.sequence, 3);
  });

  it('keeps no more bytes than it may, and says from where it can be read', async () => {
    const log = new EventLog(new FakeClock(), 64, 10_000);
    const sei = (bytes: number): void =>
      log.append({ $case: 'onMediaExtensionMsgReceived', value: { userId: 'anna', message: Buffer.alloc(bytes) } });
    for (let count = 0; count < 20; count += 1) sei(2_000);
    assert.equal(log.next, 21);
    assert.equal(log.oldest, 17);
    assert.equal(log.at(16), undefined);
    assert.throws(() => new EventReader(log, 16, snapshot), { class: 'out_of_range' });
    const reader = new EventReader(log, 17, snapshot);
    await reader.next(never);
    for (let sequence = 17; sequence <= 20; sequence += 1) assert.equal((await reader.next(never))?.sequence, sequence);
    // Larger than the ring: it is kept alone.
    sei(50_000);
    assert.equal(log.oldest, 21);
    assert.equal((await reader.next(never))?.sequence, 21);
  });

  it('ends a reader that lags by half of the bytes while it can still resume without a loss', async () => {
    const log = new EventLog(new FakeClock(), 64, 10_000);
    const reader = new EventReader(log, 0, snapshot);
    await reader.next(never);
    const waiting = reader.next(never);
    for (let count = 0; count < 4; count += 1)
      log.append({ $case: 'onMediaExtensionMsgReceived', value: { userId: 'anna', message: Buffer.alloc(2_000) } });
    const lag = { resume: '1', oldest: '1', next: '5' };
    await assert.rejects(waiting, {
      class: 'resource_exhausted',
      metadata: { ...lag, limit: '10000', setting: 'event-ring-bytes' },
    });
  });

  it('lets a reader go when its call is cancelled', async () => {
    const controller = new AbortController();
    const reader = new EventReader(logOf(0), 0, snapshot);
    await reader.next(controller.signal);
    const waiting = reader.next(controller.signal);
    controller.abort();
    assert.equal(await waiting, undefined);
  });
});

describe('waiting for an event', () => {
  const wait = (log: EventLog, signal = never) =>
    log.waitFor({
      what: 'a user',
      timeoutMs: 100,
      signal,
      match: (event) => (event.$case === 'onRemoteUserOnLineNotify' ? event.value.uid : undefined),
    });

  it('resolves with the first one that matches', async () => {
    const log = new EventLog(new FakeClock());
    const waited = wait(log);
    log.append({ $case: 'onWarning', value: { warningCode: -1, text: '' } });
    online(log, 7);
    assert.equal(await waited, '7');
  });

  it('rejects at its deadline, and leaves no timer after it resolved', async () => {
    const clock = new FakeClock();
    const log = new EventLog(clock);
    const late = wait(log);
    clock.advance(100);
    await assert.rejects(late, { class: 'deadline_exceeded' });
    const waited = wait(log);
    online(log, 1);
    await waited;
    assert.equal(clock.pending, 0);
  });

  it('rejects when the engine ends, and when the call is cancelled', async () => {
    const log = new EventLog(new FakeClock());
    const controller = new AbortController();
    const cancelled = wait(log, controller.signal);
    controller.abort();
    await assert.rejects(cancelled, { class: 'cancelled' });
    const ended = wait(log);
    log.end({ cause: EndCause.CORE_DIED, detail: 'segmentation fault' });
    await assert.rejects(ended, /segmentation fault/);
  });
});
