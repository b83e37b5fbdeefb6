import assert from 'node:assert/strict';
import { DropOldestQueue, KeyFrameQueue } from '../../../daemon/media/frame_queue.js';
import type { FrameQueue } from '../../../daemon/media/frame_queue.js';
import { FramePump } from '../../../daemon/media/frame_pump.js';
import type { FrameMessage } from '../../../daemon/media/frame_message.js';
import { frame } from './frames.js';

function drain(queue: FrameQueue): string {
  const out: string[] = [];
  for (let item = queue.shift(); item !== undefined; item = queue.shift())
    out.push(`${item.frame.coreSequence}${item.droppedBefore > 0 ? `(-${item.droppedBefore})` : ''}`);
  return out.join(' ');
}

describe('a queue that drops the oldest', () => {
  it('keeps the newest, and tells the drops with the first that is left', () => {
    const queue = new DropOldestQueue(3);
    for (let at = 1; at <= 7; at += 1) queue.offer(frame(at), 0);
    assert.equal(drain(queue), '5(-4) 6 7');
  });

  it('adds what was lost before it came here', () => {
    const queue = new DropOldestQueue(2);
    queue.offer(frame(1), 0);
    queue.offer(frame(4), 2);
    queue.offer(frame(5), 0);
    assert.equal(drain(queue), '4(-3) 5');
  });

  it('tells that the core was replaced with the first frame that is left behind that, once', () => {
    const queue = new DropOldestQueue(2);
    queue.cut();
    queue.offer(frame(1), 0);
    queue.cut();
    for (let at = 2; at <= 4; at += 1) queue.offer(frame(at), 0);
    const cuts = [queue.shift(), queue.shift()].map((item) => [item?.frame.coreSequence, item?.discontinuity]);
    // Before the first frame there was nothing to be cut off from.
    assert.deepEqual(cuts, [
      [3, true],
      [4, false],
    ]);
  });

  it('counts drops over the moment when it is empty', () => {
    const queue = new DropOldestQueue(1);
    queue.offer(frame(1), 0);
    queue.offer(frame(2), 0);
    assert.equal(drain(queue), '2(-1)');
    queue.offer(frame(3), 0);
    assert.equal(drain(queue), '3');
  });
});

describe('a queue that drops to the next key frame', () => {
  const make = (capacity: number) => {
    const asked: string[] = [];
    return { asked, queue: new KeyFrameQueue(capacity, (uid, track) => asked.push(`${uid}/${track}`)) };
  };

  it('begins with a key frame and asks for one; what came before it is no drop', () => {
    const { queue, asked } = make(10);
    for (let at = 1; at <= 6; at += 1) queue.offer(frame(at, { keyFrame: at === 4 }), 0);
    assert.equal(drain(queue), '4 5 6');
    assert.equal(asked[0], 'anna/0');
  });

  it('begins anew with a key frame when the core was replaced', () => {
    const { queue } = make(10);
    for (let at = 1; at <= 2; at += 1) queue.offer(frame(at, { keyFrame: at === 1 }), 0);
    queue.cut();
    for (let at = 1; at <= 4; at += 1) queue.offer(frame(at, { keyFrame: at === 3 }), 0);
    const items = [queue.shift(), queue.shift(), queue.shift(), queue.shift()];
    assert.deepEqual(
      items.map((item) => [item?.frame.coreSequence, item?.droppedBefore, item?.discontinuity]),
      [
        [1, 0, false],
        [2, 0, false],
        [3, 0, true],
        [4, 0, false],
      ],
    );
  });

  it('takes nothing after an overflow until the next key frame, then begins with it', () => {
    const { queue, asked } = make(3);
    for (let at = 1; at <= 5; at += 1) queue.offer(frame(at, { keyFrame: at === 1 }), 0);
    assert.deepEqual(asked, ['anna/0', 'anna/0']);
    assert.equal(drain(queue), '1 2 3');
    queue.offer(frame(6), 0);
    queue.offer(frame(7, { keyFrame: true }), 0);
    queue.offer(frame(8), 0);
    assert.equal(drain(queue), '7(-3) 8');
  });

  it('gives a key frame the place of what is queued of its track', () => {
    const { queue } = make(3);
    for (let at = 1; at <= 3; at += 1) queue.offer(frame(at, { keyFrame: at === 1 }), 0);
    queue.offer(frame(4, { keyFrame: true }), 0);
    assert.equal(drain(queue), '4(-3)');
  });

  it('waits for a key frame after a loss before it', () => {
    const { queue } = make(10);
    queue.offer(frame(1, { keyFrame: true }), 0);
    queue.offer(frame(3), 1);
    queue.offer(frame(4), 0);
    queue.offer(frame(5, { keyFrame: true }), 0);
    assert.equal(drain(queue), '1 5(-3)');
  });

  it('keeps the tracks apart', () => {
    const { queue } = make(10);
    queue.offer(frame(1, { keyFrame: true }), 0);
    queue.offer(frame(1, { uid: 'ben', keyFrame: true }), 0);
    queue.offer(frame(3, { uid: 'ben' }), 1);
    queue.offer(frame(2), 0);
    assert.equal(drain(queue), '1 1 2(-2)');
  });
});

describe('the pump', () => {
  function make(capacity = 4) {
    const written: FrameMessage[] = [];
    const done: (() => void)[] = [];
    let ended: { error?: Error | undefined } | undefined;
    const queue = new DropOldestQueue(capacity);
    const pump = new FramePump(queue, {
      write: (message, written_) => {
        written.push(message);
        done.push(written_);
      },
      end: (error) => (ended = { error }),
    });
    const offer = (at: number, bytes: number) => {
      queue.offer(frame(at, { bytes }), 0);
      pump.kick();
    };
    return { written, done, pump, offer, ended: () => ended };
  }

  it('has two large frames on their way at the most, and numbers what the reader missed', () => {
    const { written, done, offer } = make(2);
    for (let at = 1; at <= 8; at += 1) offer(at, 100_000);
    assert.deepEqual(
      written.map(({ sequence }) => sequence),
      [1, 2],
    );
    done.shift()?.();
    done.shift()?.();
    assert.deepEqual(
      written.slice(2).map(({ sequence, droppedBefore }) => [sequence, droppedBefore]),
      [
        [7, 4],
        [8, 0],
      ],
    );
  });

  it('has more small frames on their way, up to a bound', () => {
    const { written, offer } = make(500);
    for (let at = 1; at <= 300; at += 1) offer(at, 960);
    assert.ok(written.length > 20 && written.length < 60, String(written.length));
  });

  it('writes what is queued before it ends, and nothing after', () => {
    const { written, done, pump, offer, ended } = make();
    for (let at = 1; at <= 4; at += 1) offer(at, 100_000);
    pump.finish();
    assert.equal(ended(), undefined);
    done.shift()?.();
    done.shift()?.();
    assert.equal(written.length, 4);
    assert.deepEqual(ended(), { error: undefined });
    offer(5, 10);
    assert.equal(written.length, 4);
  });

  it('ends with the error, and without what is queued when it is aborted', () => {
    const { written, pump, offer, ended } = make();
    for (let at = 1; at <= 4; at += 1) offer(at, 100_000);
    const error = new Error('the core died');
    pump.abort(error);
    assert.equal(written.length, 2);
    assert.deepEqual(ended(), { error });
  });
});
