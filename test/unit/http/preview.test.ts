import assert from 'node:assert/strict';
import { OnRemoteVideoSampleResponse } from '../../../gen/alirtc/v1/media.js';
import { MAX_PREVIEWS, Previews } from '../../../daemon/http/previews.js';
import { PreviewEncoder, previewSize } from '../../../daemon/http/preview_encoder.js';
import { MediaHub } from '../../../daemon/media/media_hub.js';
import type { MediaFrame } from '../../../daemon/media/media_frame.js';
import type { Demand } from '../../../coreservice/ipc/extension.js';
import { FakeClock } from '../daemon/fake_clock.js';

function scene() {
  const clock = new FakeClock();
  const demands: Demand[] = [];
  const core = {
    demand: (demand: Demand) => demands.push(demand),
    requestKeyFrame: () => 0,
    readPicture: () => undefined,
  };
  const media = new MediaHub(core, clock);
  const encoded: number[] = [];
  let closed = 0;
  const encoder = {
    encode: ({ data }: { data: Buffer }): Buffer => {
      encoded.push(data[0] ?? 0);
      return Buffer.from([data[0] ?? 0]);
    },
    close: () => void closed++,
  };
  const previews = new Previews(clock, () => Promise.resolve(encoder));
  const look = (uid = 'ann') => previews.picture({ engineId: 'eng', media }, uid, 'camera');
  return { clock, media, demands, encoded, previews, look, closed: () => closed };
}

function picture(number: number, uid = 'ann'): MediaFrame {
  const body = OnRemoteVideoSampleResponse.encode(
    OnRemoteVideoSampleResponse.fromPartial({ uid, width: 2, height: 2 }),
  ).finish();
  const payload = Buffer.alloc(6, number);
  const shape = { sampleRate: 0, channels: 0, coreSequence: number, captureTimeUs: number * 1000 };
  return { kind: 'pictures', uid, track: 0, keyFrame: true, body, payload, ...shape };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('previews', () => {
  it('ask for decoded pictures of that user while somebody looks, and a few seconds longer', async () => {
    const { clock, media, demands, look, previews } = scene();
    const first = look();
    await settle();
    assert.deepEqual(
      demands.at(-1)?.pictures.map(({ uid }) => uid),
      ['ann', 'ann', 'ann'],
    );
    media.deliver(picture(7));
    clock.advance(50);
    await settle();
    assert.deepEqual([...(await first).jpeg], [7]);
    clock.advance(3_900);
    assert.equal(previews.size, 1);
    clock.advance(50);
    await settle();
    assert.equal(previews.size, 0);
    assert.deepEqual(demands.at(-1)?.pictures, []);
  });

  it('encode the newest picture, once for all who look at the same time', async () => {
    const { clock, media, encoded, look } = scene();
    const looks = [look(), look()];
    for (const number of [1, 2, 3]) media.deliver(picture(number));
    clock.advance(50);
    await settle();
    assert.deepEqual(
      (await Promise.all(looks)).map(({ jpeg }) => jpeg[0]),
      [3, 3],
    );
    media.deliver(picture(4));
    assert.equal((await look()).jpeg[0], 3, 'sooner than 0.8 s there is no new one');
    assert.deepEqual(encoded, [3]);
  });

  it('say after five seconds that no picture comes', async () => {
    const { clock, look } = scene();
    const waiting = look();
    const refused = assert.rejects(waiting, /no picture of this user arrived in 5 s/);
    for (let step = 0; step < 110; step++) {
      await settle();
      clock.advance(50);
      if (step % 20 === 0) look().catch(() => undefined);
    }
    await refused;
  });

  it('are limited for the node, end with the engine, and count as nobody’s stream', async () => {
    const { media, previews, look, clock } = scene();
    const looks = Array.from({ length: MAX_PREVIEWS }, (_, index) => look(`user${index}`));
    for (const one of looks) one.catch(() => undefined);
    assert.throws(() => look('one-more'), /4 previews are open/);
    assert.deepEqual(media.streams(), []);
    media.end();
    clock.advance(50);
    await settle();
    assert.equal(previews.size, 0);
    assert.deepEqual(media.totals, { delivered: 0, dropped: 0 });
    await assert.rejects(look(), /no picture of this user/, 'an engine that has ended');
    assert.equal(previews.size, 0);
  });

  it('are small JPEGs of the same shape', () => {
    assert.deepEqual(previewSize({ width: 1920, height: 1080 }), { width: 480, height: 270 });
    assert.deepEqual(previewSize({ width: 720, height: 1280 }), { width: 270, height: 480 });
    assert.deepEqual(previewSize({ width: 160, height: 90 }), { width: 160, height: 90 });
    const encoder = new PreviewEncoder();
    for (const [width, height] of [
      [640, 360],
      [101, 51],
      [640, 360],
    ] as const) {
      const luma = width * height;
      const data = Buffer.alloc(luma + 2 * Math.ceil(width / 2) * Math.ceil(height / 2), 128);
      const jpeg = encoder.encode({ width, height, data });
      assert.equal(jpeg.subarray(0, 3).toString('hex'), 'ffd8ff');
      assert.equal(jpeg.subarray(-2).toString('hex'), 'ffd9');
    }
    encoder.close();
  });
});
