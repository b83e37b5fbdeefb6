import assert from 'node:assert/strict';
import { Excuses } from '../../soak/excuses.js';
import { EVERYBODY } from '../../soak/protocol.js';

describe('the excuses of a soak', () => {
  it('hold for those who were disturbed, for their time, and for what began meanwhile', () => {
    let nowMs = 1_000;
    const excuses = new Excuses(() => nowMs);
    excuses.add({ who: 'slot1', forMs: 5_000 });
    assert.equal(excuses.covers(['slot1']), true);
    assert.equal(excuses.covers(['slot2']), false);
    nowMs = 7_000;
    assert.equal(excuses.covers(['slot1']), false);
    // A call that began while the excuse held.
    assert.equal(excuses.covers(['slot2', 'slot1'], 5_500), true);
  });

  it('of everybody hold for anybody', () => {
    const excuses = new Excuses(() => 0);
    excuses.add({ who: EVERYBODY, forMs: 10 });
    assert.equal(excuses.covers(['slot7']), true);
    assert.equal(excuses.covers([]), true);
  });
});
