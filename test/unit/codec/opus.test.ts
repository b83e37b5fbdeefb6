import assert from 'node:assert/strict';
import { LibopusDecoder } from '../../../coreservice/codec/opus_decoder.js';
import { LibopusEncoder } from '../../../coreservice/codec/opus_encoder.js';
import { channelOf, concat, noiseToToneDb, power, powerAt, random, tone } from './media.js';
import { shareAbove } from '../../support/media/tones.js';

const FRAME = 960;

function toneFrame(channels: 1 | 2, index: number, hz = 1000): Int16Array {
  return tone({ hz, sampleRate: 48_000, channels, level: 0.5 }, FRAME, index * FRAME);
}

describe('Opus', () => {
  for (const channels of [1, 2] as const)
    it(`gives back a tone with ${channels} channel(s) at its level, noise at least 35 dB below`, () => {
      const encoder = new LibopusEncoder({ channels, bitrateKbps: 64 });
      const decoder = new LibopusDecoder(channels);
      const out = concat(Array.from({ length: 50 }, (_, i) => decoder.decode(encoder.encode(toneFrame(channels, i)))));
      assert.equal(out.length, 50 * FRAME * channels);
      for (let channel = 0; channel < channels; channel++) {
        const heard = channelOf(out, channels, channel).subarray(10 * FRAME);
        assert.ok(noiseToToneDb(heard, 1000, 48_000) < -35);
        assert.ok(Math.abs(10 * Math.log10(power(heard) / 0.125)) < 0.5);
      }
      encoder.close();
      decoder.close();
    });

  it('delays by 312 samples', () => {
    const encoder = new LibopusEncoder({ channels: 1, bitrateKbps: 96 });
    const decoder = new LibopusDecoder(1);
    const noise = random(7);
    const input = Int16Array.from({ length: 20 * FRAME }, () => (noise() - 0.5) * 20_000);
    const output = concat(
      Array.from({ length: 20 }, (_, i) => decoder.decode(encoder.encode(input.subarray(i * FRAME, (i + 1) * FRAME)))),
    );
    const likeness = (delay: number): number => {
      let sum = 0;
      for (let i = 5 * FRAME; i < 15 * FRAME; i++) sum += (input[i] ?? 0) * (output[i + delay] ?? 0);
      return sum;
    };
    const delays = Array.from({ length: 700 }, (_, delay) => delay);
    assert.equal(
      delays.reduce((best, delay) => (likeness(delay) > likeness(best) ? delay : best)),
      312,
    );
    encoder.close();
    decoder.close();
  });

  it('keeps stereo apart', () => {
    const encoder = new LibopusEncoder({ channels: 2, bitrateKbps: 128 });
    const decoder = new LibopusDecoder(2);
    const heard = concat(
      Array.from({ length: 50 }, (_, i) => {
        const left = toneFrame(1, i, 600);
        const right = toneFrame(1, i, 2500);
        return decoder.decode(
          encoder.encode(Int16Array.from({ length: 2 * FRAME }, (_, k) => (k % 2 === 0 ? left : right)[k >> 1] ?? 0)),
        );
      }),
    ).subarray(20 * FRAME);
    const [left, right] = [channelOf(heard, 2, 0), channelOf(heard, 2, 1)];
    assert.ok(powerAt(left, 600, 48_000) > 1000 * powerAt(left, 2500, 48_000));
    assert.ok(powerAt(right, 2500, 48_000) > 1000 * powerAt(right, 600, 48_000));
    encoder.close();
    decoder.close();
  });

  it('decodes a stereo packet to mono and a mono packet to stereo', () => {
    for (const [from, to] of [
      [2, 1],
      [1, 2],
    ] as const) {
      const encoder = new LibopusEncoder({ channels: from, bitrateKbps: 64 });
      const decoder = new LibopusDecoder(to);
      const out = concat(Array.from({ length: 30 }, (_, i) => decoder.decode(encoder.encode(toneFrame(from, i)))));
      assert.equal(out.length, 30 * FRAME * to);
      assert.ok(noiseToToneDb(channelOf(out, to, to - 1).subarray(10 * FRAME), 1000, 48_000) < -35);
      encoder.close();
      decoder.close();
    }
  });

  it('sends nothing above its bandwidth, also after it was changed', () => {
    const noise = random(5);
    const heard = (encoder: LibopusEncoder, frames: number): Int16Array => {
      const decoder = new LibopusDecoder(1);
      const out = Array.from({ length: frames }, () =>
        decoder.decode(encoder.encode(Int16Array.from({ length: FRAME }, () => (noise() - 0.5) * 20_000))),
      );
      decoder.close();
      return concat(out.slice(-20));
    };
    for (const [bandwidthHz, bitrateKbps] of [
      [4000, 12],
      [8000, 24],
      [12_000, 48],
    ] as const) {
      const encoder = new LibopusEncoder({ channels: 1, bitrateKbps, bandwidthHz });
      const narrow = heard(encoder, 40);
      assert.ok(shareAbove(narrow, 48_000, bandwidthHz * 1.1) < 0.001, `${bandwidthHz}: nothing above`);
      assert.ok(shareAbove(narrow, 48_000, bandwidthHz * 0.5) > 0.1, `${bandwidthHz}: up to it`);
      encoder.setBitrate(96, 20_000);
      assert.ok(shareAbove(heard(encoder, 60), 48_000, bandwidthHz * 1.1) > 0.1, 'wider after the change');
      encoder.close();
    }
  });

  it('conceals one lost packet so that the tone goes on, and a long gap by fading out, at the length asked for', () => {
    const encoder = new LibopusEncoder({ channels: 1, bitrateKbps: 64 });
    const decoder = new LibopusDecoder(1);
    for (let i = 0; i < 20; i++) decoder.decode(encoder.encode(toneFrame(1, i)));
    encoder.encode(toneFrame(1, 20));
    const gap = decoder.conceal(FRAME);
    assert.equal(gap.length, FRAME);
    assert.ok(noiseToToneDb(gap, 1000, 48_000) < -15, 'the gap sounds like the tone');
    const after = decoder.decode(encoder.encode(toneFrame(1, 21)));
    assert.ok(noiseToToneDb(after, 1000, 48_000) < -15);
    for (const length of [480, 1000, 100, 2880]) assert.equal(decoder.conceal(length).length, length);
    decoder.conceal(24_000);
    assert.ok(power(decoder.conceal(FRAME)) < 0.125 / 100);
    encoder.close();
    decoder.close();
  });

  it('conceals in every mode of libopus: speech at low rates (SILK), between, and CELT', () => {
    const modes = new Set<string>();
    for (const [bitrateKbps, application] of [
      [8, 'voip'],
      [16, 'voip'],
      [28, 'voip'],
      [64, 'audio'],
    ] as const) {
      const encoder = new LibopusEncoder({ channels: 1, bitrateKbps, application });
      const decoder = new LibopusDecoder(1);
      const noise = random(11);
      let before = 0;
      for (let i = 0; i < 40; i++) {
        const voiced = Int16Array.from(toneFrame(1, i, 180), (x) => x * 0.4 + (noise() - 0.5) * 1500);
        const packet = encoder.encode(voiced);
        const config = (packet[0] ?? 0) >> 3;
        modes.add(config < 12 ? 'SILK' : config < 16 ? 'hybrid' : 'CELT');
        before = power(decoder.decode(packet));
      }
      for (const length of [480, 960, 960, 240]) {
        const gap = decoder.conceal(length);
        assert.equal(gap.length, length);
        const level = 10 * Math.log10(power(gap) / before);
        assert.ok(level < 3 && level > -30, `${bitrateKbps} kbit/s, ${length} samples: ${level} dB`);
      }
      encoder.close();
      decoder.close();
    }
    assert.ok(modes.has('SILK') && modes.has('CELT'), [...modes].join());
  });

  it('does not click at the edges of a gap: no step larger than the tone itself has', () => {
    const encoder = new LibopusEncoder({ channels: 1, bitrateKbps: 64 });
    const decoder = new LibopusDecoder(1);
    const parts: Int16Array[] = [];
    for (let i = 0; i < 40; i++) {
      const packet = encoder.encode(toneFrame(1, i, 440));
      parts.push(i === 20 || i === 21 ? decoder.conceal(FRAME) : decoder.decode(packet));
    }
    const heard = concat(parts).subarray(10 * FRAME);
    const largest = heard.reduce((most, x, i) => Math.max(most, Math.abs(x - (heard[i - 1] ?? x))), 0);
    const ofTone = (2 * Math.PI * 440 * 0.5 * 32767) / 48_000;
    assert.ok(largest < 1.6 * ofTone, `${largest} against ${ofTone}`);
    encoder.close();
    decoder.close();
  });

  it('is silent when it has nothing to conceal from', () => {
    const decoder = new LibopusDecoder(2);
    assert.deepEqual(decoder.conceal(480), new Int16Array(960));
    decoder.close();
  });

  it('changes the bit rate without a break in the sound', () => {
    const encoder = new LibopusEncoder({ channels: 1, bitrateKbps: 64 });
    const decoder = new LibopusDecoder(1);
    const sizes: number[] = [];
    const noise = random(3);
    for (let i = 0; i < 150; i++) {
      if (i === 50) encoder.setBitrate(24);
      sizes.push(encoder.encode(Int16Array.from({ length: FRAME }, () => (noise() - 0.5) * 10_000)).length);
    }
    const kbps = (part: number[]): number => (part.reduce((a, b) => a + b, 0) * 8) / (part.length * 20);
    assert.ok(Math.abs(kbps(sizes.slice(0, 50)) - 64) < 7, `${kbps(sizes.slice(0, 50))}`);
    const after = kbps(sizes.slice(100));
    assert.ok(after < 26 && after > 18, `${after}`);
    encoder.close();

    const other = new LibopusEncoder({ channels: 1, bitrateKbps: 64 });
    for (let i = 0; i < 120; i++) {
      if (i === 40) other.setBitrate(48);
      const heard = decoder.decode(other.encode(toneFrame(1, i)));
      if (i > 90) assert.ok(noiseToToneDb(heard, 1000, 48_000) < -30, `frame ${i}`);
      if (i > 20 && i < 90) assert.ok(noiseToToneDb(heard, 1000, 48_000) < -25, `frame ${i}`);
    }
    other.close();
    decoder.close();
  });

  it('rejects what is no packet and goes on with the next', () => {
    const encoder = new LibopusEncoder({ channels: 1, bitrateKbps: 64 });
    const decoder = new LibopusDecoder(1);
    assert.throws(() => decoder.decode(Buffer.alloc(0)), { class: 'aborted', reason: 'ERR_AUDIO_DATA_ERROR' });
    // Code 3 with a count of 0 frames.
    assert.throws(() => decoder.decode(Buffer.from([0xff, 0x00])), { reason: 'ERR_AUDIO_DATA_ERROR' });
    assert.equal(decoder.decode(encoder.encode(toneFrame(1, 0))).length, FRAME);
    encoder.close();
    decoder.close();
  });

  it('refuses another frame length, impossible bit rates, and use after close', () => {
    const encoder = new LibopusEncoder({ channels: 1, bitrateKbps: 64 });
    assert.throws(() => encoder.encode(new Int16Array(480)), { class: 'invalid_argument', field: 'samples' });
    assert.throws(() => encoder.setBitrate(1000), { class: 'invalid_argument', field: 'bitrate_kbps' });
    encoder.close();
    encoder.close();
    assert.throws(() => encoder.encode(new Int16Array(FRAME)), { class: 'failed_precondition' });
    const decoder = new LibopusDecoder(1);
    decoder.close();
    decoder.close();
    assert.throws(() => decoder.decode(Buffer.from([0xfc, 1])), { class: 'failed_precondition' });
  });
});
