import { AlirtcError } from '../../common/errors.js';
import { ERROR_NUMBERS } from '../../common/error_codes.js';
import type { PixelFormat, RawPicture } from './types.js';

/** Where one plane of a pushed picture lies in its Buffer. */
export interface PlaneLayout {
  offset: number;
  /** Bytes from one row to the next. */
  stride: number;
  /** Bytes of a row that carry the picture. */
  rowBytes: number;
  rows: number;
}

/** The strides' names in the interface, by plane. */
const STRIDE_FIELDS = ['stride_y', 'stride_u', 'stride_v'] as const;
const MOST_SIDE = 4096;

/** The planes of a pushed picture. Throws ERR_VIDEO_DATA_ERROR with the field at fault for sizes, strides or a length that cannot be. */
export function layoutOf(picture: RawPicture): PlaneLayout[] {
  const { width, height, data } = picture;
  checkSide('width', width);
  checkSide('height', height);
  const strides = [picture.strideY, picture.strideU, picture.strideV];
  let offset = 0;
  const planes = planeSizes(picture.format, width, height).map(([rowBytes, rows], index): PlaneLayout => {
    const stride = checkedStride(STRIDE_FIELDS[index] ?? 'stride_y', strides[index] ?? 0, rowBytes);
    const plane = { offset, stride, rowBytes, rows };
    offset += stride * rows;
    return plane;
  });
  // The last row needs no padding behind it.
  const last = planes.at(-1);
  const needed = last === undefined ? 0 : last.offset + last.stride * (last.rows - 1) + last.rowBytes;
  if (data.length < needed)
    throw videoDataError(
      'data_len',
      data.length,
      `${needed} bytes are needed for ${width}x${height} ${picture.format}`,
    );
  return planes;
}

/** Bytes of a row, and rows, of each plane. */
function planeSizes(format: PixelFormat, width: number, height: number): [number, number][] {
  const chromaWidth = (width + 1) >> 1;
  const chromaHeight = (height + 1) >> 1;
  switch (format) {
    case 'i420':
      return [
        [width, height],
        [chromaWidth, chromaHeight],
        [chromaWidth, chromaHeight],
      ];
    case 'nv12':
    case 'nv21':
      return [
        [width, height],
        [chromaWidth * 2, chromaHeight],
      ];
    case 'bgra':
      return [[width * 4, height]];
    case 'rgb24':
    case 'bgr24':
      return [[width * 3, height]];
  }
}

function checkSide(field: 'width' | 'height', value: number): void {
  if (!Number.isInteger(value) || value < 2 || value > MOST_SIDE)
    throw videoDataError(field, value, `2 to ${MOST_SIDE} is possible`);
}

function checkedStride(field: string, stride: number, rowBytes: number): number {
  if (stride === 0) return rowBytes;
  if (!Number.isInteger(stride) || stride < rowBytes || stride > MOST_SIDE * 16)
    throw videoDataError(
      field,
      stride,
      `a row has ${rowBytes} bytes; give at least that, or 0 for rows without padding`,
    );
  return stride;
}

function videoDataError(field: string, value: number, remedy: string): AlirtcError {
  return new AlirtcError('invalid_argument', `${field} is ${value}: ${remedy}`, {
    reason: 'ERR_VIDEO_DATA_ERROR',
    number: ERROR_NUMBERS.ERR_VIDEO_DATA_ERROR,
    field,
    value: String(value),
    remedy,
  });
}
