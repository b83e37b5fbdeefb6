import assert from 'node:assert/strict';
import { SequenceUnwrapper, TimestampUnwrapper, sequenceDistance, timestampDistance } from '../../../rtp/sequence.js';

describe('Sequence numbers and timestamps', () => {
  it('have a signed distance over the wrap', () => {
    assert.equal(sequenceDistance(65535, 0), 1);
    assert.equal(sequenceDistance(0, 65535), -1);
    assert.equal(sequenceDistance(10, 10), 0);
    assert.equal(sequenceDistance(0, 32767), 32767);
    assert.equal(sequenceDistance(0, 32768), -32768);
    assert.equal(timestampDistance(0xffffffff, 1), 2);
    assert.equal(timestampDistance(1, 0xffffffff), -2);
  });

  it('unwrap from every start near the wrap, with reordering', () => {
    for (let start = 65_500; start < 65_560; start++) {
      const first = start & 0xffff;
      const unwrapper = new SequenceUnwrapper();
      const offsets = [0, 1, 3, 2, -1, 5, 4, 100, 99, 40_000 - 10_000, 60_000, 90_000];
      for (const offset of offsets) assert.equal(unwrapper.unwrap((first + offset + 65_536) & 0xffff), first + offset);
    }
    const timestamps = new TimestampUnwrapper();
    const start = 2 ** 32 - 3000;
    for (const offset of [0, 3000, 6000, 3000, 2 ** 31, 2 ** 32 - 1, 6e9, 8e9, 2 ** 33]) {
      {
        assert.equal(timestamps.unwrap((start + offset) % 2 ** 32), start + offset);
      }
    }
  });

  it('that are peeked at do not move the unwrapper', () => {
    const unwrapper = new SequenceUnwrapper();
    unwrapper.unwrap(65_530);
    assert.equal(unwrapper.peek(20_000), 65_536 + 20_000);
    assert.equal(unwrapper.unwrap(65_531), 65_531);
  });
});
