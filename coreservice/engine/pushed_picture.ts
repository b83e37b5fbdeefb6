import { AlirtcError } from '../../common/errors.js';
import { ERROR_NUMBERS } from '../../common/error_codes.js';
import type { CommandFields } from '../ipc/commands.js';
import { RenderMode, VideoBufferType, VideoDataFormat } from '../ipc/enums.js';
import type { Fit, PixelFormat, RawPicture, Rotation } from '../codec/types.js';
import type { Limits } from './encoder_configuration.js';

/** One thing that waits in a video queue. */
export type PushedPicture = {
  captureTimeUs: number;
  ptsMs: number;
  rotation: Rotation;
} & ({ kind: 'raw'; picture: RawPicture } | { kind: 'h264'; data: Buffer });

const FORMATS: ReadonlyMap<number, PixelFormat> = new Map([
  [VideoDataFormat.BGRA, 'bgra'],
  [VideoDataFormat.I420, 'i420'],
  [VideoDataFormat.NV21, 'nv21'],
  [VideoDataFormat.NV12, 'nv12'],
  [VideoDataFormat.RGB24, 'rgb24'],
  [VideoDataFormat.BGR24, 'bgr24'],
]);

const FITS: ReadonlyMap<number, Fit> = new Map([
  [RenderMode.Auto, 'auto'],
  [RenderMode.Stretch, 'stretch'],
  [RenderMode.Fill, 'fill'],
  [RenderMode.Crop, 'crop'],
]);

export function fitOf(renderMode: number): Fit {
  return FITS.get(renderMode) ?? 'auto';
}

/** Checks format, size, strides and length of a PUSH_VIDEO_FRAME. Throws ERR_VIDEO_DATA_ERROR with the field at fault. */
export function readPushedPicture(
  fields: CommandFields<'PUSH_VIDEO_FRAME'>,
  data: Buffer,
  limits: Pick<Limits, 'maxWidth' | 'maxHeight'>,
  captureTimeUs: number,
): PushedPicture {
  const rotation = rotationOf(fields.rotation);
  const common = { captureTimeUs, ptsMs: fields.timestamp, rotation };
  if (fields.bufferType !== VideoBufferType.RawData) throw bad('buffer_type', 'only raw data can be pushed');
  if (fields.format === VideoDataFormat.H264) {
    if (data.length === 0) throw bad('data', 'the access unit is empty');
    return { kind: 'h264', data, ...common };
  }
  const format = FORMATS.get(fields.format);
  if (format === undefined) throw bad('format', `pictures of format ${fields.format} cannot be pushed`);
  const { width, height } = fields;
  if (width < 2 || height < 2) throw bad('width', `${width}x${height} is no picture`);
  const fits =
    Math.max(width, height) <= Math.max(limits.maxWidth, limits.maxHeight) &&
    Math.min(width, height) <= Math.min(limits.maxWidth, limits.maxHeight);
  if (!fits) throw bad('width', `${width}x${height} is more than ${limits.maxWidth}x${limits.maxHeight}`);
  const picture: RawPicture = {
    format,
    width,
    height,
    strideY: fields.strideY,
    strideU: fields.strideU,
    strideV: fields.strideV,
    data,
  };
  checkLength(picture);
  return { kind: 'raw', picture, ...common };
}

/** One row of a plane: bytes a row at least, rows. */
interface Plane {
  name: string;
  rowBytes: number;
  rows: number;
  stride: number;
}

function planesOf({ format, width, height, strideY, strideU, strideV }: RawPicture): Plane[] {
  const [halfWidth, halfHeight] = [(width + 1) >> 1, (height + 1) >> 1];
  const plane = (name: string, stride: number, rowBytes: number, rows: number): Plane => ({
    name,
    rowBytes,
    rows,
    stride: stride === 0 ? rowBytes : stride,
  });
  switch (format) {
    case 'i420':
      return [
        plane('stride_y', strideY, width, height),
        plane('stride_u', strideU, halfWidth, halfHeight),
        plane('stride_v', strideV, halfWidth, halfHeight),
      ];
    case 'nv12':
    case 'nv21':
      return [plane('stride_y', strideY, width, height), plane('stride_u', strideU, 2 * halfWidth, halfHeight)];
    case 'bgra':
      return [plane('stride_y', strideY, 4 * width, height)];
    case 'rgb24':
    case 'bgr24':
      return [plane('stride_y', strideY, 3 * width, height)];
  }
}

function checkLength(picture: RawPicture): void {
  const planes = planesOf(picture);
  let needed = 0;
  for (const [index, { name, rowBytes, rows, stride }] of planes.entries()) {
    if (stride < rowBytes) throw bad(name, `${name} ${stride} is less than a row of ${rowBytes} bytes`);
    // The last row of the last plane may come without its padding.
    needed += index === planes.length - 1 ? stride * (rows - 1) + rowBytes : stride * rows;
  }
  if (picture.data.length < needed)
    throw bad(
      'data',
      `${picture.data.length} bytes are too few: ${picture.format} of ${picture.width}x${picture.height} with these strides needs ${needed}`,
    );
}

export function rotationOf(degrees: number): Rotation {
  switch (degrees) {
    case -1:
    case 0:
      return 0;
    case 90:
    case 180:
    case 270:
      return degrees;
    default:
      throw bad('rotation', `a rotation of ${degrees} degrees is none of 0, 90, 180, 270`);
  }
}

function bad(field: string, text: string): AlirtcError {
  return new AlirtcError('invalid_argument', text, {
    reason: 'ERR_VIDEO_DATA_ERROR',
    number: ERROR_NUMBERS.ERR_VIDEO_DATA_ERROR,
    field,
  });
}
