import assert from 'node:assert/strict';
import { differences, growsBy, median, trendOf } from '../../soak/growth.js';
import { NumberCheck } from '../../soak/number_check.js';
import { Random } from '../../soak/random.js';

const series = (count: number, value: (index: number) => number) =>
  Array.from({ length: count }, (_, index) => ({ minute: index, value: value(index) }));
/** As large as what a heap does between two looks. */
const noise = (index: number): number => 3 * Math.sin(index * 12.9898);

describe('the verdict of a soak', () => {
  it('finds the slope of a line, without error', () => {
    const { perMinute, error } = trendOf(series(20, (index) => 40 + 0.5 * index));
    assert.ok(Math.abs(perMinute - 0.5) < 1e-9 && error < 1e-9);
  });

  it('takes no breathing for growth, and finds growth behind it', () => {
    assert.equal(growsBy(trendOf(series(22, (index) => 40 + noise(index))), 0.1), false);
    assert.equal(growsBy(trendOf(series(22, (index) => 40 + noise(index) + 0.8 * index)), 0.1), true);
  });

  it('says nothing of two points', () => {
    assert.equal(growsBy(trendOf(series(2, (index) => 40 + 100 * index)), 0.1), false);
  });

  it('names what has come and what has gone, as often as it did', () => {
    assert.deepEqual(differences(['pipe', 'socket', 'socket'], ['socket', 'socket', 'socket', 'file']), [
      '+ socket',
      '+ file',
      '- pipe',
    ]);
    assert.deepEqual(differences(['socket', 'pipe'], ['pipe', 'socket']), []);
  });

  it('knows a middle', () => {
    assert.equal(median([9, 1, 5]), 5);
    assert.ok(Number.isNaN(median([])));
  });
});

describe('numbers of pictures', () => {
  it('only go up where the sender never begins anew, over the highest too', () => {
    const check = new NumberCheck(true);
    assert.deepEqual(
      [65_534, 65_535, 2, 2, 40, 39].map((number) => check.accept(number)),
      ['new', 'new', 'new', 'same', 'new', 'back'],
    );
  });

  it('have to be others where he may', () => {
    const check = new NumberCheck(false);
    assert.deepEqual(
      [7, 0, 0].map((number) => check.accept(number)),
      ['new', 'new', 'same'],
    );
  });
});

describe('the chance of a soak', () => {
  it('is the same for the same seed, and another for another', () => {
    const draw = (seed: number): number[] => {
      const random = new Random(seed);
      return Array.from({ length: 5 }, () => random.next());
    };
    assert.deepEqual(draw(3), draw(3));
    assert.notDeepEqual(draw(3), draw(4));
  });

  it('chooses by weight, and never what has none', () => {
    const random = new Random(1);
    const counts = { often: 0, seldom: 0, never: 0 };
    for (let turn = 0; turn < 4000; turn++) counts[random.weighted({ often: 3, seldom: 1, never: 0 })] += 1;
    assert.equal(counts.never, 0);
    assert.ok(counts.often > 2 * counts.seldom && counts.seldom > 800, JSON.stringify(counts));
  });
});
