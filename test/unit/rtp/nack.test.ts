import assert from 'node:assert/strict';
import { NackScheduler, RetransmissionBuffer } from '../../../rtp/nack.js';

describe('The NACK scheduler', () => {
  it('asks 10, 60, 130, 250 and 400 ms after the gap was seen, then gives up', () => {
    const nack = new NackScheduler();
    nack.onPacket(1, 0);
    nack.onPacket(4, 1000);
    const asked: number[] = [];
    for (let nowMs = 1000; nowMs < 3000; nowMs++) {
      const numbers = nack.due(nowMs);
      if (numbers.length === 0) continue;
      assert.deepEqual(numbers, [2, 3]);
      asked.push(nowMs - 1000);
    }
    assert.deepEqual(asked, [10, 60, 130, 250, 400]);
    assert.equal(nack.outstanding, 0);
    assert.equal(nack.nextDueAtMs, undefined);
  });

  it('says when it wants to be asked next, so that no ask is late', () => {
    const nack = new NackScheduler();
    nack.onPacket(0, 0);
    nack.onPacket(2, 5);
    nack.onPacket(4, 8);
    const asked: [number, number[]][] = [];
    for (let at = nack.nextDueAtMs; at !== undefined; at = nack.nextDueAtMs) {
      const numbers = nack.due(at);
      if (numbers.length > 0) asked.push([at, numbers]);
    }
    assert.deepEqual(asked.slice(0, 4), [
      [15, [1]],
      [18, [3]],
      [65, [1]],
      [68, [3]],
    ]);
    assert.equal(asked.length, 10);
  });

  it('does not ask for packets that are merely out of order', () => {
    const nack = new NackScheduler();
    for (const [sequence, nowMs] of [
      [1, 0],
      [4, 1],
      [3, 4],
      [2, 9],
      [5, 10],
    ] as const)
      nack.onPacket(sequence, nowMs);
    assert.deepEqual(nack.due(1000), []);
    assert.equal(nack.recovered, 0);
  });

  it('stops asking for what has come, and counts it as recovered', () => {
    const nack = new NackScheduler();
    nack.onPacket(1, 0);
    nack.onPacket(4, 0);
    assert.deepEqual(nack.due(10), [2, 3]);
    nack.onPacket(2, 20);
    assert.deepEqual(nack.due(60), [3]);
    assert.equal(nack.recovered, 1);
  });

  it('asks once when it is polled late', () => {
    const nack = new NackScheduler();
    nack.onPacket(1, 0);
    nack.onPacket(3, 0);
    assert.deepEqual(nack.due(300), [2]);
    assert.deepEqual(nack.due(399), []);
    assert.deepEqual(nack.due(400), [2]);
  });

  it('holds no more numbers than its cap, the newest ones', () => {
    const nack = new NackScheduler({ maxOutstanding: 100 });
    nack.onPacket(0, 0);
    nack.onPacket(61, 0);
    nack.onPacket(500, 0);
    assert.equal(nack.outstanding, 100);
    assert.equal(nack.due(10)[0], 400);
  });

  it('takes a large step for a new start, forwards and backwards', () => {
    const nack = new NackScheduler();
    nack.onPacket(1, 0);
    nack.onPacket(3, 0);
    nack.onPacket(60_000, 1);
    assert.equal(nack.outstanding, 0);
    nack.onPacket(10, 2);
    nack.onPacket(12, 3);
    assert.deepEqual(nack.due(13), [11]);
  });

  it('forgets what nobody waits for any more', () => {
    const nack = new NackScheduler();
    nack.onPacket(0, 0);
    nack.onPacket(10, 0);
    nack.forgetBefore(8);
    assert.deepEqual(nack.due(10), [8, 9]);
  });
});

describe('The retransmission buffer', () => {
  it('gives back what was sent, by sequence number, over the wrap', () => {
    const buffer = new RetransmissionBuffer<string>({ maxPackets: 16 });
    for (let i = 0; i < 40; i++) buffer.add((65_520 + i) & 0xffff, `packet ${i}`, i);
    assert.equal(buffer.take((65_520 + 39) & 0xffff, 40), 'packet 39');
    assert.equal(buffer.take((65_520 + 24) & 0xffff, 40), 'packet 24');
    assert.equal(buffer.take((65_520 + 23) & 0xffff, 40), undefined);
    assert.equal(buffer.take(30_000, 40), undefined);
  });

  it('gives nothing that is too old', () => {
    const buffer = new RetransmissionBuffer<string>({ maxAgeMs: 100 });
    buffer.add(1, 'a', 0);
    assert.equal(buffer.take(1, 100), 'a');
    assert.equal(buffer.take(1, 101), undefined);
  });

  it('answers repeated asks within one round trip once', () => {
    const buffer = new RetransmissionBuffer<string>({ minRepeatMs: 50 });
    buffer.add(1, 'a', 0);
    assert.equal(buffer.take(1, 10), 'a');
    assert.equal(buffer.take(1, 59), undefined);
    assert.equal(buffer.take(1, 60), 'a');
    buffer.clear();
    assert.equal(buffer.take(1, 500), undefined);
  });
});
