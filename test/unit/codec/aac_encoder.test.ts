import assert from 'node:assert/strict';
import { AAC_PRIMING_SAMPLES, AvAacEncoder } from '../../../coreservice/codec/aac_encoder.js';
import { decodeAdts, parseAdts } from './audio_decoding.js';
import { channelOf, noiseToToneDb, powerAt, tone } from './media.js';

describe('AAC', () => {
  for (const sampleRate of [8000, 16_000, 44_100, 48_000])
    for (const channels of [1, 2] as const)
      it(`gives ADTS frames that FFmpeg decodes to the same tone: ${sampleRate} Hz, ${channels} channel(s)`, () => {
        const encoder = new AvAacEncoder({ sampleRate, channels, bitrateKbps: 64 });
        const frames: Buffer[] = [];
        const block = sampleRate / 100;
        for (let i = 0; i < 100; i++)
          frames.push(...encoder.encode(tone({ hz: 440, sampleRate, channels, level: 0.5 }, block, i * block)));
        frames.push(...encoder.flush());
        encoder.close();
        for (const frame of frames) {
          const header = parseAdts(frame);
          assert.equal(header.frameBytes, frame.length);
          assert.equal(header.channels, channels);
        }
        assert.equal(frames.length, Math.ceil(sampleRate / 1024) + AAC_PRIMING_SAMPLES / 1024);
        const decoded = decodeAdts(frames);
        assert.equal(decoded.length, channels);
        for (const samples of decoded) {
          assert.equal(samples.length, frames.length * 1024);
          // The encoder's bit reservoir fills during the first tenths of a second.
          const middle = samples.subarray(sampleRate >> 1, sampleRate - 2048);
          assert.ok(noiseToToneDb(middle, 440, sampleRate) < -30, `${noiseToToneDb(middle, 440, sampleRate)}`);
        }
      });

  it('has the declared run-in: the first real sample is decoded after it', () => {
    const encoder = new AvAacEncoder({ sampleRate: 48_000, channels: 1, bitrateKbps: 128 });
    const input = new Int16Array(48_000);
    input.set(tone({ hz: 1000, sampleRate: 48_000, channels: 1, level: 0.8 }, 24_000), 12_000);
    const [samples] = decodeAdts([...encoder.encode(input), ...encoder.flush()]);
    encoder.close();
    assert.ok(samples);
    const begin = samples.findIndex((x) => Math.abs(x) > 8000);
    assert.ok(Math.abs(begin - (12_000 + AAC_PRIMING_SAMPLES)) < 48, `${begin}`);
  });

  it('keeps its bit rate and does not mix up channels', () => {
    const encoder = new AvAacEncoder({ sampleRate: 48_000, channels: 2, bitrateKbps: 96 });
    const left = tone({ hz: 500, sampleRate: 48_000, channels: 1, level: 0.5 }, 96_000);
    const right = tone({ hz: 3000, sampleRate: 48_000, channels: 1, level: 0.5 }, 96_000);
    const both = Int16Array.from({ length: 192_000 }, (_, i) => (i % 2 === 0 ? left : right)[i >> 1] ?? 0);
    const frames = encoder.encode(both);
    encoder.close();
    const kbps = frames.reduce((sum, frame) => sum + frame.length, 0) / 250;
    assert.ok(kbps < 110, `${kbps}`);
    const [l, r] = decodeAdts(frames);
    assert.ok(l && r);
    assert.ok(powerAt(l.subarray(9600), 500, 48_000) > 1000 * powerAt(l.subarray(9600), 3000, 48_000));
    assert.ok(powerAt(r.subarray(9600), 3000, 48_000) > 1000 * powerAt(r.subarray(9600), 500, 48_000));
    assert.equal(channelOf(both, 2, 0)[1], left[1]);
  });

  it('changes the bit rate without a break in the sound', () => {
    const encoder = new AvAacEncoder({ sampleRate: 48_000, channels: 1, bitrateKbps: 64 });
    const frames: Buffer[] = [];
    const block = (i: number): Int16Array =>
      tone({ hz: 1000, sampleRate: 48_000, channels: 1, level: 0.5 }, 480, i * 480);
    for (let i = 0; i < 400; i++) {
      if (i === 100) encoder.setBitrate(48);
      if (i === 250) encoder.setBitrate(128);
      frames.push(...encoder.encode(block(i)));
    }
    encoder.close();
    assert.equal(frames.length, Math.floor((400 * 480) / 1024) - 1);
    const [samples] = decodeAdts(frames);
    assert.ok(samples);
    // Every 20 ms around both changes is the tone and nothing else.
    for (let from = 40_000; from + 960 <= 160_000; from += 960) {
      const noise = noiseToToneDb(samples.subarray(from, from + 960), 1000, 48_000);
      assert.ok(noise < -25, `${noise} dB at sample ${from}`);
    }
  });

  it('refuses rates that ADTS has no index for, and use after close', () => {
    assert.throws(() => new AvAacEncoder({ sampleRate: 47_000, channels: 1, bitrateKbps: 64 }), {
      field: 'sample_rate',
    });
    const encoder = new AvAacEncoder({ sampleRate: 48_000, channels: 1, bitrateKbps: 64 });
    encoder.close();
    encoder.close();
    assert.throws(() => encoder.encode(new Int16Array(10)), { class: 'failed_precondition' });
  });
});
