import assert from 'node:assert/strict';
import { FrameRateLimit } from '../../../coreservice/engine/frame_rate_limit.js';

/** How many of the pictures at these times pass. */
function passed(times: number[], frameRate: number): number[] {
  const limit = new FrameRateLimit();
  return times.filter((time) => limit.allows(time, frameRate));
}

function regular(rate: number, seconds: number, jitterMs = 0): number[] {
  return Array.from({ length: rate * seconds }, (_, i) => (i * 1000) / rate + (i % 2 === 0 ? 0 : jitterMs));
}

describe('the frame rate limit', () => {
  for (const [pushed, limit, expected] of [
    [30, 30, 300],
    [30, 15, 150],
    [30, 20, 200],
    [30, 25, 250],
    [60, 30, 300],
    [10, 30, 100],
  ] as const)
    it(`lets ${expected / 10} of ${pushed} pictures a second through when ${limit} are allowed`, () => {
      const count = passed(regular(pushed, 10), limit).length;
      assert.ok(Math.abs(count - expected) <= 2, `${count} in 10 s`);
    });

  it('lets all pictures through that jitter around their time', () => {
    assert.equal(passed(regular(30, 10, 12), 30).length, 300);
  });

  it('lets a burst through after a stall, but no more than were due', () => {
    const stalled = regular(30, 4).map((time) => (time > 1000 && time < 1130 ? 1130 : time));
    assert.equal(passed(stalled, 30).length, 120);
    const flood = [
      ...regular(30, 1),
      ...new Array<number>(60).fill(2000),
      ...regular(30, 1).map((time) => time + 2033),
    ];
    assert.ok(passed(flood, 30).length <= 30 + 7 + 30, `${passed(flood, 30).length}`);
  });
});
