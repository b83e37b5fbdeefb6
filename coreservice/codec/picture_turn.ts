import type { Rotation } from './types.js';

/** One plane inside a Buffer. */
export interface Plane {
  data: Buffer;
  offset: number;
  stride: number;
  width: number;
  height: number;
}

/**
 * Turns a plane clockwise and then mirrors it left to right, in one pass over the target's rows. `to` has the turned size.
 */
export function turnPlane(from: Plane, to: Plane, rotation: Rotation, mirror: boolean): void {
  // Where the target's first sample comes from, and how the source position moves with a step right and a step down in the target.
  const turned = walk(from, rotation);
  const { down } = turned;
  const right = mirror ? -turned.right : turned.right;
  const start = from.offset + turned.start + (mirror ? turned.right * (to.width - 1) : 0);
  if (Math.abs(right) === 1) turnRows(from.data, to, start, right, down);
  else turnTiles(from.data, to, start, right, down);
}

function walk({ width, height, stride }: Plane, rotation: Rotation): { start: number; right: number; down: number } {
  switch (rotation) {
    case 0:
      return { start: 0, right: 1, down: stride };
    case 90:
      return { start: (height - 1) * stride, right: -stride, down: 1 };
    case 180:
      return { start: (height - 1) * stride + width - 1, right: -1, down: -stride };
    case 270:
      return { start: width - 1, right: stride, down: -1 };
  }
}

/** Rows stay rows: copied, and reversed in place where they run the other way, both by the engine's own loops. */
function turnRows(source: Buffer, to: Plane, start: number, right: number, down: number): void {
  for (let y = 0; y < to.height; y++) {
    const at = to.offset + y * to.stride;
    const first = start + y * down - (right < 0 ? to.width - 1 : 0);
    source.copy(to.data, at, first, first + to.width);
    if (right < 0) to.data.subarray(at, at + to.width).reverse();
  }
}

/** Square tiles keep both the rows read and the rows written in the processor's cache. */
const TILE = 32;

function turnTiles(source: Buffer, to: Plane, start: number, right: number, down: number): void {
  for (let top = 0; top < to.height; top += TILE)
    for (let left = 0; left < to.width; left += TILE) {
      const bottom = Math.min(top + TILE, to.height);
      const columns = Math.min(TILE, to.width - left);
      for (let y = top; y < bottom; y++) {
        let from = start + y * down + left * right;
        let at = to.offset + y * to.stride + left;
        for (const end = at + columns; at < end; at++, from += right) to.data[at] = source[from] ?? 0;
      }
    }
}
