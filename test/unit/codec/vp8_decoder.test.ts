import assert from 'node:assert/strict';
import { AvVideoDecoder } from '../../../coreservice/codec/video_decoder.js';
import { i420Size } from '../../../coreservice/codec/types.js';
import { cameraPicture, psnr } from './media.js';
import { encodeVp8 } from './video_making.js';

describe('the VP8 decoder', () => {
  it('gives each picture in its own call, also with odd sizes and after a change of size', async () => {
    const decoder = new AvVideoDecoder('vp8');
    for (const [width, height] of [
      [320, 240],
      [161, 91],
      [640, 360],
    ] as const) {
      const pictures = Array.from({ length: 6 }, (_, i) => cameraPicture(width, height, i));
      for (const [i, frame] of encodeVp8(pictures, 1500).entries()) {
        const picture = await decoder.decode(frame);
        assert.ok(picture);
        assert.deepEqual(
          [picture.width, picture.height, picture.data.length],
          [width, height, i420Size(width, height)],
        );
        assert.ok(psnr(picture.data, pictures[i]?.data ?? Buffer.alloc(0)) > 30, `picture ${i} of ${width}x${height}`);
      }
    }
    await decoder.close();
  });

  it('shows nothing before a key frame', async () => {
    const frames = encodeVp8(
      Array.from({ length: 4 }, (_, i) => cameraPicture(160, 120, i)),
      500,
    );
    const decoder = new AvVideoDecoder('vp8');
    assert.equal(await decoder.decode(frames[1] ?? Buffer.alloc(0)), undefined);
    assert.ok(await decoder.decode(frames[0] ?? Buffer.alloc(0)));
    await decoder.close();
  });

  it('rejects damage, shows nothing until the next key frame, then goes on', async () => {
    const frames = encodeVp8(
      Array.from({ length: 6 }, (_, i) => cameraPicture(160, 120, i)),
      500,
    );
    const decoder = new AvVideoDecoder('vp8');
    assert.ok(await decoder.decode(frames[0] ?? Buffer.alloc(0)));
    // The size of the first partition is beyond the end (RFC 6386, 9.1).
    const broken = Buffer.from(frames[1] ?? []);
    broken.fill(0xff, 1, 3);
    await assert.rejects(decoder.decode(broken), { class: 'aborted', reason: 'ERR_VIDEO_DATA_ERROR' });
    assert.equal(await decoder.decode(frames[2] ?? Buffer.alloc(0)), undefined);
    assert.ok(await decoder.decode(frames[0] ?? Buffer.alloc(0)));
    assert.ok(await decoder.decode(frames[1] ?? Buffer.alloc(0)));
    await assert.rejects(decoder.decode(Buffer.alloc(0)), { class: 'aborted' });
    await decoder.close();
  });
});
