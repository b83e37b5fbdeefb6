import assert from 'node:assert/strict';
import { FreezeMeter } from '../../../coreservice/engine/freeze_meter.js';

/** Pictures every 40 ms; gives the time of the last one. */
function run(meter: FreezeMeter, fromMs: number, count: number): number {
  for (let n = 0; n < count; n++) meter.shown(fromMs + n * 40);
  return fromMs + (count - 1) * 40;
}

describe('pictures that stand still', () => {
  it('a steady flow has no freeze', () => {
    const meter = new FreezeMeter();
    run(meter, 1000, 500);
    assert.deepEqual([meter.times, meter.frozenMs], [0, 0]);
  });

  for (const [pauseMs, times] of [
    [189, 0],
    [190, 1],
    [2000, 1],
  ] as const)
    it(`${pauseMs} ms between pictures of 40 ms are ${times} freezes`, () => {
      const meter = new FreezeMeter();
      const lastMs = run(meter, 0, 40);
      run(meter, lastMs + pauseMs, 100);
      assert.deepEqual([meter.times, meter.frozenMs], [times, times * pauseMs]);
    });

  it('counts every freeze, and none while nobody looks or before there is an average', () => {
    const meter = new FreezeMeter();
    let lastMs = run(meter, 0, 5);
    lastMs = run(meter, lastMs + 500, 40);
    lastMs = run(meter, lastMs + 300, 60);
    lastMs = run(meter, lastMs + 700, 60);
    meter.pause();
    run(meter, lastMs + 60_000, 60);
    assert.deepEqual([meter.times, meter.frozenMs], [2, 1000]);
  });
});
