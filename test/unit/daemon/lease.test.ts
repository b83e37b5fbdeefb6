import assert from 'node:assert/strict';
import { Lease } from '../../../daemon/engine/lease.js';
import { FakeClock } from './fake_clock.js';

function leased(seconds: number) {
  const clock = new FakeClock();
  let expired = 0;
  const lease = new Lease(seconds, clock, () => (expired += 1));
  return { clock, lease, expired: () => expired };
}

describe('a lease', () => {
  it('runs out once, when nobody was there for its time', () => {
    const { clock, lease, expired } = leased(30);
    clock.advance(60_000);
    lease.start();
    clock.advance(29_999);
    assert.equal(expired(), 0);
    clock.advance(1);
    assert.equal(expired(), 1);
    clock.advance(600_000);
    assert.equal(expired(), 1);
  });

  it('begins anew with a renewal', () => {
    const { clock, lease, expired } = leased(30);
    lease.start();
    for (let count = 0; count < 10; count += 1) {
      clock.advance(29_000);
      lease.renew();
    }
    assert.equal(expired(), 0);
    clock.advance(30_000);
    assert.equal(expired(), 1);
  });

  it('does not run out while anybody is there, and begins when the last one goes', () => {
    const { clock, lease, expired } = leased(30);
    lease.start();
    const [first, second] = [lease.hold(), lease.hold()];
    clock.advance(100_000);
    first();
    first();
    lease.renew();
    clock.advance(100_000);
    assert.equal(expired(), 0);
    second();
    clock.advance(29_999);
    assert.equal(expired(), 0);
    clock.advance(1);
    assert.equal(expired(), 1);
  });

  it('of a detached engine never runs out; nor does one that was stopped', () => {
    const detached = leased(0);
    detached.lease.start();
    detached.lease.hold()();
    const stopped = leased(30);
    stopped.lease.start();
    stopped.lease.stop();
    stopped.lease.renew();
    for (const { clock, expired } of [detached, stopped]) {
      clock.advance(1e9);
      assert.deepEqual([expired(), clock.pending], [0, 0]);
    }
  });
});
