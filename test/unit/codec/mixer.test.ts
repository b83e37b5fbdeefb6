import assert from 'node:assert/strict';
import { Mixer } from '../../../coreservice/codec/mixer.js';
import { applyVolume } from '../../../coreservice/codec/volume.js';
import { channelOf, concat, power, powerAt, random, tone, windowedPower } from './media.js';

const BLOCK = 480;
const HZ = [301, 443, 587, 797, 1103];

function sine(hz: number, index: number, level = 1, channels: 1 | 2 = 1): Int16Array {
  return tone({ hz, sampleRate: 48_000, channels, level }, BLOCK, index * BLOCK);
}

function largestStep(samples: Int16Array): number {
  return samples.reduce((most, x, i) => Math.max(most, Math.abs(x - (samples[i - 1] ?? x))), 0);
}

describe('the mixer', () => {
  it('passes one source bit by bit, also at both ends of the range', () => {
    for (const channels of [1, 2] as const) {
      const mixer = new Mixer(channels);
      const next = random(1);
      for (let i = 0; i < 20; i++) {
        const samples = Int16Array.from({ length: BLOCK * channels }, () => Math.floor(next() * 65_536) - 32_768);
        assert.deepEqual(mixer.mix([samples], samples.length), samples);
        assert.deepEqual(mixer.mix([samples, new Int16Array(samples.length)], samples.length), samples);
      }
    }
  });

  it('adds exactly while nothing clips', () => {
    const mixer = new Mixer(1);
    const sources = HZ.map((hz) => sine(hz, 3, 0.19));
    const sum = Int16Array.from({ length: BLOCK }, (_, i) =>
      sources.reduce((total, source) => total + (source[i] ?? 0), 0),
    );
    assert.deepEqual(mixer.mix(sources, BLOCK), sum);
  });

  it('mixes five full-scale sines without wrapping: the tones stay equal and what is not a tone stays 40 dB below', () => {
    const mixer = new Mixer(1);
    const out = concat(
      Array.from({ length: 300 }, (_, i) =>
        mixer.mix(
          HZ.map((hz) => sine(hz, i)),
          BLOCK,
        ),
      ),
    );
    // No step from one sample to the next that the tones themselves cannot make: a wrap would be one of 60,000.
    const steepest = HZ.reduce((sum, hz) => sum + (2 * Math.PI * hz * 32_767) / 48_000, 0);
    assert.ok(largestStep(out) <= steepest, `${largestStep(out)} of ${steepest}`);
    const steady = out.subarray(96_000);
    let tones = 0;
    const levels = HZ.map((hz) => {
      // The slow turning of the gain spreads a tone a little; that is not distortion.
      let around = 0;
      for (let shift = -20; shift <= 20; shift++) around += powerAt(steady, hz + shift, 48_000);
      tones += around / 1.5;
      return around;
    });
    assert.ok(Math.max(...levels) / Math.min(...levels) < 1.1);
    const rest = Math.max(windowedPower(steady) - tones, 0);
    assert.ok(10 * Math.log10(rest / tones + 1e-9) < -40, `${10 * Math.log10(rest / tones)} dB`);
    assert.ok(steady.filter((x) => Math.abs(x) === 32_767).length < 5, 'hardly a sample is cut');
  });

  it('does not click when a second loud source begins and when it ends', () => {
    const mixer = new Mixer(1);
    const parts: Int16Array[] = [];
    for (let i = 0; i < 300; i++) {
      const sources = [sine(300, i, 0.9)];
      if (i >= 100 && i < 200) sources.push(sine(500, i, 0.9));
      parts.push(mixer.mix(sources, BLOCK));
    }
    const steepest = (2 * Math.PI * (300 + 500) * 0.9 * 32_767) / 48_000;
    assert.ok(largestStep(concat(parts)) <= steepest);
  });

  it('comes back to full level after a loud moment, and is then exact again', () => {
    const mixer = new Mixer(1);
    for (let i = 0; i < 20; i++) mixer.mix([sine(300, i), sine(400, i)], BLOCK);
    const quiet = sine(300, 20, 0.5);
    assert.notDeepEqual(mixer.mix([quiet], BLOCK), quiet);
    for (let i = 21; i < 171; i++) mixer.mix([sine(300, i, 0.5)], BLOCK);
    const later = sine(300, 171, 0.5);
    assert.deepEqual(mixer.mix([later], BLOCK), later);
  });

  it('turns both channels down alike', () => {
    const mixer = new Mixer(2);
    let last: Int16Array = new Int16Array();
    for (let i = 0; i < 50; i++) {
      const left = sine(440, i);
      const source = Int16Array.from({ length: 2 * BLOCK }, (_, k) =>
        k % 2 === 0 ? (left[k >> 1] ?? 0) : (left[k >> 1] ?? 0) >> 2,
      );
      last = mixer.mix([source, source, source], 2 * BLOCK);
    }
    const ratio = power(channelOf(last, 2, 0)) / power(channelOf(last, 2, 1));
    assert.ok(Math.abs(ratio - 16) < 0.1, `${ratio}`);
  });

  it('gives silence without sources and refuses sources of another length', () => {
    const mixer = new Mixer(1);
    assert.deepEqual(mixer.mix([], BLOCK), new Int16Array(BLOCK));
    assert.throws(() => mixer.mix([new Int16Array(BLOCK), new Int16Array(BLOCK - 1)], BLOCK), RangeError);
    assert.throws(() => mixer.mix([new Int16Array(BLOCK - 1)], BLOCK), RangeError);
  });
});

describe('the volume', () => {
  it('leaves 100 alone, silences at 0, and scales evenly between', () => {
    const samples = Int16Array.from([-32_768, -3, -1, 0, 1, 3, 32_767]);
    assert.equal(applyVolume(samples, 100), samples);
    assert.deepEqual(applyVolume(samples, 0), new Int16Array(7));
    assert.deepEqual(applyVolume(samples, 50), Int16Array.from([-16_384, -1, 0, 0, 1, 2, 16_384]));
    for (const wrong of [-1, 101, NaN]) assert.throws(() => applyVolume(samples, wrong), RangeError);
  });
});
