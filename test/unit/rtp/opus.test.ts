import assert from 'node:assert/strict';
import { isOpusStereo, opusPacketSamples } from '../../../rtp/opus.js';

describe('Opus packets', () => {
  it('tell their length in samples by the table of RFC 6716', () => {
    const ms = [
      10, 20, 40, 60, 10, 20, 40, 60, 10, 20, 40, 60, 10, 20, 10, 20, 2.5, 5, 10, 20, 2.5, 5, 10, 20, 2.5, 5, 10, 20,
      2.5, 5, 10, 20,
    ];
    ms.forEach((frameMs, config) => {
      assert.equal(opusPacketSamples(Buffer.of(config << 3)), frameMs * 48);
      assert.equal(opusPacketSamples(Buffer.of((config << 3) | 1)), frameMs * 96);
      assert.equal(opusPacketSamples(Buffer.of((config << 3) | 2)), frameMs * 96);
      assert.equal(opusPacketSamples(Buffer.of((config << 3) | 3, 2)), frameMs * 96);
    });
  });

  it('that are empty, cut short or longer than 120 ms have no length', () => {
    assert.equal(opusPacketSamples(Buffer.alloc(0)), 0);
    assert.equal(opusPacketSamples(Buffer.of(3)), 0);
    assert.equal(opusPacketSamples(Buffer.of((3 << 3) | 3, 3)), 0);
  });

  it('tell whether they are stereo', () => {
    assert.equal(isOpusStereo(Buffer.of(0xfc)), true);
    assert.equal(isOpusStereo(Buffer.of(0xf8)), false);
  });
});
