import assert from 'node:assert/strict';
import { AvVideoDecoder } from '../../../coreservice/codec/video_decoder.js';
import { X264Encoder } from '../../../coreservice/codec/video_encoder.js';
import { i420Size } from '../../../coreservice/codec/types.js';
import type { EncodedPicture, I420Picture, VideoEncoderSettings } from '../../../coreservice/codec/types.js';
import { cameraPicture, psnr } from './media.js';

const SETTINGS: VideoEncoderSettings = {
  width: 320,
  height: 240,
  frameRate: 30,
  bitrateKbps: 400,
  keyFrameIntervalMs: 2000,
};
const PERIOD_US = 33_333;

function picturesOf({ width, height }: VideoEncoderSettings, count: number): I420Picture[] {
  return Array.from({ length: count }, (_, i) => cameraPicture(width, height, i));
}

async function encodeAll(
  encoder: X264Encoder,
  pictures: readonly I420Picture[],
  { periodUs = PERIOD_US, startUs = 0, forced = [] as number[] } = {},
): Promise<EncodedPicture[]> {
  const encoded: EncodedPicture[] = [];
  for (const [i, picture] of pictures.entries())
    encoded.push(await encoder.encode(picture, { timeUs: startUs + i * periodUs, forceKeyFrame: forced.includes(i) }));
  return encoded;
}

function nalTypes(accessUnit: Buffer): number[] {
  const types: number[] = [];
  const startCode = Buffer.from([0, 0, 1]);
  for (let at = accessUnit.indexOf(startCode); at >= 0; at = accessUnit.indexOf(startCode, at + 3))
    types.push(accessUnit.readUInt8(at + 3) & 0x1f);
  return types;
}

function kbps(encoded: readonly EncodedPicture[], seconds: number): number {
  return encoded.reduce((sum, { data }) => sum + data.length, 0) / 125 / seconds;
}

