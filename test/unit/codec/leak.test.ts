import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { AvAacEncoder } from '../../../coreservice/codec/aac_encoder.js';
import { LibopusDecoder } from '../../../coreservice/codec/opus_decoder.js';
import { LibopusEncoder } from '../../../coreservice/codec/opus_encoder.js';
import { SwsPictureConverter } from '../../../coreservice/codec/picture_converter.js';
import { SwResampler } from '../../../coreservice/codec/resampler.js';
import { AvVideoDecoder } from '../../../coreservice/codec/video_decoder.js';
import { X264Encoder } from '../../../coreservice/codec/video_encoder.js';
import { cameraPicture } from './media.js';

const PICTURE = cameraPicture(160, 120, 0);
const SETTINGS = { width: 160, height: 120, frameRate: 30, bitrateKbps: 200, keyFrameIntervalMs: 0 };

async function videoCycle(): Promise<void> {
  const encoder = new X264Encoder(SETTINGS);
  const decoder = new AvVideoDecoder('h264');
  const { data } = await encoder.encode(PICTURE, { timeUs: 0, forceKeyFrame: false });
  assert.ok(await decoder.decode(data));
  await decoder.decode(data.subarray(0, data.length >> 1)).catch(() => undefined);
  await Promise.all([encoder.close(), decoder.close()]);
  await setImmediate();
}

async function soundCycle(): Promise<void> {
  const encoder = new LibopusEncoder({ channels: 2, bitrateKbps: 64 });
  const decoder = new LibopusDecoder(2);
  const resampler = new SwResampler({ fromRate: 48_000, fromChannels: 2, toRate: 16_000, toChannels: 1 });
  const aac = new AvAacEncoder({ sampleRate: 16_000, channels: 1, bitrateKbps: 32 });
  for (let i = 0; i < 3; i++) aac.encode(resampler.convert(decoder.decode(encoder.encode(new Int16Array(1920)))));
  decoder.conceal(960);
  encoder.setBitrate(32);
  encoder.encode(new Int16Array(1920));
  for (const codec of [encoder, decoder, resampler, aac]) codec.close();
  await setImmediate();
}

async function pictureCycle(): Promise<void> {
  const converter = new SwsPictureConverter();
  for (const width of [80, 100, 120])
    converter.convert(
      {
        format: 'bgra',
        width: 40,
        height: 30,
        strideY: 0,
        strideU: 0,
        strideV: 0,
        data: PICTURE.data.subarray(0, 4800),
      },
      { width, height: 90, fit: 'fill', rotation: 90, mirror: true },
    );
  converter.close();
  await setImmediate();
}

/**
 * Resident memory after a collection: the JavaScript wrappers of freed contexts wait for one, and so small that they cause none, and lie between the large blocks.
 */
async function settledRss(): Promise<number> {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  await setImmediate();
  return process.memoryUsage().rss;
}

async function repeat(times: number, cycle: () => Promise<void>): Promise<number> {
  for (let i = 0; i < times; i++) {
    await cycle();
    if (i % 25 === 0) await settledRss();
  }
  return settledRss();
}

describe('memory', () => {
  for (const [what, cycle] of [
    ['video encoders and decoders', videoCycle],
    ['sound codecs', soundCycle],
    ['picture converters', pictureCycle],
  ] as const)
    it(`stays flat over 500 openings and closings of ${what}`, async () => {
      const before = await repeat(150, cycle);
      const grownMb = ((await repeat(500, cycle)) - before) / 1e6;
      // What is still held, or nobody can free any more: the smallest context has 30 kB, 15 MB in 500 rounds.
      assert.ok(grownMb < 10, `${grownMb.toFixed(1)} MB more`);
    });

  it('stays flat over 3000 pictures through one encoder and decoder', async () => {
    const encoder = new X264Encoder(SETTINGS);
    const decoder = new AvVideoDecoder('h264');
    const run = async (from: number, to: number): Promise<void> => {
      for (let i = from; i < to; i++) {
        const { data } = await encoder.encode(PICTURE, { timeUs: i * 33_333, forceKeyFrame: i % 100 === 0 });
        assert.ok(await decoder.decode(data));
      }
    };
    await run(0, 1000);
    const before = process.memoryUsage().rss;
    await run(1000, 4000);
    const grownMb = (process.memoryUsage().rss - before) / 1e6;
    assert.ok(grownMb < 15, `${grownMb.toFixed(1)} MB more`);
    await Promise.all([encoder.close(), decoder.close()]);
  });
});
