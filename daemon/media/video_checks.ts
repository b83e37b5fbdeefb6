import { VideoBufferType, VideoDataFormat, VideoSource } from '../../coreservice/ipc/enums.js';
import type { CommandFields } from '../../coreservice/ipc/commands.js';
import type { VideoDataSample } from '../../gen/alirtc/v1/types.js';
import * as convert from '../conversions.js';
import { invalidField } from '../refusals.js';

export type VideoFields = Omit<CommandFields<'PUSH_VIDEO_FRAME'>, 'alirtcd'>;

interface Layout {
  strideY: number;
  strideU: number;
  strideV: number;
  bytes: number;
}

const REASON = 'ERR_VIDEO_DATA_ERROR';
const LIMITS = {
  [VideoSource.Camera]: { side: 1920, pixels: 1920 * 1080, name: '1920x1080' },
  [VideoSource.ScreenShare]: { side: 3840, pixels: 3840 * 2160, name: '3840x2160' },
};
const MAX_ACCESS_UNIT_BYTES = 4 * 1024 * 1024;
const PAGE_BYTES = 4096;
const ROTATIONS = [0, 90, 180, 270];

/**
 * Checks a pushed picture and makes the IPC's fields of it, strides filled in. The payload is the part of the data that the sizes ask for. Throws
 * ERR_VIDEO_DATA_ERROR with the field at fault.
 */
export function checkVideoFrame(
  source: VideoSource,
  frame: VideoDataSample | undefined,
): { fields: VideoFields; payload: Uint8Array } {
  if (frame === undefined) throw wrong('frame', '', 'is missing', 'give a frame');
  const format = convert.videoDataFormat.toIpc(frame.format, 'frame.format');
  const bufferType = convert.videoBufferType.toIpc(frame.bufferType, 'frame.buffer_type');
  if (bufferType !== VideoBufferType.RawData)
    throw wrong('frame.buffer_type', frame.bufferType, 'only RAW_DATA has a meaning on Linux', 'give RAW_DATA');
  if (!ROTATIONS.includes(frame.rotation))
    throw wrong('frame.rotation', frame.rotation, 'has to be 0, 90, 180 or 270', 'give one of these');
  const layout = format === VideoDataFormat.H264 ? accessUnit(source, frame) : rawPicture(source, format, frame);
  if (frame.data.byteLength < layout.bytes)
    throw wrong(
      'frame.data',
      frame.data.byteLength,
      `${frame.data.byteLength} bytes, ${layout.bytes} are needed`,
      'push whole pictures of the declared size and strides',
    );
  // Some producers round their buffers up, to a page too; far more is another picture, or a mistake.
  if (frame.data.byteLength > 2 * layout.bytes + PAGE_BYTES)
    throw wrong(
      'frame.data',
      frame.data.byteLength,
      `${frame.data.byteLength} bytes, far more than the ${layout.bytes} of the picture`,
      'give the size and strides of the picture that is pushed',
    );
  const { strideY, strideU, strideV } = layout;
  const { width, height, rotation, timestampMs: timestamp } = frame;
  const fields = { source, format, bufferType, strideY, strideU, strideV, height, width, rotation, timestamp };
  return { fields, payload: frame.data.subarray(0, layout.bytes) };
}

function rawPicture(source: VideoSource, format: number, frame: VideoDataSample): Layout {
  checkSize(source, frame, 1);
  const { width, height } = frame;
  const halfWidth = Math.ceil(width / 2);
  const halfHeight = Math.ceil(height / 2);
  switch (format) {
    case VideoDataFormat.I420: {
      const strideY = stride('frame.stride_y', frame.strideY, width);
      const strideU = stride('frame.stride_u', frame.strideU, halfWidth);
      const strideV = stride('frame.stride_v', frame.strideV, halfWidth);
      return { strideY, strideU, strideV, bytes: strideY * height + (strideU + strideV) * halfHeight };
    }
    case VideoDataFormat.NV12:
    case VideoDataFormat.NV21: {
      const strideY = stride('frame.stride_y', frame.strideY, width);
      const strideU = stride('frame.stride_u', frame.strideU, 2 * halfWidth);
      return { strideY, strideU, strideV: frame.strideV, bytes: strideY * height + strideU * halfHeight };
    }
    case VideoDataFormat.BGRA:
      return packed(frame, 4);
    case VideoDataFormat.RGB24:
    case VideoDataFormat.BGR24:
      return packed(frame, 3);
    default:
      throw wrong('frame.format', frame.format, 'is not supported by this engine', 'push H264 or raw pictures');
  }
}

function checkSize(source: VideoSource, { width, height }: VideoDataSample, least: number): void {
  const { side, pixels, name } = LIMITS[source];
  const refuse = (field: string, value: number): Error =>
    wrong(field, value, `${width}x${height}: has to be ${least}x${least} to ${name}`, 'scale the picture');
  if (width < least || width > side) throw refuse('frame.width', width);
  if (height < least || height > side) throw refuse('frame.height', height);
  if (width * height > pixels) throw refuse('frame.width', width);
}

function packed(frame: VideoDataSample, bytesPerPixel: number): Layout {
  const strideY = stride('frame.stride_y', frame.strideY, frame.width * bytesPerPixel);
  return { strideY, strideU: 0, strideV: 0, bytes: strideY * frame.height };
}

function accessUnit(source: VideoSource, frame: VideoDataSample): Layout {
  // An access unit says its size itself: 0 by 0 will do.
  checkSize(source, frame, 0);
  const { data } = frame;
  const bytes = data.byteLength;
  if (bytes > MAX_ACCESS_UNIT_BYTES)
    throw wrong(
      'frame.data',
      bytes,
      `${bytes} bytes, at most ${MAX_ACCESS_UNIT_BYTES}`,
      'encode with a lower bit rate',
    );
  const zeros = data[2] === 0 ? 3 : 2;
  const begins = bytes > zeros + 1 && data[0] === 0 && data[1] === 0 && data[zeros] === 1;
  if (!begins)
    throw wrong('frame.data', bytes, 'does not begin with an Annex B start code', 'push one Annex B access unit');
  const { strideY, strideU, strideV } = frame;
  return { strideY, strideU, strideV, bytes };
}

/** Bytes of one line; 0 means without padding. */
function stride(field: string, value: number, least: number): number {
  if (value === 0) return least;
  // More than twice the line is a mistake, and would let the length overflow what is checked.
  if (value < least || value > 2 * least + 4096)
    throw wrong(
      field,
      value,
      `has to be 0, or ${least} to ${2 * least + 4096} bytes a line`,
      'give 0 when lines have no padding',
    );
  return value;
}

function wrong(field: string, value: unknown, message: string, remedy: string): Error {
  return invalidField(field, value, message, { reason: REASON, remedy });
}
