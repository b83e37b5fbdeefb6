import type { Direction, MessageRow } from '../../../coreservice/ipc/direction.js';
import { MessageDecoder } from '../../../coreservice/ipc/decoder.js';
import type { DecodedMessage } from '../../../coreservice/ipc/decoder.js';
import type { Kind } from '../../../coreservice/ipc/schema.js';

/** A value of the kind that is not its empty one, and differs from key to key. */
function sample(kind: Kind, index: number): unknown {
  switch (kind) {
    case 'int':
      return 2_000_000_000 + index;
    case 'long':
      return 1_700_000_000_000 + index;
    case 'num':
      return index + 0.5;
    case 'str':
      return `väl-${index}`;
    case 'bool':
    case 'flag':
      return true;
    case 'json':
      return { list: [[index, -1]], text: 'é' };
  }
}

/** Fields for a row, with every key set. */
export function sampleFields(row: MessageRow): Record<string, unknown> {
  const keys = Object.entries(row.spec.keys).filter(([key]) => key !== row.spec.payload);
  return {
    ...Object.fromEntries(keys.map(([key, kind], index) => [key, sample(kind, index + 1)])),
    alirtcd: { sequence: 3 },
  };
}

/** Bytes that differ from their neighbours; the first ones are zero, so that a payload could be mistaken for padding. */
export function samplePayload(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, index) => (index < 4 ? 0 : (index * 31) % 251)));
}

export function unit(body: string | Buffer): Buffer {
  const bytes = Buffer.from(body);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(bytes.length);
  return Buffer.concat([head, bytes]);
}

/** All messages of the chunks, the end of the stream included. */
export function decodeAll(
  direction: Direction,
  chunks: Iterable<Buffer>,
  decoder = new MessageDecoder(direction),
): DecodedMessage[] {
  const messages: DecodedMessage[] = [];
  for (const chunk of chunks) {
    decoder.feed(chunk);
    for (let message = decoder.next(); message !== undefined; message = decoder.next()) messages.push(message);
  }
  decoder.end();
  return messages;
}

/** A generator of numbers from 0 to 1 that is the same each time (xorshift32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
