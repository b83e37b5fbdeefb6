import assert from 'node:assert/strict';
import { SwsPictureConverter } from '../../../coreservice/codec/picture_converter.js';
import type { Fit, I420Picture, PictureTarget, PixelFormat, Rotation } from '../../../coreservice/codec/types.js';
import { planeErrors, rawPicture, referenceI420 } from './picture_reference.js';
import type { Colours } from './picture_reference.js';

const FORMATS: PixelFormat[] = ['i420', 'nv12', 'nv21', 'bgra', 'rgb24', 'bgr24'];

/** Soft colours in which every direction is different, for a picture of this size. */
function scene(width: number, height: number): Colours {
  return (x, y) => {
    const [u, v] = [(x + 0.5) / width, (y + 0.5) / height];
    return [40 + 170 * u, 60 + 140 * v, 128 + 90 * Math.sin(3 * u + 2 * v)];
  };
}

function target(width: number, height: number, options: Partial<PictureTarget> = {}): PictureTarget {
  return { width, height, fit: 'auto', rotation: 0, mirror: false, ...options };
}

function assertClose(actual: I420Picture, expected: I420Picture, largest: number, mean: number, what: string): void {
  assert.deepEqual([actual.width, actual.height], [expected.width, expected.height], what);
  assert.equal(actual.data.length, expected.data.length, what);
  for (const [plane, error] of planeErrors(actual, expected).entries())
    assert.ok(
      error.largest <= largest && error.mean <= mean,
      `${what}: plane ${'YUV'[plane]}: largest ${error.largest}, mean ${error.mean.toFixed(3)}`,
    );
}

