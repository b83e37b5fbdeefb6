import assert from 'node:assert/strict';
import { SwResampler } from '../../../coreservice/codec/resampler.js';
import { channelOf, concat, noiseToToneDb, power, powerAt, random, tone } from './media.js';

const RATES = [8000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000];

function run(fromRate: number, toRate: number, blocks: number, hz = 1000): Int16Array {
  const resampler = new SwResampler({ fromRate, fromChannels: 1, toRate, toChannels: 1 });
  const block = fromRate / 100;
  const out = Array.from({ length: blocks }, (_, i) =>
    resampler.convert(tone({ hz, sampleRate: fromRate, channels: 1, level: 0.5 }, block, i * block)),
  );
  resampler.close();
  return concat(out);
}

describe('the resampler', () => {
  for (const rate of RATES)
    it(`keeps a tone pure from ${rate} Hz to 48 kHz and back, with 4 ms of delay at most`, () => {
      for (const [from, to] of [
        [rate, 48_000],
        [48_000, rate],
      ] as const) {
        const out = run(from, to, 100);
        const missing = to - out.length;
        assert.ok(missing >= 0 && missing <= to * 0.004, `${missing} of ${to} are held back`);
        const steady = out.subarray(to / 10, (to * 9) / 10);
        assert.ok(noiseToToneDb(steady, 1000, to) < -75, `${from} to ${to}: ${noiseToToneDb(steady, 1000, to)} dB`);
        assert.ok(Math.abs(10 * Math.log10(power(steady) / 0.125)) < 0.1);
      }
    });

  it('does not drift: ten minutes of 44.1 kHz in uneven pieces are ten minutes of 48 kHz', () => {
    const resampler = new SwResampler({ fromRate: 44_100, fromChannels: 1, toRate: 48_000, toChannels: 1 });
    const next = random(1);
    let put = 0;
    let got = 0;
    for (const total = 600 * 44_100; put < total;) {
      const piece = Math.min(total - put, 1 + Math.floor(next() * 20_000));
      got += resampler.convert(new Int16Array(piece)).length;
      put += piece;
      const exact = (put * 48_000) / 44_100;
      assert.ok(exact - got >= -1 && exact - got < 40, `after ${put}: ${exact - got}`);
    }
    resampler.close();
  });

  it('joins blocks without a seam, whatever their lengths', () => {
    const input = tone({ hz: 700, sampleRate: 16_000, channels: 1, level: 0.5 }, 16_000);
    const whole = new SwResampler({ fromRate: 16_000, fromChannels: 1, toRate: 48_000, toChannels: 1 });
    const pieces = new SwResampler({ fromRate: 16_000, fromChannels: 1, toRate: 48_000, toChannels: 1 });
    const expected = whole.convert(input);
    const next = random(5);
    const parts: Int16Array[] = [];
    for (let at = 0; at < input.length;) {
      const length = 1 + Math.floor(next() * 300);
      parts.push(pieces.convert(input.subarray(at, at + length)));
      at += length;
    }
    assert.deepEqual(concat(parts), expected);
    whole.close();
    pieces.close();
  });

  it('takes away what the lower rate cannot carry', () => {
    const out = run(48_000, 8000, 100, 6000).subarray(800);
    assert.ok(10 * Math.log10(powerAt(out, 2000, 8000) / 0.125) < -60);
  });

  it('gives mono to both sides at its level and makes mono as the mean of both sides', () => {
    const mono = tone({ hz: 1000, sampleRate: 48_000, channels: 1, level: 0.5 }, 4800);
    const up = new SwResampler({ fromRate: 48_000, fromChannels: 1, toRate: 48_000, toChannels: 2 });
    const stereo = up.convert(mono);
    assert.deepEqual(channelOf(stereo, 2, 0), mono);
    assert.deepEqual(channelOf(stereo, 2, 1), mono);
    const down = new SwResampler({ fromRate: 48_000, fromChannels: 2, toRate: 48_000, toChannels: 1 });
    assert.deepEqual(down.convert(stereo), mono);
    assert.deepEqual(
      down.convert(Int16Array.from([1000, -1000, 32767, 32767, 300, 100])),
      Int16Array.from([0, 32767, 200]),
    );
    up.close();
    down.close();
  });

  it('passes equal formats bit by bit, in a new array', () => {
    const resampler = new SwResampler({ fromRate: 48_000, fromChannels: 2, toRate: 48_000, toChannels: 2 });
    const samples = tone({ hz: 1000, sampleRate: 48_000, channels: 2, level: 1 }, 480);
    const out = resampler.convert(samples);
    assert.deepEqual(out, samples);
    assert.notEqual(out, samples);
    resampler.close();
  });

  it('does not clip the edges of a full-scale square wave by wrapping over', () => {
    const resampler = new SwResampler({ fromRate: 16_000, fromChannels: 1, toRate: 48_000, toChannels: 1 });
    const square = Int16Array.from({ length: 1600 }, (_, i) => (i % 32 < 16 ? 32767 : -32768));
    const out = resampler.convert(square);
    for (let i = 200; i < out.length - 200; i++) {
      const phase = ((i + 0) % 96) - 48;
      if (Math.abs(Math.abs(phase) - 24) < 12) assert.ok(Math.abs(out[i] ?? 0) > 20_000, `sample ${i} is ${out[i]}`);
    }
    resampler.close();
  });

  it('refuses half a stereo pair, an impossible rate and use after close', () => {
    assert.throws(() => new SwResampler({ fromRate: 0, fromChannels: 1, toRate: 48_000, toChannels: 1 }), {
      field: 'sample_rate',
    });
    const resampler = new SwResampler({ fromRate: 8000, fromChannels: 2, toRate: 48_000, toChannels: 1 });
    assert.throws(() => resampler.convert(new Int16Array(3)), { field: 'samples' });
    assert.equal(resampler.convert(new Int16Array(0)).length, 0);
    resampler.close();
    resampler.close();
    assert.throws(() => resampler.convert(new Int16Array(2)), { class: 'failed_precondition' });
  });
});
