import assert from 'node:assert/strict';
import { FrameLossMeter } from '../../../coreservice/engine/frame_loss_meter.js';

const TICKS = 6000;

describe('FrameLossMeter', () => {
  it('counts nothing while pictures follow each other, evenly or not', () => {
    const meter = new FrameLossMeter();
    for (const at of [0, 1, 2, 3, 5, 9, 10]) meter.arrived(at * TICKS, false);
    assert.equal(meter.lost, 0);
  });

  it('tells by the distance over a loss how many are missing, one at least', () => {
    const meter = new FrameLossMeter();
    for (const at of [0, 1, 2, 3, 4]) meter.arrived(at * TICKS, false);
    meter.arrived(8 * TICKS, true);
    assert.equal(meter.lost, 3);
    meter.arrived(9 * TICKS, true);
    assert.equal(meter.lost, 4);
    meter.arrived(10 * TICKS, false);
    assert.equal(meter.lost, 4);
  });

  it('does not count over a new start of the time line, and counts pictures that cannot be decoded', () => {
    const meter = new FrameLossMeter();
    meter.arrived(100 * TICKS, false);
    meter.arrived(0, true);
    assert.equal(meter.lost, 0);
    meter.unusable();
    assert.equal(meter.lost, 1);
  });
});
