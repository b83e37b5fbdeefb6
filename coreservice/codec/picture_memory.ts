import { Frame } from 'node-av/lib';
import { checkAv, internalError } from './av.js';

/** Planes Y, U, V of 4:2:0, row behind row without padding. */
export interface PlanarPicture {
  width: number;
  height: number;
  planes: readonly Buffer[];
}

/**
 * FFmpeg's memory for one picture, of which there are views already. Each view of a decoder's own frame counts in V8 as that much memory taken, though it is FFmpeg's: with 40 MB
 * a second V8 thinks of nothing but collecting. Measured with one stream of 720p30: from some minute on the core needed 120 ms of CPU a second instead of 60. The copy costs 1 to 3.
 */
export class PictureMemory {
  #frame: Frame | undefined;
  #picture: PlanarPicture | undefined;
  #format = -1;

  /** The frame's picture, here until the next call. 4:2:0 with 8 bits; the frame is not needed any more. */
  copy(frame: Frame): PlanarPicture {
    const { width, height, format } = frame;
    if (this.#picture?.width !== width || this.#picture.height !== height || this.#format !== format)
      this.#allocate(width, height, format);
    const [target, picture] = [this.#frame, this.#picture];
    if (target === undefined || picture === undefined) throw internalError('a decoded frame has no memory');
    checkAv(target.copy(frame), 'copying a decoded frame');
    return picture;
  }

  free(): void {
    this.#picture = undefined;
    this.#frame?.free();
    this.#frame = undefined;
  }

  #allocate(width: number, height: number, format: number): void {
    this.free();
    const frame = new Frame();
    frame.alloc();
    this.#frame = frame;
    Object.assign(frame, { width, height, format });
    // Rows at any byte: no padding behind them.
    checkAv(frame.getBuffer(1), 'memory for decoded pictures');
    const { data, linesize } = frame;
    const planes = [0, 1, 2].map((plane) => {
      const shift = plane === 0 ? 0 : 1;
      const [columns, rows] = [(width + shift) >> shift, (height + shift) >> shift];
      const view = data?.[plane];
      if (view === undefined || linesize[plane] !== columns) throw internalError('a decoded frame has padded planes');
      return view.subarray(0, columns * rows);
    });
    this.#picture = { width, height, planes };
    this.#format = format;
  }
}
