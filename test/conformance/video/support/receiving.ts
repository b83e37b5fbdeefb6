import type { EncodedPicture, Engine, Picture, VideoTrackType } from '../../../../client/index.js';
import { planeErrors, type Mapping, type PlaneError, type Scene } from './scene_picture.js';

interface From {
  uid: string;
  tracks?: VideoTrackType[];
  timeoutMs?: number;
}

/** Access units until `enough` says so with the last one; all that came. */
export async function encodedUntil(
  engine: Engine,
  { uid, tracks, timeoutMs = 15_000 }: From,
  enough: (unit: EncodedPicture, index: number) => boolean,
): Promise<EncodedPicture[]> {
  const units: EncodedPicture[] = [];
  const stream = engine.encodedPictures({ uids: [uid], tracks, signal: AbortSignal.timeout(timeoutMs) });
  for await (const unit of stream) {
    units.push(unit);
    if (enough(unit, units.length - 1)) return units;
  }
  throw new Error(`not in ${timeoutMs} ms, with ${units.length} access units`);
}

/** Decoded pictures until `enough` says so; how many came. */
export async function picturesUntil(
  engine: Engine,
  { uid, tracks, timeoutMs = 15_000 }: From,
  enough: (picture: Picture, index: number) => boolean,
): Promise<number> {
  let count = 0;
  let last = '';
  const stream = engine.pictures({ uids: [uid], tracks, signal: AbortSignal.timeout(timeoutMs) });
  for await (const picture of stream) {
    const done = enough(picture, count++);
    last = `, the last one ${picture.width}x${picture.height}`;
    picture.release();
    if (done) return count;
  }
  throw new Error(`not in ${timeoutMs} ms, with ${count} pictures${last}`);
}

export interface Bounds {
  /** Of the mean absolute difference of every plane. */
  mean: number;
  /** Of the share of samples that differ by more than 16. */
  wrong: number;
}

/** Most that encoding and decoding may take from the scene. */
export const CLOSE: Bounds = { mean: 1, wrong: 0.005 };

/**
 * Waits for a picture of this size that shows the scene within the bounds, and gives its errors; after the deadline those of the nearest one that came, and
 * what sizes came.
 */
export async function waitForScene(
  engine: Engine,
  from: From,
  wanted: { width: number; height: number; scene: Scene; mapping?: Mapping },
  bounds: Bounds = CLOSE,
): Promise<{ size: string; errors: PlaneError[]; within: boolean }> {
  let nearest: PlaneError[] = [];
  let size = 'none';
  const total = (errors: PlaneError[]): number => errors.reduce((sum, error) => sum + error.mean, 0);
  try {
    await picturesUntil(engine, { timeoutMs: 4000, ...from }, (picture) => {
      size = `${picture.width}x${picture.height}`;
      if (picture.width !== wanted.width || picture.height !== wanted.height) return false;
      const errors = planeErrors(picture, wanted.scene, wanted.mapping);
      if (nearest.length === 0 || total(errors) < total(nearest)) nearest = errors;
      return errors.every(({ mean, wrong }) => mean <= bounds.mean && wrong <= bounds.wrong);
    });
    return { size, errors: nearest, within: true };
  } catch {
    return { size, errors: nearest, within: false };
  }
}
