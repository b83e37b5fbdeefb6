import assert from 'node:assert/strict';
import { audioQuality } from '../../../coreservice/engine/audio_quality.js';

describe('audioQuality', () => {
  it('is excellent for whole sound and a short delay, and gets worse step by step with what is missing', () => {
    const byMissing = [0, 0.02, 0.05, 0.08, 0.3].map((missing) => audioQuality(missing, 100));
    assert.deepEqual(byMissing, [0, 1, 2, 3, 4]);
  });

  it('gets worse with the delay, slowly below 177 ms and quickly above', () => {
    assert.deepEqual(
      [0, 130, 200, 300, 400, 1000].map((delayMs) => audioQuality(0, delayMs)),
      [0, 0, 1, 2, 4, 4],
    );
  });

  it('takes shares out of range as none and all', () => {
    assert.equal(audioQuality(-1, 0), 0);
    assert.equal(audioQuality(7, 0), 4);
  });
});
