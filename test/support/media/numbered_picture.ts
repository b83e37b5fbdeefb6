/**
 * Pictures that say their own number, so that a test can tell what it received: a band of 20 cells over the upper eighth (white, black, 16 bits with the highest first,
 * even parity, its inverse), readable after any scaling and encoding; below it a texture that moves with the number, with a flash once a second.
 */
const CELLS = 20;
const WHITE = 235;
const BLACK = 16;

/** A texture of the picture's width and twice its height, made once and scrolled: neither flat nor noise, so that an encoder spends a usual bit rate on it. */
function makeTexture(width: number, height: number, detail: number): Buffer {
  const texture = Buffer.alloc(width * height * 2);
  for (let y = 0; y < height * 2; y++)
    for (let x = 0; x < width; x++) {
      const wave = Math.sin(x / 17 + Math.sin(y / 23) * 3) * 40 + Math.sin((x + y) / 7) * 20;
      const grain = ((x * 73 + y * 151 + ((x * y) >> 3) * 37) % 29) - 14;
      texture[y * width + x] = Math.max(BLACK, Math.min(WHITE, 120 + (wave + grain) * detail));
    }
  return texture;
}

export class NumberedPictures {
  readonly #texture: Buffer;
  readonly #chroma: number;

  constructor(
    readonly width: number,
    readonly height: number,
    readonly framesPerSecond: number,
    /** 0 to 1: how much there is to encode. */
    detail = 1,
  ) {
    this.#texture = makeTexture(width, height, detail);
    this.#chroma = ((width + 1) >> 1) * ((height + 1) >> 1);
  }

  get size(): number {
    return this.width * this.height + 2 * this.#chroma;
  }

  /** True for the pictures whose body is white: the first tenth of every second. */
  isFlash(number: number): boolean {
    return number % this.framesPerSecond < Math.max(1, Math.round(this.framesPerSecond / 10));
  }

  /** I420 without padding; numbers wrap at 65536. */
  draw(number: number, into: Buffer = Buffer.allocUnsafe(this.size)): Buffer {
    const { width, height } = this;
    const offset = ((number * 2) % height) * width;
    if (this.isFlash(number)) into.fill(WHITE, 0, width * height);
    else this.#texture.copy(into, 0, offset, offset + width * height);
    into.fill(110, width * height, width * height + this.#chroma);
    into.fill(140, width * height + this.#chroma, this.size);
    drawPictureNumber(number, into, width, height);
    return into;
  }
}

/** Draws the band over the upper eighth of a luma plane (stride: bytes of a line). */
export function drawPictureNumber(number: number, luma: Buffer, width: number, height: number, stride = width): void {
  const line = Buffer.alloc(width, BLACK);
  cellsOf(number & 0xffff).forEach((bit, cell) => {
    const from = Math.floor((cell * width) / CELLS);
    const to = Math.floor(((cell + 1) * width) / CELLS);
    line.fill(bit ? WHITE : BLACK, from, to);
  });
  for (let y = 0; y < Math.floor(height / 8); y++) line.copy(luma, y * stride);
}

function cellsOf(number: number): boolean[] {
  const bits = Array.from({ length: 16 }, (_, i) => ((number >> (15 - i)) & 1) === 1);
  const parity = bits.filter(Boolean).length % 2 === 1;
  return [true, false, ...bits, parity, !parity];
}

/** The number of a picture, or undefined when the band cannot be read. Needs only the luma plane (stride: bytes of a line). */
export function readPictureNumber(luma: Uint8Array, width: number, height: number, stride = width): number | undefined {
  const rows = Math.floor(height / 8);
  if (rows < 4 || width < CELLS * 4) return undefined;
  const bits: boolean[] = [];
  for (let cell = 0; cell < CELLS; cell++) {
    const level = cellLevel(luma, stride, rows, (cell * width) / CELLS, width / CELLS);
    if (level > 90 && level < 160) return undefined;
    bits.push(level >= 160);
  }
  const number = bits.slice(2, 18).reduce((sum, bit) => sum * 2 + (bit ? 1 : 0), 0);
  const wanted = cellsOf(number);
  return wanted.every((bit, i) => bit === bits[i]) ? number : undefined;
}

/** Average of the middle half of a cell. */
function cellLevel(luma: Uint8Array, stride: number, rows: number, left: number, cellWidth: number): number {
  let sum = 0;
  let count = 0;
  const x0 = Math.floor(left + cellWidth / 4);
  const x1 = Math.max(x0 + 1, Math.floor(left + (cellWidth * 3) / 4));
  for (let y = Math.floor(rows / 4); y < Math.max(1, Math.floor((rows * 3) / 4)); y++)
    for (let x = x0; x < x1; x++, count++) sum += luma[y * stride + x] ?? 0;
  return count === 0 ? 128 : sum / count;
}

/** Average luma of the middle of the picture: white in a flash. */
export function bodyLevel(luma: Uint8Array, width: number, height: number, stride = width): number {
  let sum = 0;
  let count = 0;
  for (let y = Math.floor(height / 2); y < height - 8; y += 4)
    for (let x = 8; x < width - 8; x += 4, count++) sum += luma[y * stride + x] ?? 0;
  return count === 0 ? 0 : sum / count;
}