describe('the picture converter', () => {
  const converter = new SwsPictureConverter();
  after(() => converter.close());

  for (const format of FORMATS)
    for (const [width, height] of [
      [64, 48],
      [322, 182],
      [70, 46],
    ] as const)
      for (const padding of [0, 13, 64])
        it(`takes ${format} ${width}x${height} with ${padding} bytes of padding a row (BT.601, limited range)`, () => {
          const colours = scene(width, height);
          const result = converter.convert(rawPicture(format, width, height, colours, padding), target(width, height));
          const exact = format === 'i420' || format === 'nv12' || format === 'nv21';
          assertClose(result, referenceI420(width, height, colours), exact ? 0 : 2, exact ? 0 : 0.8, format);
        });

  it('gives I420 on as it is, without a copy, when nothing is to be done', () => {
    const picture = rawPicture('i420', 64, 48, scene(64, 48));
    const result = converter.convert(picture, target(64, 48, { fit: 'crop' }));
    assert.equal(result.data.buffer, picture.data.buffer);
    assert.equal(result.data.byteOffset, picture.data.byteOffset);
  });

  it('converts primary colours to the numbers of BT.601', () => {
    const cases: [[number, number, number], [number, number, number]][] = [
      [
        [255, 255, 255],
        [235, 128, 128],
      ],
      [
        [0, 0, 0],
        [16, 128, 128],
      ],
      [
        [255, 0, 0],
        [81, 90, 240],
      ],
      [
        [0, 255, 0],
        [145, 54, 34],
      ],
      [
        [0, 0, 255],
        [41, 240, 110],
      ],
    ];
    for (const [rgb, yuv] of cases)
      for (const format of ['bgra', 'rgb24', 'bgr24'] as const) {
        const { data } = converter.convert(
          rawPicture(format, 32, 16, () => [...rgb]),
          target(32, 16),
        );
        for (const [plane, at] of [100, 32 * 16 + 20, 32 * 16 + 128 + 20].entries())
          assert.ok(
            Math.abs((data[at] ?? 0) - (yuv[plane] ?? 0)) <= 1,
            `${format} ${rgb.join()}: plane ${plane} is ${data[at]}`,
          );
      }
  });

  for (const format of FORMATS)
    it(`takes odd sizes of ${format} and cuts the odd row or column off`, () => {
      for (const [width, height] of [
        [63, 47],
        [33, 64],
        [161, 91],
      ] as const) {
        const result = converter.convert(
          rawPicture(format, width, height, scene(width, height), 5),
          target(width, height),
        );
        const expected = referenceI420(width & ~1, height & ~1, scene(width, height));
        const exact = format === 'i420' || format.startsWith('nv');
        assertClose(result, expected, exact ? 0 : 2, exact ? 0 : 0.8, `${width}x${height}`);
      }
    });

  /** Where a place of the turned and mirrored picture comes from in the pushed one; all in parts of the size. */
  function turned(
    colours: Colours,
    width: number,
    height: number,
    rotation: Rotation,
    mirror: boolean,
  ): [number, number, Colours] {
    const [w, h] = rotation % 180 === 0 ? [width, height] : [height, width];
    return [
      w,
      h,
      (x, y) => {
        const seen = mirror ? w - 1 - x : x;
        if (rotation === 90) return colours(y, height - 1 - seen);
        if (rotation === 180) return colours(width - 1 - seen, height - 1 - y);
        if (rotation === 270) return colours(width - 1 - y, seen);
        return colours(seen, y);
      },
    ];
  }

  for (const rotation of [0, 90, 180, 270] as const)
    for (const mirror of [false, true])
      it(`turns by ${rotation} degrees clockwise${mirror ? ' and mirrors' : ''}, exactly for I420`, () => {
        const [width, height] = [90, 54];
        const colours = scene(width, height);
        const [w, h, expected] = turned(colours, width, height, rotation, mirror);
        const exact = converter.convert(
          rawPicture('i420', width, height, colours, 7),
          target(w, h, { rotation, mirror }),
        );
        assertClose(exact, referenceI420(w, h, expected), 0, 0, 'i420');
        const near = converter.convert(rawPicture('bgra', width, height, colours), target(w, h, { rotation, mirror }));
        assertClose(near, referenceI420(w, h, expected), 2, 0.8, 'bgra');
        const smaller = converter.convert(
          rawPicture('nv12', width * 2, height * 2, scene(width * 2, height * 2)),
          target(w, h, { rotation, mirror, fit: 'stretch' }),
        );
        assertClose(smaller, referenceI420(w, h, expected), 3, 0.8, 'nv12, half the size');
      });

  it('auto keeps the pushed shape inside the target', () => {
    const shapes: [number, number, number, number, Rotation, number, number][] = [
      [160, 90, 640, 480, 0, 640, 360],
      [90, 160, 640, 480, 0, 270, 480],
      [640, 480, 320, 180, 0, 240, 180],
      [160, 90, 640, 480, 90, 270, 480],
      [100, 100, 640, 360, 0, 360, 360],
      // Not 100x2: encoders take no side below 16.
      [1000, 3, 100, 100, 0, 100, 16],
    ];
    for (const [width, height, toWidth, toHeight, rotation, w, h] of shapes) {
      const result = converter.convert(
        rawPicture('i420', width, height, scene(width, height)),
        target(toWidth, toHeight, { rotation }),
      );
      assert.deepEqual([result.width, result.height], [w, h]);
    }
  });

  it('stretch fills the target with the whole picture', () => {
    const result = converter.convert(rawPicture('rgb24', 96, 96, scene(96, 96)), target(128, 64, { fit: 'stretch' }));
    assertClose(result, referenceI420(128, 64, scene(128, 64)), 4, 1, 'stretch');
  });

  it('fill shows the whole picture on black', () => {
    for (const [width, height, x0, y0, w, h] of [
      [128, 96, 0, 24, 64, 48],
      [24, 48, 8, 0, 48, 96],
      [96, 192, 8, 0, 48, 96],
    ] as const) {
      const picture = rawPicture('bgra', width, height, scene(width, height));
      const result = converter.convert(picture, target(64, 96, { fit: 'fill' }));
      assert.deepEqual([result.width, result.height], [64, 96]);
      const shown = referenceI420(w, h, scene(w, h)).data;
      for (let y = 0; y < 96; y++)
        for (let x = 0; x < 64; x++) {
          const inside = x >= x0 && x < x0 + w && y >= y0 && y < y0 + h;
          const expected = inside ? (shown[(y - y0) * w + x - x0] ?? 0) : 16;
          const actual = result.data[y * 64 + x] ?? 0;
          assert.ok(Math.abs(actual - expected) <= (inside ? 4 : 0), `${x},${y}: ${actual}, not ${expected}`);
        }
      assert.equal(result.data[64 * 96], x0 > 0 || y0 > 0 ? 128 : undefined);
      assert.equal(result.data.at(-1), 128);
    }
  });

  it('crop fills the target with the middle of the picture', () => {
    const [width, height] = [200, 100];
    const colours = scene(width, height);
    for (const format of FORMATS) {
      const result = converter.convert(
        rawPicture(format, width, height, colours, 3),
        target(100, 100, { fit: 'crop' }),
      );
      assertClose(
        result,
        referenceI420(100, 100, (x, y) => colours(x + 50, y)),
        2,
        0.8,
        format,
      );
    }
    const tall = converter.convert(rawPicture('nv21', 100, 200, scene(100, 200)), target(100, 50, { fit: 'crop' }));
    assertClose(
      tall,
      referenceI420(100, 50, (x, y) => scene(100, 200)(x, y + 74)),
      2,
      0.8,
      'tall',
    );
  });

  it('fits after turning: a portrait picture pushed with rotation 90 fills a landscape target', () => {
    for (const fit of ['auto', 'stretch', 'fill', 'crop'] satisfies Fit[]) {
      const result = converter.convert(
        rawPicture('i420', 90, 160, scene(90, 160)),
        target(160, 90, { fit, rotation: 90 }),
      );
      const [, , expected] = turned(scene(90, 160), 90, 160, 90, false);
      assertClose(result, referenceI420(160, 90, expected), 0, 0, fit);
    }
  });

  it('writes nothing beyond a row or a plane, whatever the width', () => {
    for (const width of [...Array.from({ length: 33 }, (_, i) => 16 + 2 * i), 126, 128, 130, 192, 256, 320]) {
      const result = converter.convert(
        rawPicture('bgra', width * 2, 40, scene(width * 2, 40)),
        target(width, 20, { fit: 'stretch' }),
      );
      assertClose(result, referenceI420(width, 20, scene(width, 20)), 5, 1.2, `width ${width}`);
    }
  });

  it('names the field at fault for short data, small strides and impossible sizes', () => {
    const good = rawPicture('i420', 64, 48, scene(64, 48), 4);
    const wrong: [Partial<typeof good>, string][] = [
      [{ data: good.data.subarray(0, good.data.length - 5) }, 'data_len'],
      [{ strideY: 63 }, 'stride_y'],
      [{ strideU: 31 }, 'stride_u'],
      [{ strideV: -1 }, 'stride_v'],
      [{ width: 0 }, 'width'],
      [{ height: 1.5 }, 'height'],
      [{ height: 5000 }, 'height'],
    ];
    for (const [change, field] of wrong)
      assert.throws(
        () => converter.convert({ ...good, ...change }, target(64, 48)),
        (error: Record<string, unknown>) => {
          assert.deepEqual(
            [error.class, error.reason, error.number, error.field],
            ['invalid_argument', 'ERR_VIDEO_DATA_ERROR', 0x03010202, field],
          );
          return typeof error.value === 'string' && typeof error.remedy === 'string';
        },
      );
    // The padding of the last row may be missing.
    assert.ok(converter.convert({ ...good, data: good.data.subarray(0, good.data.length - 4) }, target(64, 48)));
  });

  it('refuses use after close', () => {
    const closed = new SwsPictureConverter();
    closed.close();
    closed.close();
    assert.throws(() => closed.convert(rawPicture('i420', 64, 48, scene(64, 48)), target(64, 48)), {
      class: 'failed_precondition',
    });
  });
});
