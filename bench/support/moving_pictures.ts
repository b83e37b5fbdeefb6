import type { I420Picture } from '../../coreservice/codec/types.js';

/** A textured picture that pans, with noise: about as hard to encode as a camera that is moved slowly. */
export function movingPictures(width: number, height: number, count: number): I420Picture[] {
  let state = 12_345;
  const random = (): number => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) / 2 ** 32;
  const [textureWidth, textureHeight] = [width + 160, height + 160];
  const texture = new Uint8Array(textureWidth * textureHeight);
  for (const [cell, depth] of [
    [64, 110],
    [16, 50],
    [8, 20],
  ] as const) {
    const columns = Math.ceil(textureWidth / cell) + 2;
    const grid = Float32Array.from({ length: columns * (Math.ceil(textureHeight / cell) + 2) }, random);
    for (let y = 0; y < textureHeight; y++)
      for (let x = 0; x < textureWidth; x++) {
        const at = Math.floor(y / cell) * columns + Math.floor(x / cell);
        const [right, down] = [(x % cell) / cell, (y % cell) / cell];
        const top = (grid[at] ?? 0) * (1 - right) + (grid[at + 1] ?? 0) * right;
        const bottom = (grid[at + columns] ?? 0) * (1 - right) + (grid[at + columns + 1] ?? 0) * right;
        const i = y * textureWidth + x;
        texture[i] = (texture[i] ?? 0) + depth * (top * (1 - down) + bottom * down);
      }
  }
  return Array.from({ length: count }, (_, k) => {
    const phase = (2 * Math.PI * k) / count;
    const [left, top] = [Math.round(80 + 75 * Math.sin(phase)), Math.round(80 + 60 * Math.cos(phase))];
    const data = Buffer.alloc((width * height * 3) / 2);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        data[y * width + x] = 30 + (texture[(y + top) * textureWidth + x + left] ?? 0) + Math.floor(random() * 4);
    const chroma = (width * height) / 4;
    for (let i = 0; i < chroma; i++) {
      const x = i % (width / 2);
      const shade = (40 * (texture[((i - x) / (width / 2) + top) * textureWidth + x + left] ?? 0)) / 255;
      data[width * height + i] = 110 + shade;
      data[width * height + chroma + i] = 150 - shade;
    }
    return { width, height, data };
  });
}
