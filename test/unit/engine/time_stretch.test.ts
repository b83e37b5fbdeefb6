import assert from 'node:assert/strict';
import { stretch } from '../../../coreservice/engine/time_stretch.js';
import { channelOf, level, ToneSource, toneShare } from '../../support/media/tones.js';

describe('stretching time', () => {
  for (const channels of [1, 2])
    for (const wish of [-240, 240])
      for (const frequency of [220, 440, 1000])
        it(`by ${wish} samples keeps a tone of ${frequency} Hz in ${channels} channels what it is`, () => {
          const tone = new ToneSource({ sampleRate: 48_000, channels, frequency }).next(960);
          const out = stretch(tone, channels, wish);
          const change = (out.length - tone.length) / channels;
          assert.ok(Math.sign(change) === Math.sign(wish) && Math.abs(change) <= 240 && Math.abs(change) >= 96);
          const mono = channelOf(out, channels, channels - 1);
          assert.ok(toneShare(mono, 48_000, frequency) > 0.9, `${toneShare(mono, 48_000, frequency)}`);
          assert.ok(Math.abs(level(out) - level(tone)) < 0.02);
          const steps = Array.from(mono, (value, i) => Math.abs(value - (mono[i - 1] ?? value)));
          const largest = (0.2 * 32_768 * 2 * Math.PI * frequency) / 48_000;
          assert.ok(Math.max(...steps) < 1.5 * largest, `a step of ${Math.max(...steps)}; the tone has ${largest}`);
        });

  it('leaves alone what is too short', () => {
    const short = new Int16Array(200);
    assert.equal(stretch(short, 1, -240), short);
  });
});