describe('the H.264 encoder', () => {
  const looped = picturesOf(SETTINGS, 30);
  const endless = (count: number): I420Picture[] =>
    Array.from({ length: count }, (_, i) => looped[i % looped.length] ?? cameraPicture(320, 240, 0));

  it('gives one access unit a picture, in order, that decodes to the picture at 35 dB', async () => {
    const encoder = new X264Encoder(SETTINGS);
    const decoder = new AvVideoDecoder('h264');
    // All at once: the answers keep the order of the calls.
    const pictures = looped.slice(0, 12);
    const encoded = await Promise.all(
      pictures.map((picture, i) => encoder.encode(picture, { timeUs: i * PERIOD_US, forceKeyFrame: false })),
    );
    const decoded = await Promise.all(encoded.map(({ data }) => decoder.decode(data)));
    for (const [i, picture] of decoded.entries()) {
      assert.equal(encoded[i]?.timeUs, i * PERIOD_US);
      assert.ok(picture, `picture ${i} came in its own call`);
      assert.deepEqual([picture.width, picture.height, picture.data.length], [320, 240, i420Size(320, 240)]);
      const quality = pictures.map(({ data }) => psnr(data, picture.data));
      assert.ok((quality[i] ?? 0) > 35, `picture ${i}: ${quality[i]} dB`);
      assert.equal(quality.indexOf(Math.max(...quality)), i, 'it is like its own source most of all');
    }
    await encoder.close();
    await decoder.close();
  });

  it('is constrained baseline in Annex B, one slice a picture, parameter sets in front of every key frame', async () => {
    const encoder = new X264Encoder(SETTINGS);
    const encoded = await encodeAll(encoder, looped.slice(0, 20), { forced: [7, 13] });
    for (const [i, { data, keyFrame, qp }] of encoded.entries()) {
      assert.equal(keyFrame, [0, 7, 13].includes(i), `picture ${i}`);
      const types = nalTypes(data).filter((type) => type !== 6);
      assert.deepEqual(types, keyFrame ? [7, 8, 5] : [1]);
      assert.equal(data.readUInt32BE(0), 1, 'a start code of four bytes');
      assert.ok(qp > 5 && qp < 45, `quantiser ${qp}`);
      if (keyFrame) assert.deepEqual([...data.subarray(4, 7)], [0x67, 66, 0xc0], 'profile and constraints');
    }
    await encoder.close();
  });

  it('makes key frames by time: never later than the interval, whatever the rate of pictures', async () => {
    for (const perSecond of [7, 15, 30]) {
      const encoder = new X264Encoder({ ...SETTINGS, keyFrameIntervalMs: 1000 });
      const encoded = await encodeAll(encoder, endless(perSecond * 4), { periodUs: Math.round(1e6 / perSecond) });
      const times = encoded.filter(({ keyFrame }) => keyFrame).map(({ timeUs }) => timeUs);
      assert.equal(times.length, 4, `${perSecond} pictures a second: ${times.join(' ')}`);
      for (const [i, time] of times.entries()) {
        const distance = time - (times[i - 1] ?? time);
        assert.ok(i === 0 || (distance <= 1_001_000 && distance > 800_000), `${distance}`);
      }
      await encoder.close();
    }
  });

  it('with an interval of 0 makes the first key frame and one within 10 s, no others', async () => {
    const encoder = new X264Encoder({ ...SETTINGS, keyFrameIntervalMs: 0, frameRate: 5 });
    const encoded = await encodeAll(encoder, endless(60), { periodUs: 200_000 });
    const times = encoded.filter(({ keyFrame }) => keyFrame).map(({ timeUs }) => timeUs / 1e6);
    assert.deepEqual(times, [0, 10]);
    await encoder.close();
  });

  it('restarts the interval with a forced key frame', async () => {
    const encoder = new X264Encoder({ ...SETTINGS, keyFrameIntervalMs: 1000 });
    const encoded = await encodeAll(encoder, endless(60), { forced: [20] });
    const at = encoded.flatMap(({ keyFrame }, i) => (keyFrame ? [i] : []));
    assert.deepEqual(at, [0, 20, 50]);
    await encoder.close();
  });

  for (const bitrateKbps of [150, 400, 1200])
    it(`holds ${bitrateKbps} kbit/s within 15 % over 5 s`, async () => {
      const encoder = new X264Encoder({ ...SETTINGS, bitrateKbps });
      const rate = kbps(await encodeAll(encoder, endless(150)), 5);
      assert.ok(Math.abs(rate / bitrateKbps - 1) < 0.15, `${rate}`);
      await encoder.close();
    });

  it('holds the bit rate when pictures come slower than configured, and with uneven times', async () => {
    const encoder = new X264Encoder({ ...SETTINGS, bitrateKbps: 300 });
    const first = await encodeAll(encoder, endless(60), { periodUs: 100_000 });
    assert.ok(Math.abs(kbps(first.slice(10), 5) / 300 - 1) < 0.15, `${kbps(first.slice(10), 5)} at 10 a second`);
    const uneven: EncodedPicture[] = [];
    let timeUs = 6_000_000;
    for (const [i, picture] of endless(120).entries()) {
      timeUs += i % 3 === 0 ? 90_000 : 17_500;
      uneven.push(await encoder.encode(picture, { timeUs, forceKeyFrame: false }));
    }
    // The second in which the rate changed may be richer.
    assert.ok(Math.abs(kbps(uneven.slice(24), 4) / 300 - 1) < 0.15, `${kbps(uneven.slice(24), 4)} with uneven times`);
    await encoder.close();
  });

  it('takes a new bit rate and frame rate with the next picture, without a key frame, and holds them', async () => {
    const encoder = new X264Encoder({ ...SETTINGS, bitrateKbps: 300, keyFrameIntervalMs: 0 });
    await encodeAll(encoder, endless(60));
    encoder.configure({ ...SETTINGS, bitrateKbps: 900, keyFrameIntervalMs: 0 });
    const more = await encodeAll(encoder, endless(90), { startUs: 60 * PERIOD_US });
    assert.ok(more.every(({ keyFrame }) => !keyFrame));
    assert.ok(Math.abs(kbps(more.slice(15), 2.5) / 900 - 1) < 0.15, `${kbps(more.slice(15), 2.5)} after raising`);
    encoder.configure({ ...SETTINGS, bitrateKbps: 200, frameRate: 15, keyFrameIntervalMs: 0 });
    const less = await encodeAll(encoder, endless(60), { startUs: 150 * PERIOD_US, periodUs: 66_667 });
    assert.ok(less.every(({ keyFrame }) => !keyFrame));
    assert.ok(Math.abs(kbps(less.slice(15), 3) / 200 - 1) < 0.15, `${kbps(less.slice(15), 3)} after lowering`);
    await encoder.close();
  });

  it('opens anew for another size, with a key frame; calls made before keep their settings', async () => {
    const encoder = new X264Encoder(SETTINGS);
    const before = encoder.encode(cameraPicture(320, 240, 0), { timeUs: 0, forceKeyFrame: false });
    encoder.configure({ ...SETTINGS, width: 176, height: 144 });
    const after = encoder.encode(cameraPicture(176, 144, 1), { timeUs: PERIOD_US, forceKeyFrame: false });
    assert.equal((await before).width, 320);
    const small = await after;
    assert.deepEqual([small.width, small.height, small.keyFrame], [176, 144, true]);
    assert.equal(encoder.settings.width, 176);
    await encoder.close();
  });

  it('refuses pictures and settings that do not fit, and use after close', async () => {
    const encoder = new X264Encoder(SETTINGS);
    const options = { timeUs: 0, forceKeyFrame: false };
    await assert.rejects(encoder.encode(cameraPicture(176, 144, 0), options), { class: 'invalid_argument' });
    const short = { width: 320, height: 240, data: Buffer.alloc(1000) };
    await assert.rejects(encoder.encode(short, options), { class: 'invalid_argument', field: 'data' });
    assert.throws(() => encoder.configure({ ...SETTINGS, width: 321 }), { class: 'invalid_argument', field: 'width' });
    assert.throws(() => encoder.configure({ ...SETTINGS, bitrateKbps: 0 }), { field: 'bitrate_kbps' });
    assert.throws(() => new X264Encoder({ ...SETTINGS, frameRate: 0 }), { field: 'frame_rate' });
    await encoder.close();
    await encoder.close();
    await assert.rejects(encoder.encode(cameraPicture(320, 240, 0), options), { class: 'failed_precondition' });
  });

  it('holds a bounded number of pictures, refuses more, and close() answers all of them', async () => {
    const encoder = new X264Encoder(SETTINGS);
    const picture = cameraPicture(320, 240, 0);
    const calls = Array.from({ length: 20 }, (_, i) =>
      encoder.encode(picture, { timeUs: i * PERIOD_US, forceKeyFrame: false }).then(
        () => 'encoded',
        (error: { class: string }) => error.class,
      ),
    );
    await calls[0];
    await encoder.close();
    const results = await Promise.all(calls);
    assert.equal(results[0], 'encoded');
    assert.deepEqual(results.slice(16), Array(4).fill('resource_exhausted'));
    assert.ok(results.slice(2, 16).every((result) => result === 'failed_precondition'));
  });
});

