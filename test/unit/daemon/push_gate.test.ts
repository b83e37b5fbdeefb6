import assert from 'node:assert/strict';
import { CreditWindow } from '../../../daemon/media/credit_window.js';
import { PushGate } from '../../../daemon/media/push_gate.js';

const never = new AbortController().signal;

function make(capacity: number) {
  const edges: boolean[] = [];
  return { edges, gate: new PushGate(capacity, (isFull) => edges.push(isFull)) };
}

/** Lets what was resolved run. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('the push gate over a core that counts', () => {
  it('refuses what does not fit, whole, and tells full and drained once each', () => {
    const { gate, edges } = make(200);
    gate.consumed(0);
    assert.equal(gate.tryPush(150), true);
    assert.equal(gate.tryPush(60), false);
    assert.equal(gate.tryPush(60), false);
    assert.equal(gate.tryPush(50), true);
    assert.deepEqual(edges, [true]);
    gate.consumed(90);
    assert.deepEqual(edges, [true]);
    gate.consumed(100);
    assert.deepEqual(edges, [true, false]);
    gate.consumed(150);
    assert.deepEqual(edges, [true, false]);
  });

  it('lets those that wait in, in their order, and only as many as fit', async () => {
    const { gate, edges } = make(100);
    gate.consumed(0);
    await gate.push(100, never);
    const order: number[] = [];
    for (const number of [1, 2, 3]) void gate.push(40, never).then(() => order.push(number));
    gate.consumed(80);
    await settle();
    assert.deepEqual(order, [1, 2]);
    gate.consumed(100);
    await settle();
    assert.deepEqual(order, [1, 2]);
    gate.consumed(140);
    await settle();
    assert.deepEqual(order, [1, 2, 3]);
    assert.deepEqual(edges, []);
  });

  it('does not hold up others when one that waits is cancelled', async () => {
    const { gate } = make(100);
    gate.consumed(0);
    await gate.push(60, never);
    const controller = new AbortController();
    const large = gate.push(90, controller.signal);
    const small = gate.push(40, never);
    controller.abort(new Error('the client is gone'));
    await assert.rejects(large, /the client is gone/);
    await small;
    assert.equal(gate.queued, 100);
  });
});

describe('the push gate over a core that does not count', () => {
  it('refuses between the edges that the core tells, and passes them on', () => {
    const { gate, edges } = make(5);
    for (let at = 0; at < 100; at += 1) assert.equal(gate.tryPush(1), true);
    assert.equal(gate.coreEdge(true), true);
    assert.equal(gate.tryPush(1), false);
    assert.equal(gate.coreEdge(false), true);
    assert.equal(gate.tryPush(1), true);
    assert.deepEqual(edges, []);
  });

  it('keeps streams waiting until the core has room', async () => {
    const { gate } = make(5);
    gate.coreEdge(true);
    let isIn = false;
    void gate.push(1, never).then(() => (isIn = true));
    await settle();
    assert.equal(isIn, false);
    gate.coreEdge(false);
    await settle();
    assert.equal(isIn, true);
  });
});

describe('the credits of a push stream', () => {
  it('begin with the window, and come back in batches of a quarter', () => {
    const credits = new CreditWindow(20);
    assert.equal(credits.initial, 20);
    const granted: number[] = [];
    for (let at = 0; at < 12; at += 1) {
      credits.accept(1);
      granted.push(credits.take());
    }
    assert.deepEqual(granted, [0, 0, 0, 0, 5, 0, 0, 0, 0, 5, 0, 0]);
    assert.equal(credits.acceptedFrames, 12);
  });

  it('never lose a fraction', () => {
    const credits = new CreditWindow(4);
    let granted = 0;
    for (let at = 0; at < 1000; at += 1) {
      credits.accept(2.3);
      granted += credits.take();
    }
    assert.ok(Math.abs(granted - 2300) <= 1, String(granted));
  });
});
