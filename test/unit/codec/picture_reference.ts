import { i420Size } from '../../../coreservice/codec/types.js';
import type { I420Picture, PixelFormat, RawPicture } from '../../../coreservice/codec/types.js';

/** A picture as a function of place, with red, green and blue of 0 to 255. */
export type Colours = (x: number, y: number) => [number, number, number];

/** Rec. BT.601, limited range, 2.5.3 and 2.5.4. */
function toYuv([r, g, b]: [number, number, number]): [number, number, number] {
  return [
    16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255,
    128 + (-37.797 * r - 74.203 * g + 112 * b) / 255,
    128 + (112 * r - 93.786 * g - 18.214 * b) / 255,
  ];
}

/** The I420 picture in floating-point: chroma is the mean of its 2x2 pixels (fewer at odd edges). */
export function referenceI420(width: number, height: number, colours: Colours): I420Picture {
  const data = Buffer.alloc(i420Size(width, height));
  const chromaWidth = (width + 1) >> 1;
  const chromaHeight = (height + 1) >> 1;
  let at = 0;
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data[at++] = Math.round(toYuv(colours(x, y))[0]);
  for (const plane of [1, 2] as const)
    for (let cy = 0; cy < chromaHeight; cy++)
      for (let cx = 0; cx < chromaWidth; cx++) {
        let sum = 0;
        let count = 0;
        for (let y = cy * 2; y < Math.min(height, cy * 2 + 2); y++)
          for (let x = cx * 2; x < Math.min(width, cx * 2 + 2); x++, count++) sum += toYuv(colours(x, y))[plane];
        data[at++] = Math.round(sum / count);
      }
  return { width, height, data };
}

/** The same picture in a pushed format, rows with so many bytes of padding, which hold garbage. */
export function rawPicture(
  format: PixelFormat,
  width: number,
  height: number,
  colours: Colours,
  padding = 0,
): RawPicture {
  const planes = planesOf(format, width, height, colours);
  const strides = planes.map(({ rowBytes }) => (padding === 0 ? 0 : rowBytes + padding));
  const data = Buffer.concat(
    planes.map(({ bytes, rowBytes, rows }) => {
      const padded = Buffer.alloc((rowBytes + padding) * rows, 0xee);
      for (let y = 0; y < rows; y++) bytes.copy(padded, y * (rowBytes + padding), y * rowBytes, (y + 1) * rowBytes);
      return padded;
    }),
  );
  const [strideY = 0, strideU = 0, strideV = 0] = strides;
  return { format, width, height, strideY, strideU, strideV, data };
}

interface PlaneBytes {
  bytes: Buffer;
  rowBytes: number;
  rows: number;
}

function planesOf(format: PixelFormat, width: number, height: number, colours: Colours): PlaneBytes[] {
  const chroma = { rowBytes: (width + 1) >> 1, rows: (height + 1) >> 1 };
  const { data } = referenceI420(width, height, colours);
  const luma = { bytes: data.subarray(0, width * height), rowBytes: width, rows: height };
  const chromaBytes = chroma.rowBytes * chroma.rows;
  const u = data.subarray(width * height, width * height + chromaBytes);
  const v = data.subarray(width * height + chromaBytes);
  if (format === 'i420') return [luma, { bytes: u, ...chroma }, { bytes: v, ...chroma }];
  if (format === 'nv12' || format === 'nv21') {
    const [first, second] = format === 'nv12' ? [u, v] : [v, u];
    const pairs = Buffer.alloc(2 * chromaBytes);
    for (let i = 0; i < chromaBytes; i++) pairs.set([first[i] ?? 0, second[i] ?? 0], 2 * i);
    return [luma, { bytes: pairs, rowBytes: 2 * chroma.rowBytes, rows: chroma.rows }];
  }
  const bytesPerPixel = format === 'bgra' ? 4 : 3;
  const bytes = Buffer.alloc(width * height * bytesPerPixel, 0xff);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const rgb = colours(x, y).map(Math.round);
      bytes.set(format === 'rgb24' ? rgb : rgb.reverse(), (y * width + x) * bytesPerPixel);
    }
  return [{ bytes, rowBytes: width * bytesPerPixel, rows: height }];
}

/** The largest and the mean difference of each plane. */
export function planeErrors(a: I420Picture, b: I420Picture): { largest: number; mean: number }[] {
  const luma = a.width * a.height;
  const chroma = (i420Size(a.width, a.height) - luma) / 2;
  return [
    [0, luma],
    [luma, luma + chroma],
    [luma + chroma, luma + 2 * chroma],
  ].map(([start = 0, end = 0]) => {
    let largest = 0;
    let sum = 0;
    for (let i = start; i < end; i++) {
      const difference = Math.abs((a.data[i] ?? 0) - (b.data[i] ?? 0));
      largest = Math.max(largest, difference);
      sum += difference;
    }
    return { largest, mean: sum / (end - start) };
  });
}