describe('the H.264 decoder', () => {
  async function stream(count: number, forced: number[] = []): Promise<{ pictures: I420Picture[]; units: Buffer[] }> {
    const encoder = new X264Encoder({ ...SETTINGS, keyFrameIntervalMs: 0 });
    const pictures = picturesOf(SETTINGS, count);
    const units = (await encodeAll(encoder, pictures, { forced })).map(({ data }) => data);
    await encoder.close();
    return { pictures, units };
  }

  it('shows nothing before the first key frame', async () => {
    const { units } = await stream(8, [5]);
    const decoder = new AvVideoDecoder('h264');
    for (const unit of units.slice(1, 5)) assert.equal(await decoder.decode(unit), undefined);
    assert.ok(await decoder.decode(units[5] ?? Buffer.alloc(0)));
    await decoder.close();
  });

  it('gives planes without padding and cropped, for sizes that are no multiple of a macroblock', async () => {
    for (const [width, height] of [
      [50, 34],
      [322, 182],
      [134, 242],
    ] as const) {
      const encoder = new X264Encoder({ ...SETTINGS, width, height, bitrateKbps: 2000 });
      const decoder = new AvVideoDecoder('h264');
      const source = cameraPicture(width, height, 0);
      const { data } = await encoder.encode(source, { timeUs: 0, forceKeyFrame: false });
      const picture = await decoder.decode(data);
      assert.ok(picture);
      assert.deepEqual([picture.width, picture.height, picture.data.length], [width, height, i420Size(width, height)]);
      assert.ok(psnr(picture.data, source.data) > 35, `${width}x${height}: ${psnr(picture.data, source.data)}`);
      await encoder.close();
      await decoder.close();
    }
  });

  it('follows a change of size within the stream', async () => {
    const encoder = new X264Encoder(SETTINGS);
    const decoder = new AvVideoDecoder('h264');
    for (const [i, [width, height]] of [
      [320, 240],
      [640, 360],
      [176, 144],
    ].entries() as unknown as Iterable<[number, [number, number]]>) {
      encoder.configure({ ...SETTINGS, width, height, bitrateKbps: 1500 });
      for (let k = 0; k < 3; k++) {
        const source = cameraPicture(width, height, i * 3 + k);
        const { data } = await encoder.encode(source, { timeUs: (i * 3 + k) * PERIOD_US, forceKeyFrame: false });
        const picture = await decoder.decode(data);
        assert.ok(picture);
        assert.equal(picture.width, width);
        assert.ok(psnr(picture.data, source.data) > 30);
      }
    }
    await encoder.close();
    await decoder.close();
  });

  it('rejects a damaged unit, shows nothing until the next key frame, then goes on', async () => {
    const { pictures, units } = await stream(12, [9]);
    const decoder = new AvVideoDecoder('h264');
    for (const [i, unit] of units.entries()) {
      if (i === 4) {
        await assert.rejects(decoder.decode(unit.subarray(0, unit.length >> 1)), {
          class: 'aborted',
          reason: 'ERR_VIDEO_DATA_ERROR',
        });
        continue;
      }
      const picture = await decoder.decode(unit);
      if (i > 4 && i < 9) assert.equal(picture, undefined, `unit ${i}`);
      else assert.ok(picture && psnr(picture.data, pictures[i]?.data ?? Buffer.alloc(0)) > 30, `unit ${i}`);
    }
    await decoder.close();
  });

  it('rejects a unit that ends too early, wherever it is cut', async () => {
    const { units } = await stream(4);
    for (const part of [0.2, 0.5, 0.8, 0.95]) {
      const decoder = new AvVideoDecoder('h264');
      for (const unit of units.slice(0, 3)) assert.ok(await decoder.decode(unit));
      const last = units[3] ?? Buffer.alloc(0);
      await assert.rejects(decoder.decode(last.subarray(0, last.length * part)), { class: 'aborted' }, `${part}`);
      await decoder.close();
    }
  });

  it('shows pictures that carry malformed SEI, unknown NAL units or delimiters', async () => {
    const { units } = await stream(9);
    const decoder = new AvVideoDecoder('h264');
    const extras = [
      [6, 5, 4, 1, 2, 3, 4, 0x80], // no room for its UUID
      [6, 5, 200, 1, 2, 3, 0x80], // longer than the unit
      [6],
      [6, 5, ...Array<number>(16).fill(255), 16, ...Array<number>(4096).fill(7), 0x80],
      [9, 0xf0],
      [12, 255, 0x80],
      [24, 1, 2, 3],
    ];
    for (const [i, unit] of units.entries()) {
      const extra = extras[i - 1];
      const data = extra === undefined ? unit : Buffer.concat([Buffer.from([0, 0, 0, 1, ...extra]), unit]);
      assert.ok(await decoder.decode(data), `unit ${i}`);
    }
    await decoder.close();
  });

  it('rejects the unit after a missing one rather than showing a picture made up', async () => {
    const { units } = await stream(12, [9]);
    const decoder = new AvVideoDecoder('h264');
    for (const unit of units.slice(0, 4)) assert.ok(await decoder.decode(unit));
    await assert.rejects(decoder.decode(units[6] ?? Buffer.alloc(0)), { class: 'aborted' });
    assert.equal(await decoder.decode(units[7] ?? Buffer.alloc(0)), undefined);
    assert.ok(await decoder.decode(units[9] ?? Buffer.alloc(0)));
    await decoder.close();
  });

  it('survives random damage anywhere: every call ends, and a key frame heals', async () => {
    const { pictures, units } = await stream(6);
    let state = 99;
    const next = (below: number): number => (state = (Math.imul(state, 48271) >>> 0) % 2147483647) % below;
    const decoder = new AvVideoDecoder('h264');
    for (let round = 0; round < 60; round++) {
      for (const unit of units) {
        const damaged = Buffer.from(unit);
        for (let k = 0; k < 1 + next(20); k++) damaged[next(damaged.length)] = next(256);
        const cut = next(4) === 0 ? damaged.subarray(0, 1 + next(damaged.length)) : damaged;
        await decoder.decode(cut).catch((error: { class: string }) => assert.equal(error.class, 'aborted'));
      }
    }
    const healed = await decoder.decode(units[0] ?? Buffer.alloc(0));
    assert.ok(healed && psnr(healed.data, pictures[0]?.data ?? Buffer.alloc(0)) > 30);
    await decoder.close();
  });

  it('does not change pictures that it has given out when it decodes on', async () => {
    const { pictures, units } = await stream(10);
    const decoder = new AvVideoDecoder('h264');
    const shown: (I420Picture | undefined)[] = [];
    for (const unit of units) shown.push(await decoder.decode(unit));
    for (const [i, picture] of shown.entries())
      assert.ok(picture && psnr(picture.data, pictures[i]?.data ?? Buffer.alloc(0)) > 33, `picture ${i}`);
    await decoder.close();
  });

  it('refuses use after close, and answers what waits', async () => {
    const decoder = new AvVideoDecoder('h264');
    const waiting = decoder.decode(Buffer.from([0, 0, 1, 9]));
    await Promise.all([waiting.catch(() => undefined), decoder.close(), decoder.close()]);
    await assert.rejects(decoder.decode(Buffer.from([0, 0, 1, 9])), { class: 'failed_precondition' });
  });
});
