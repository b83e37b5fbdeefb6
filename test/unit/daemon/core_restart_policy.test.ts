import assert from 'node:assert/strict';
import { CoreHeartbeat } from '../../../daemon/engine/core_heartbeat.js';
import { RestartBudget, restartPolicy } from '../../../daemon/engine/core_restart_policy.js';
import type { RestartPolicy } from '../../../daemon/engine/core_restart_policy.js';
import { CoreRestartMode, CoreRestartPolicy } from '../../../gen/alirtc/v1/engine.js';
import { FakeClock } from './fake_clock.js';

const USUAL: RestartPolicy = { mode: 'on-crash', delayMs: 100, maxDelayMs: 500, attempts: 4, windowMs: 60_000 };
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('the restarts of a core process', () => {
  it('wait longer each time, up to the longest, and are so many within the window', () => {
    const budget = new RestartBudget(USUAL);
    const taken = [0, 10, 20, 30].map((atMs) => budget.take(atMs));
    assert.deepEqual(taken, [
      { attempt: 1, delayMs: 100 },
      { attempt: 2, delayMs: 200 },
      { attempt: 3, delayMs: 400 },
      { attempt: 4, delayMs: 500 },
    ]);
    assert.equal(budget.take(40), undefined);
    // The first two have left the window.
    assert.deepEqual(budget.take(60_010), { attempt: 3, delayMs: 400 });
  });

  it('are those of the daemon where a client does not say otherwise', () => {
    assert.equal(restartPolicy(undefined, USUAL), USUAL);
    assert.deepEqual(restartPolicy(CoreRestartPolicy.fromPartial({}), USUAL), USUAL);
    const said = CoreRestartPolicy.fromPartial({ mode: CoreRestartMode.NEVER, attempts: 9, windowSeconds: 7 });
    assert.deepEqual(restartPolicy(said, USUAL), { ...USUAL, mode: 'never', attempts: 9, windowMs: 7_000 });
    const wrong = CoreRestartPolicy.fromPartial({ delayMs: -1 });
    assert.throws(() => restartPolicy(wrong, USUAL), { field: 'core_restart.delay_ms', class: 'invalid_argument' });
  });
});

describe('the heartbeat of a core process', () => {
  function beating(answer: () => Promise<unknown>) {
    const clock = new FakeClock();
    let asked = 0;
    let hung = 0;
    const ask = (): Promise<unknown> => {
      asked += 1;
      return answer();
    };
    const heartbeat = new CoreHeartbeat({ intervalMs: 1000, limitMs: 400 }, clock, ask, () => (hung += 1));
    heartbeat.start();
    return { clock, heartbeat, asked: () => asked, hung: () => hung };
  }

  it('asks again an interval after each answer', async () => {
    const { clock, asked, hung } = beating(() => Promise.resolve());
    for (let beat = 1; beat <= 3; beat += 1) {
      clock.advance(1000);
      await settle();
      assert.equal(asked(), beat);
    }
    assert.equal(hung(), 0);
  });

  it('tells a core that does not answer within the limit, once, and asks no more', () => {
    const { clock, asked, hung } = beating(() => new Promise(() => undefined));
    clock.advance(1399);
    assert.equal(hung(), 0);
    clock.advance(1);
    assert.equal(hung(), 1);
    clock.advance(10_000);
    assert.deepEqual([asked(), hung()], [1, 1]);
  });

  it('tells nothing once it was stopped', () => {
    const { clock, heartbeat, hung } = beating(() => new Promise(() => undefined));
    clock.advance(1100);
    heartbeat.stop();
    clock.advance(10_000);
    assert.equal(hung(), 0);
    assert.equal(clock.pending, 0);
  });
});
