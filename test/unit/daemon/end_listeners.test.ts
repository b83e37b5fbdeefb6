import assert from 'node:assert/strict';
import { EndListeners } from '../../../daemon/engine/end_listeners.js';

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('who listens for an end', () => {
  it('hears it once, unless he has taken it back; then nothing is kept of him', async () => {
    let end: () => void = () => undefined;
    const ends = new EndListeners(new Promise<void>((resolve) => (end = resolve)));
    const heard: string[] = [];
    ends.add(() => heard.push('first'));
    const takeBack = ends.add(() => heard.push('second'));
    assert.equal(ends.size, 2);
    takeBack();
    assert.equal(ends.size, 1);
    end();
    await settle();
    assert.deepEqual(heard, ['first']);
    assert.equal(ends.size, 0);
  });

  it('hears it at once when it was before', async () => {
    const ends = new EndListeners(Promise.resolve());
    await settle();
    const heard: string[] = [];
    ends.add(() => heard.push('late'));
    assert.deepEqual(heard, ['late']);
    assert.equal(ends.size, 0);
  });
});
