import type { Engine, VideoTrackType } from '../../../client/index.js';
import { eventually } from '../../support/eventually.js';
import { readPictureNumber } from '../../support/media/numbered_picture.js';

export interface SeenPicture {
  width: number;
  height: number;
  track: VideoTrackType;
  /** By the band of numbered pictures. */
  number: number | undefined;
  /** Averages of the two chroma planes, 0 to 255. */
  u: number;
  v: number;
  /** Luma of every 16th pixel of every 16th line. */
  points: Uint8Array;
}

/** Reads all decoded pictures of one user until it is disposed. */
export class PictureView implements Disposable {
  readonly seen: SeenPicture[] = [];
  readonly #stream: ReturnType<Engine['pictures']>;

  constructor(
    engine: Engine,
    private readonly uid: string,
    tracks: VideoTrackType[] = [],
  ) {
    this.#stream = engine.pictures({ uids: [uid], tracks });
    void this.#run();
  }

  async #run(): Promise<void> {
    for await (const { width, height, track, data, release } of this.#stream) {
      const luma = width * height;
      const chroma = Math.ceil(width / 2) * Math.ceil(height / 2);
      this.seen.push({
        width,
        height,
        track,
        number: readPictureNumber(data, width, height),
        u: average(data.subarray(luma, luma + chroma)),
        v: average(data.subarray(luma + chroma)),
        points: pointsOf(data, width, height),
      });
      release();
    }
  }

  /** The next pictures, so many in succession of this width. */
  async next(count: number, width?: number, timeoutMs = 20_000): Promise<SeenPicture[]> {
    const from = this.seen.length;
    let found: SeenPicture[] = [];
    await eventually(() => {
      found = this.seen.slice(Math.max(from, this.seen.length - count));
      const right = found.length === count && found.every((picture) => width === undefined || picture.width === width);
      const widths = found.map((picture) => picture.width).join();
      return right ? undefined : `pictures of ${this.uid}: widths ${widths}; wanted ${count} of ${width ?? 'any'}`;
    }, timeoutMs);
    return found;
  }

  [Symbol.dispose](): void {
    this.#stream.cancel();
  }
}

/** How many of the pictures differ from the one before. */
export function countChanges(pictures: readonly SeenPicture[]): number {
  return pictures.filter(({ points }, index) => {
    const before = pictures[index - 1]?.points;
    return before !== undefined && points.some((value, at) => Math.abs(value - (before[at] ?? 0)) > 24);
  }).length;
}

function average(plane: Uint8Array): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < plane.length; i += 7, count++) sum += plane[i] ?? 0;
  return count === 0 ? 0 : sum / count;
}

function pointsOf(luma: Uint8Array, width: number, height: number): Uint8Array {
  const points: number[] = [];
  for (let y = 8; y < height; y += 16) for (let x = 8; x < width; x += 16) points.push(luma[y * width + x] ?? 0);
  return Uint8Array.from(points);
}
