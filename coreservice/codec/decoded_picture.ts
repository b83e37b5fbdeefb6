import { internalError } from './av.js';
import type { PlanarPicture } from './picture_memory.js';
import type { PicturePool } from './picture_pool.js';
import { i420Size } from './types.js';
import type { I420Picture } from './types.js';

/**
 * A picture that still lies in the decoder's memory. Who can take it from there by `planes` saves a copy; `data` makes the copy when it is first asked for.
 * The decoder calls settle() before it uses the memory again, so both kinds of readers may keep the picture for as long as they like.
 */
export class DecodedPicture implements I420Picture {
  readonly width: number;
  readonly height: number;
  readonly #pool: PicturePool;
  #source: PlanarPicture | undefined;
  #copy: { data: Buffer; release: () => void } | undefined;

  constructor(source: PlanarPicture, pool: PicturePool) {
    this.width = source.width;
    this.height = source.height;
    this.#source = source;
    this.#pool = pool;
  }

  get data(): Buffer {
    this.settle();
    if (this.#copy === undefined) throw internalError('a picture is read after it was given back');
    return this.#copy.data;
  }

  get planes(): readonly Uint8Array[] | undefined {
    return this.#source?.planes;
  }

  readonly release = (): void => {
    this.#source = undefined;
    this.#copy?.release();
  };

  /** The picture leaves the decoder: into memory of its own, when nobody has given it back. */
  settle(): void {
    const source = this.#source;
    if (source === undefined) return;
    this.#source = undefined;
    this.#copy = this.#pool.take(i420Size(this.width, this.height));
    let at = 0;
    for (const plane of source.planes) at += plane.copy(this.#copy.data, at);
  }
}
