import assert from 'node:assert/strict';
import { EventLoopBudget } from '../../../coreservice/codec/event_loop_budget.js';
import type { I420Picture } from '../../../coreservice/codec/types.js';
import { AvVideoDecoder } from '../../../coreservice/codec/video_decoder.js';
import { X264Encoder } from '../../../coreservice/codec/video_encoder.js';
import { i420Size } from '../../../coreservice/codec/types.js';

const PICTURES = 6;

async function units(width: number, height: number): Promise<Buffer[]> {
  const encoder = new X264Encoder({ width, height, frameRate: 30, bitrateKbps: 500, keyFrameIntervalMs: 0 });
  const made: Buffer[] = [];
  for (let i = 0; i < PICTURES; i++) {
    const data = Buffer.alloc(i420Size(width, height));
    for (let at = 0; at < data.length; at++) data[at] = 40 + ((at * 3 + i * 17) % 150);
    made.push((await encoder.encode({ width, height, data }, { timeUs: i * 33_000, forceKeyFrame: false })).data);
  }
  await encoder.close();
  return made;
}

/** What `take` makes of each picture, before the next one is decoded. */
async function decodeAll(
  stream: Buffer[],
  take: (picture: I420Picture) => Buffer | undefined,
): Promise<(Buffer | undefined)[]> {
  const decoder = new AvVideoDecoder('h264');
  const taken: (Buffer | undefined)[] = [];
  for (const unit of stream) {
    const picture = await decoder.decode(unit);
    assert.ok(picture);
    taken.push(take(picture));
    picture.release?.();
  }
  await decoder.close();
  return taken;
}

describe('a decoded picture', () => {
  it('has the same bytes in its planes, without a copy, as in its data', async () => {
    const stream = await units(256, 128);
    const copied = await decodeAll(stream, ({ data }) => Buffer.from(data));
    const pieces = await decodeAll(stream, ({ planes }) => planes && Buffer.concat(planes));
    assert.equal(pieces.length, PICTURES);
    assert.deepEqual(pieces, copied);
  });

  it('has planes without padding, whatever its size', async () => {
    for (const [width, height] of [
      [322, 180],
      [254, 130],
    ] as const) {
      const stream = await units(width, height);
      const copied = await decodeAll(stream, ({ data }) => Buffer.from(data));
      const pieces = await decodeAll(stream, ({ planes }) => planes && Buffer.concat(planes));
      assert.equal(copied[0]?.length, i420Size(width, height));
      assert.deepEqual(pieces, copied);
    }
  });

  it('has no planes once it was copied', async () => {
    const copied = await decodeAll(await units(256, 128), (picture) =>
      picture.data.length === 0 || picture.planes === undefined ? undefined : picture.data,
    );
    assert.deepEqual(copied, new Array<undefined>(PICTURES).fill(undefined));
  });

  it('keeps its content while the decoder goes on and after it is closed, until it is given back', async () => {
    const stream = await units(256, 128);
    const copies = await decodeAll(stream, ({ data }) => Buffer.from(data));
    const decoder = new AvVideoDecoder('h264');
    const kept: (I420Picture | undefined)[] = [];
    for (const unit of stream) kept.push(await decoder.decode(unit));
    await decoder.close();
    assert.deepEqual(
      kept.map((picture) => picture?.data),
      copies,
    );
  });

  it('says so when it is read after it was given back', async () => {
    const [unit = Buffer.alloc(0)] = await units(256, 128);
    const decoder = new AvVideoDecoder('h264');
    const picture = await decoder.decode(unit);
    picture?.release?.();
    assert.equal(picture?.planes, undefined);
    assert.throws(() => picture?.data, /given back/);
    await decoder.close();
  });
});

describe('the budget of the event loop', () => {
  it('is used up by long work, and comes back with time', () => {
    let nowMs = 1000;
    const budget = new EventLoopBudget(() => nowMs);
    assert.equal(budget.hasLeft(), true);
    assert.equal(
      budget.run(() => {
        nowMs += 60;
        return 'done';
      }),
      'done',
    );
    assert.equal(budget.hasLeft(), false);
    nowMs += 300;
    assert.equal(budget.hasLeft(), true);
  });

  it('lasts for one stream of 720p30 and not for eight', () => {
    const share = (streams: number): number => {
      let nowMs = 0;
      let inPlace = 0;
      const budget = new EventLoopBudget(() => nowMs);
      for (let i = 0; i < 3000; i++) {
        const dueMs = (i * 1000) / (30 * streams);
        nowMs = Math.max(nowMs, dueMs);
        if (!budget.hasLeft()) continue;
        inPlace++;
        budget.run(() => (nowMs += 1.3));
      }
      return inPlace / 3000;
    };
    assert.equal(share(1), 1);
    assert.ok(share(8) < 0.6, String(share(8)));
  });
});
