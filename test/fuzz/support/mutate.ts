import type { Random } from './random.js';

/** Numbers at the edges of the widths that protocols use. */
export const EDGES = [
  0,
  1,
  2,
  3,
  7,
  8,
  15,
  16,
  31,
  32,
  63,
  64,
  100,
  127,
  128,
  255,
  256,
  1000,
  1023,
  1024,
  4095,
  4096,
  32_767,
  32_768,
  65_535,
  65_536,
  2 ** 24 - 1,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 63,
  2 ** 64,
] as const;

const MOST_GROWTH = 4096;

type Step = (random: Random, bytes: Buffer, others: readonly Buffer[]) => Buffer;

function put(bytes: Buffer, at: number, value: number, width: 1 | 2 | 4): Buffer {
  const out = Buffer.from(bytes);
  if (at + width <= out.length) out.writeUIntBE(value % 2 ** (8 * width), at, width);
  return out;
}

const STEPS: readonly Step[] = [
  // One bit.
  (random, bytes) => {
    const at = random.below(bytes.length);
    return put(bytes, at, (bytes[at] ?? 0) ^ (1 << random.below(8)), 1);
  },
  // One byte.
  (random, bytes) => put(bytes, random.below(bytes.length), random.below(256), 1),
  // A number at an edge, where a length, a count or an offset may be.
  (random, bytes) => put(bytes, random.below(bytes.length), random.pick(EDGES), random.pick([1, 2, 4] as const)),
  // A number that is slightly wrong.
  (random, bytes) => {
    const at = random.below(Math.max(1, bytes.length - 1));
    if (at + 2 > bytes.length) return bytes;
    return put(bytes, at, (bytes.readUInt16BE(at) + 65_536 + random.between(-4, 4)) % 65_536, 2);
  },
  (random, bytes) => bytes.subarray(0, random.below(bytes.length + 1)),
  (random, bytes) => bytes.subarray(random.below(bytes.length + 1)),
  // Left out.
  (random, bytes) => {
    const at = random.below(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.size(bytes.length))]);
  },
  // Put in.
  (random, bytes) => {
    const at = random.below(bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.size(64)), bytes.subarray(at)]);
  },
  // Said again, once or many times.
  (random, bytes) => {
    const at = random.below(bytes.length);
    const part = bytes.subarray(at, at + 1 + random.size(bytes.length));
    const times = Math.min(1 + random.size(64), Math.ceil(MOST_GROWTH / part.length));
    return Buffer.concat([bytes.subarray(0, at), ...Array<Buffer>(times).fill(part), bytes.subarray(at)]);
  },
  // One value all over.
  (random, bytes) => {
    const out = Buffer.from(bytes);
    const at = random.below(bytes.length);
    return out.fill(random.pick([0, 255, 128]), at, Math.min(bytes.length, at + 1 + random.size(bytes.length)));
  },
  // The head of this, the tail of another.
  (random, bytes, others) => {
    if (others.length === 0) return bytes;
    const other = random.pick(others);
    return Buffer.concat([
      bytes.subarray(0, random.below(bytes.length + 1)),
      other.subarray(random.below(other.length + 1)),
    ]);
  },
];

/** A copy with one to about eight faults; `others` are inputs of the same kind to splice with. */
export function mutate(random: Random, bytes: Buffer, others: readonly Buffer[] = []): Buffer {
  let out: Buffer = Buffer.from(bytes);
  for (let left = 1 + random.size(8); left > 0; left--) {
    if (out.length === 0) out = random.bytes(1 + random.below(16));
    out = Buffer.from(random.pick(STEPS)(random, out, others));
  }
  return out;
}

/** The bytes in pieces that end anywhere. */
export function inPieces(random: Random, bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  const longest = random.pick([1, 3, 16, 200, 70_000]);
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + random.between(1, longest));
    pieces.push(Buffer.from(bytes.subarray(at, end)));
    at = end;
  }
  return pieces;
}

/** Lines of a text, with lines left out, said again (up to 20,000 times), exchanged, and changed inside. */
export function mutateLines(random: Random, text: string, others: readonly string[]): string {
  const lines = text.split('\r\n');
  for (let left = 1 + random.size(12); left > 0; left--) {
    const at = random.below(lines.length);
    const line = lines[at] ?? '';
    const strange = (): string => random.pick(random.pick(others).split('\r\n'));
    switch (random.below(8)) {
      case 0:
        lines.splice(at, 1 + random.size(4));
        break;
      case 1:
        lines.splice(at, 0, ...Array<string>(1 + random.size(4)).fill(line));
        break;
      case 2:
        lines.splice(at, 0, strange());
        break;
      case 3:
        lines[at] = strange();
        break;
      case 4:
        lines[at] = line.replace(/\d+/, () => String(random.pick([...EDGES, -1, 'x'])));
        break;
      case 5:
        lines[at] = mutate(random, Buffer.from(line, 'latin1')).toString('latin1');
        break;
      case 6: {
        const other = random.below(lines.length);
        [lines[at], lines[other]] = [lines[other] ?? '', line];
        break;
      }
      default:
        // Rarely, as it makes a megabyte: what costs more than its length shows then.
        if (random.chance(0.05)) lines.splice(at, 0, ...Array<string>(20_000).fill(line.slice(0, 40)));
    }
  }
  return lines.join(random.chance(0.1) ? '\n' : '\r\n');
}
