import type { Frame } from 'node-av/lib';
import { internalError } from './av.js';
import type { PicturePool } from './picture_pool.js';
import { i420Size } from './types.js';
import type { I420Picture } from './types.js';

/**
 * A picture that still lies in the decoder's frame. Who can take its rows from there by `planes` saves a copy; `data` makes the copy when it is first asked for.
 * The decoder calls settle() before it uses the frame again, so both kinds of readers may keep the picture for as long as they like.
 */
export class DecodedPicture implements I420Picture {
  readonly width: number;
  readonly height: number;
  readonly #pool: PicturePool;
  #frame: Frame | undefined;
  #copy: { data: Buffer; release: () => void } | undefined;

  constructor(frame: Frame, pool: PicturePool) {
    this.width = frame.width;
    this.height = frame.height;
    this.#frame = frame;
    this.#pool = pool;
  }

  get data(): Buffer {
    this.settle();
    if (this.#copy === undefined) throw internalError('a picture is read after it was given back');
    return this.#copy.data;
  }

  get planes(): readonly Uint8Array[] | undefined {
    if (this.#frame === undefined) return undefined;
    const planes = planesOf(this.#frame);
    return planes.every(({ stride, columns }) => stride === columns)
      ? planes.map(({ source, columns, rows }) => source.subarray(0, columns * rows))
      : undefined;
  }

  readonly release = (): void => {
    this.#frame = undefined;
    this.#copy?.release();
  };

  /** The picture leaves the frame: into memory of its own, when nobody has given it back. */
  settle(): void {
    const frame = this.#frame;
    if (frame === undefined) return;
    this.#frame = undefined;
    this.#copy = this.#pool.take(i420Size(this.width, this.height));
    let at = 0;
    for (const plane of planesOf(frame)) at = copyPlane(plane, this.#copy.data, at);
  }
}

interface FramePlane {
  source: Buffer;
  stride: number;
  columns: number;
  rows: number;
}

/** Views of FFmpeg's memory. FFmpeg has moved them to the visible part already. */
function planesOf({ width, height, data, linesize }: Frame): FramePlane[] {
  return [0, 1, 2].map((plane) => {
    const source = data?.[plane];
    const stride = linesize[plane];
    if (source === undefined || stride === undefined) throw internalError('a decoded frame has too few planes');
    const shift = plane === 0 ? 0 : 1;
    return { source, stride, columns: (width + shift) >> shift, rows: (height + shift) >> shift };
  });
}

/** Without the padding of the rows; gives where the next plane begins. */
function copyPlane({ source, stride, columns, rows }: FramePlane, target: Buffer, start: number): number {
  if (stride === columns) {
    source.copy(target, start, 0, columns * rows);
    return start + columns * rows;
  }
  let at = start;
  for (let row = 0; row < rows; row++) {
    source.copy(target, at, row * stride, row * stride + columns);
    at += columns;
  }
  return at;
}
