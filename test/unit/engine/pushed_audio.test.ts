import assert from 'node:assert/strict';
import { PushedAudio } from '../../../coreservice/engine/pushed_audio.js';

const PACKET = 960;

function makeQueue(capacityMs: number): PushedAudio {
  const queue = new PushedAudio({
    capacityMs,
    channels: 1,
    createResampler: () => assert.fail('nothing has to be converted'),
    onFull: () => undefined,
    onConsumed: () => undefined,
    onSentence: () => undefined,
  });
  queue.setShapes({ sampleRate: 48_000, channels: 1 }, 1);
  return queue;
}

const chunk = (durationMs: number) => ({ samples: new Int16Array(durationMs * 48).fill(7), durationMs, ptsMs: 0 });

describe('pushed sound that waits', () => {
  it('silence between two chunks is neither consumed nor in the way', () => {
    const queue = makeQueue(100);
    const packet = new Int16Array(PACKET);
    for (let round = 0; round < 50; round++) {
      assert.equal(queue.push(chunk(100), 0), true, `round ${round}: a full queue's worth fits into an empty one`);
      queue.insertSilence(19);
      queue.convertNext();
      assert.equal(Math.round(queue.queuedMs), 100);
      assert.equal(queue.consumedMs, round * 100);
      while (queue.takePacket(packet, 0, true));
      assert.equal(queue.queuedMs, 0);
      assert.equal(queue.consumedMs, (round + 1) * 100);
    }
  });

  it('silence half taken counts half', () => {
    const queue = makeQueue(200);
    queue.insertSilence(30);
    queue.push(chunk(40), 0);
    queue.convertNext();
    assert.equal(queue.takePacket(new Int16Array(PACKET), 0, true), true);
    assert.equal(Math.round(queue.readyMs), 50);
    assert.equal(Math.round(queue.queuedMs), 40);
    assert.equal(queue.consumedMs, 0);
    queue.clear();
    assert.equal(queue.consumedMs, 40);
  });
});
