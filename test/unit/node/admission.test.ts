import assert from 'node:assert/strict';
import { AlirtcError } from '../../../common/errors.js';
import { Admission, reservedMs, WINDOW_MS } from '../../../daemon/node/admission.js';
import { receiveVideoMs, SMALL_PICTURE, streamMs, USUAL_PICTURE } from '../../../daemon/node/engine_cost.js';
import { FakeClock } from '../daemon/fake_clock.js';

const measured720p = { width: 1280, height: 720, framesPerSecond: 28.5 };

describe('what streams cost', () => {
  it('is what the benchmarks measured of 720p30: 59 ms/s as samples, 111 ms/s as pictures', () => {
    const received = receiveVideoMs(measured720p);
    assert.equal(Math.round(received + streamMs('encoded', measured720p)), 59);
    assert.equal(Math.round(received + streamMs('pictures', measured720p)), 111);
  });

  it('grows with pixels where pictures are decoded, and not where they are handed on as they came', () => {
    const large = { width: 1920, height: 1080, framesPerSecond: 30 };
    assert.ok(streamMs('pictures', large) > 2 * streamMs('pictures', USUAL_PICTURE) - 30);
    assert.ok(streamMs('pictures', SMALL_PICTURE) < 0.6 * streamMs('pictures', USUAL_PICTURE));
    assert.equal(streamMs('encoded', large), streamMs('encoded', SMALL_PICTURE));
    assert.ok(receiveVideoMs(SMALL_PICTURE) < receiveVideoMs(USUAL_PICTURE));
  });

  it('is little for sound', () => {
    for (const kind of ['audio', 'mixed', 'audioAac', 'mixedAac'] as const)
      assert.ok(streamMs(kind, USUAL_PICTURE) < 10, kind);
  });
});

describe('what is reserved', () => {
  it('goes down as the measured average takes it up, to nothing after the window', () => {
    const at = (ageMs: number): number => reservedMs([{ costMs: 100, atMs: 0 }], ageMs);
    assert.deepEqual([at(0), at(WINDOW_MS / 4), at(WINDOW_MS), at(10 * WINDOW_MS)], [100, 75, 0, 0]);
  });
});

describe('admission', () => {
  const make = (capacityMs: number) => {
    const clock = new FakeClock();
    const measured = { ms: 0 };
    const refused: string[] = [];
    const admission = new Admission({
      measuredMs: () => measured.ms,
      coreMs: () => undefined,
      capacityMs: () => capacityMs,
      clock,
      onRefused: (what) => refused.push(what),
    });
    return { clock, measured, refused, admission };
  };
  const refusalOf = (act: () => unknown): AlirtcError => {
    try {
      act();
    } catch (error) {
      if (error instanceof AlirtcError) return error;
    }
    return assert.fail('it was admitted');
  };

  it('takes what fits, and refuses what does not with figures and a time to ask again', () => {
    const { admission, refused } = make(100);
    admission.admit('subscription', 'a', 60);
    const error = refusalOf(() => admission.admit('subscription', 'b', 41));
    assert.deepEqual([error.class, error.reason], ['resource_exhausted', 'NODE_FULL']);
    const figures = { cost_ms: '41', load_ms: '60', capacity_ms: '100', retry_after_ms: '5000' };
    assert.deepEqual(error.metadata, { ...figures, limit: '100', setting: 'capacity-ms' });
    assert.deepEqual(refused, ['subscription']);
    admission.admit('subscription', 'b', 40);
    assert.equal(admission.freeMs, 0);
  });

  it('counts what was measured, however it came about', () => {
    const { admission, measured } = make(1000);
    measured.ms = 995;
    refusalOf(() => admission.admit('engine', 'a', 10));
    measured.ms = 900;
    admission.admit('engine', 'a', 10);
    assert.equal(admission.loadMs, 910);
  });

  it('has room again when something was given back, and when an engine has ended', () => {
    const { admission } = make(100);
    const giveBack = admission.admit('subscription', 'a', 100);
    refusalOf(() => admission.admit('engine', 'b', 1));
    giveBack();
    admission.admit('subscription', 'a', 100);
    admission.forget('a');
    assert.equal(admission.loadMs, 0);
  });

  it('says of one engine what it is about to use', () => {
    const { admission, clock } = make(1000);
    admission.admit('subscription', 'a', 50);
    admission.admit('subscription', 'b', 70);
    assert.deepEqual([admission.engineMs('a'), admission.engineMs('b'), admission.engineMs('c')], [50, 70, 0]);
    clock.advance(WINDOW_MS / 2);
    assert.equal(admission.engineMs('a'), 25);
  });
});
