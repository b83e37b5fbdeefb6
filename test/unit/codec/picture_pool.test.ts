import assert from 'node:assert/strict';
import { PicturePool } from '../../../coreservice/codec/picture_pool.js';

describe('the pool of picture memory', () => {
  it('uses memory again that was given back, once, and no other', () => {
    const pool = new PicturePool();
    const first = pool.take(100);
    const second = pool.take(100);
    assert.notEqual(first.data, second.data);
    first.release();
    first.release();
    assert.equal(pool.take(100).data, first.data);
    assert.notEqual(pool.take(100).data, first.data);
  });

  it('does not give memory of another size, and keeps none after close', () => {
    const pool = new PicturePool();
    const small = pool.take(100);
    const late = pool.take(100);
    small.release();
    const large = pool.take(200);
    assert.equal(large.data.length, 200);
    late.release();
    assert.equal(pool.take(200).data.length, 200);
    large.release();
    pool.close();
    assert.notEqual(pool.take(200).data, large.data);
  });

  it('keeps a bounded number', () => {
    const pool = new PicturePool();
    const taken = Array.from({ length: 10 }, () => pool.take(100));
    for (const { release } of taken) release();
    const again = new Set(Array.from({ length: 10 }, () => pool.take(100).data));
    assert.equal(taken.filter(({ data }) => again.has(data)).length, 4);
  });
});
