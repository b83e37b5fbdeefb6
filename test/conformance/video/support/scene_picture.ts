import { VideoDataFormat, type VideoFrameInput } from '../../../../client/index.js';

/**
 * A scene without a resolution: a colour for every point, 0 to 1 from left to right and from top to bottom. Neither turning nor mirroring leaves it as it is, and its
 * marker (0 to 15, a light square on a grid of 4 by 4) tells one scene from another. So what a receiver should see can be said without any of our code.
 */
export interface Scene {
  marker: number;
}

/** From a point of the result to the point of the scene that is seen there; undefined: black. */
export type Mapping = (u: number, v: number) => readonly [u: number, v: number] | undefined;

type Colour = readonly [y: number, cb: number, cr: number];
const BLACK: Colour = [16, 128, 128];

export function colourAt({ marker }: Scene, u: number, v: number): Colour {
  const inMarker = Math.floor(u * 4) === marker % 4 && Math.floor(v * 4) === Math.floor(marker / 4);
  const y = 50 + 100 * u + 40 * v;
  return [inMarker ? y + 40 : y, 115 + 35 * v, 160 - 60 * u];
}

export interface DrawOptions {
  /** Bytes behind every row of every plane, filled with what must not be seen. */
  padding?: number;
  rotation?: number;
}

/** The scene in one of the formats that can be pushed. */
export function drawScene(
  scene: Scene,
  format: VideoDataFormat,
  width: number,
  height: number,
  { padding = 0, rotation = 0 }: DrawOptions = {},
): VideoFrameInput {
  const [halfWidth, halfHeight] = [(width + 1) >> 1, (height + 1) >> 1];
  const full = (sample: (colour: Colour) => readonly number[]): Buffer =>
    drawPlane(width, height, padding, (x, y) => sample(colourAt(scene, (x + 0.5) / width, (y + 0.5) / height)));
  const half = (sample: (colour: Colour) => readonly number[]): Buffer =>
    drawPlane(halfWidth, halfHeight, padding, (x, y) =>
      sample(colourAt(scene, (2 * x + 1) / width, (2 * y + 1) / height)),
    );
  const planes = planesOf(format, full, half);
  const strides = planes.map((plane, i) => plane.length / (i === 0 ? height : halfHeight));
  const [strideY = 0, strideU = 0, strideV = 0] = padding === 0 ? [] : strides;
  return { format, width, height, strideY, strideU, strideV, rotation, timestampMs: 0, data: Buffer.concat(planes) };
}

type DrawPlane = (sample: (colour: Colour) => readonly number[]) => Buffer;

function planesOf(format: VideoDataFormat, full: DrawPlane, half: DrawPlane): Buffer[] {
  const luma = ([y]: Colour): number[] => [y];
  switch (format) {
    case VideoDataFormat.I420:
      return [full(luma), half(([, cb]) => [cb]), half(([, , cr]) => [cr])];
    case VideoDataFormat.NV12:
      return [full(luma), half(([, cb, cr]) => [cb, cr])];
    case VideoDataFormat.NV21:
      return [full(luma), half(([, cb, cr]) => [cr, cb])];
    case VideoDataFormat.BGRA:
      return [full((colour) => [...rgbOf(colour).reverse(), 255])];
    case VideoDataFormat.RGB24:
      return [full(rgbOf)];
    case VideoDataFormat.BGR24:
      return [full((colour) => rgbOf(colour).reverse())];
    default:
      throw new Error(`no picture of format ${format}`);
  }
}

/** BT.601, limited range. */
function rgbOf([y, cb, cr]: Colour): number[] {
  const luma = 1.164 * (y - 16);
  return [luma + 1.596 * (cr - 128), luma - 0.392 * (cb - 128) - 0.813 * (cr - 128), luma + 2.017 * (cb - 128)];
}

function drawPlane(
  width: number,
  height: number,
  padding: number,
  sampleAt: (x: number, y: number) => readonly number[],
): Buffer {
  const rows: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++)
      for (const value of sampleAt(x, y)) rows.push(Math.min(255, Math.max(0, Math.round(value))));
    for (let i = 0; i < padding; i++) rows.push(i % 2 === 0 ? 255 : 0);
  }
  return Buffer.from(rows);
}

export interface PlaneError {
  plane: 'Y' | 'U' | 'V';
  /** Mean absolute difference. */
  mean: number;
  /** Share of samples that differ by more than 16. */
  wrong: number;
}

/** How far a received I420 picture is from the scene as it should be seen, plane by plane. */
export function planeErrors(
  picture: { width: number; height: number; data: Uint8Array },
  scene: Scene,
  mapping: Mapping = (u, v) => [u, v],
): PlaneError[] {
  const { width, height, data } = picture;
  const [halfWidth, halfHeight] = [(width + 1) >> 1, (height + 1) >> 1];
  const sizes = [
    { plane: 'Y', width, height, offset: 0 },
    { plane: 'U', width: halfWidth, height: halfHeight, offset: width * height },
    { plane: 'V', width: halfWidth, height: halfHeight, offset: width * height + halfWidth * halfHeight },
  ] as const;
  return sizes.map(({ plane, width: columns, height: rows, offset }, index) => {
    let sum = 0;
    let wrong = 0;
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++) {
        const point = mapping((x + 0.5) / columns, (y + 0.5) / rows);
        const wanted = (point === undefined ? BLACK : colourAt(scene, ...point))[index] ?? 0;
        const difference = Math.abs((data[offset + y * columns + x] ?? 0) - wanted);
        sum += difference;
        if (difference > 16) wrong++;
      }
    return { plane, mean: sum / (columns * rows), wrong: wrong / (columns * rows) };
  });
}

/** Turned clockwise by so many degrees. */
export function turned(degrees: number): Mapping {
  switch (degrees) {
    case 90:
      return (u, v) => [v, 1 - u];
    case 180:
      return (u, v) => [1 - u, 1 - v];
    case 270:
      return (u, v) => [1 - v, u];
    default:
      return (u, v) => [u, v];
  }
}

/** Left and right exchanged, seen after the other mapping. */
export function mirrored(mapping: Mapping): Mapping {
  return (u, v) => mapping(1 - u, v);
}

/** The middle part of the scene, so much of its width and height; beyond 1 there is black around it. */
export function middle(width: number, height: number): Mapping {
  return (u, v) => {
    const [x, y] = [0.5 + (u - 0.5) * width, 0.5 + (v - 0.5) * height];
    return x < 0 || x > 1 || y < 0 || y > 1 ? undefined : [x, y];
  };
}
