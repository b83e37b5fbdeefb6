import assert from 'node:assert/strict';
import { AlirtcError } from '../../../common/errors.js';
import type { Callback } from '../../../coreservice/ipc/callbacks.js';
import { MessageDecoder, type DecodedMessage } from '../../../coreservice/ipc/decoder.js';
import { CORE_TO_HOST, HOST_TO_CORE, type Direction } from '../../../coreservice/ipc/direction.js';
import type { Command } from '../../../coreservice/ipc/commands.js';
import { corpus } from '../support/corpus.js';
import { bytesOf, makeMessage, oddMessage, unitOf } from '../support/ipc_messages.js';
import { inPieces, mutate } from '../support/mutate.js';
import type { Property } from '../support/property.js';
import type { Random } from '../support/random.js';
import { engineTakes } from './engine_takes.js';
import { sessionTakes } from './session_takes.js';

const LIMITS = { maxMessageBytes: 4096, maxPayloadBytes: 8192 };

interface Outcome {
  messages: DecodedMessage[];
  /** How it ended; undefined: between two messages. */
  error: string | undefined;
}

/** Everything that the decoder makes of the chunks. Throws when it ends otherwise than it says. */
export function decode(direction: Direction, chunks: readonly Buffer[], limits = LIMITS): Outcome {
  const decoder = new MessageDecoder(direction, limits);
  const messages: DecodedMessage[] = [];
  try {
    for (const chunk of chunks) {
      // As a socket's: the bytes are used again when they have been taken.
      const own = Buffer.from(chunk);
      decoder.feed(own);
      for (let message = decoder.next(); message !== undefined; message = decoder.next()) messages.push(message);
      own.fill(0xee);
    }
    decoder.end();
    return { messages, error: undefined };
  } catch (error) {
    if (error instanceof AlirtcError && error.reason === 'IPC_PROTOCOL_ERROR')
      return { messages, error: error.message };
    throw error;
  }
}

/** The largest buffer that was asked for meanwhile, in bytes. */
function largestBuffer(run: () => void): number {
  const names = ['alloc', 'allocUnsafe'] as const;
  const originals = names.map((name) => Reflect.get(Buffer, name) as (size: number) => Buffer);
  let most = 0;
  names.forEach((name, index) =>
    Reflect.set(Buffer, name, (size: number): Buffer => {
      most = Math.max(most, size);
      return originals[index]?.call(Buffer, size) ?? assert.fail('no such function');
    }),
  );
  try {
    run();
  } finally {
    names.forEach((name, index) => Reflect.set(Buffer, name, originals[index]));
  }
  return most;
}

function directionOf(random: Random): Direction {
  return random.pick([HOST_TO_CORE, CORE_TO_HOST]);
}

function broken(random: Random, direction: Direction): Buffer {
  const real = corpus(direction === HOST_TO_CORE ? 'ipc_commands' : 'ipc_callbacks');
  const made = (): Buffer => {
    const kind = random.below(4);
    if (kind === 0) return oddMessage(random, direction);
    if (kind === 1) return random.pick(real);
    return bytesOf(direction, makeMessage(random, direction, 3000));
  };
  const parts = Array.from({ length: 1 + random.below(4) }, made);
  const at = random.below(parts.length);
  if (random.chance(0.8)) parts[at] = mutate(random, parts[at] ?? Buffer.alloc(0), real);
  if (random.chance(0.1)) parts.push(unitOf(random.bytes(random.below(40))));
  return Buffer.concat(parts);
}

/** One message of a host or core whose frames are whole, but whose values are not. */
function oddMessages(random: Random, direction: Direction): DecodedMessage[] {
  const bytes = Array.from({ length: 1 + random.below(30) }, () =>
    random.chance(0.6) ? bytesOf(direction, makeMessage(random, direction, 3000)) : oddMessage(random, direction),
  );
  return bytes.flatMap(
    (each) => decode(direction, [each], { maxMessageBytes: 1 << 20, maxPayloadBytes: 1 << 20 }).messages,
  );
}

export const IPC_PROPERTIES: readonly Property[] = [
  {
    name: 'what_is_encoded_is_decoded',
    run: (random) => {
      const direction = directionOf(random);
      const made = Array.from({ length: 1 + random.below(5) }, () => makeMessage(random, direction, 200_000));
      const bytes = Buffer.concat(made.map((message) => bytesOf(direction, message)));
      const { messages, error } = decode(direction, inPieces(random, bytes), {
        maxMessageBytes: 1 << 20,
        maxPayloadBytes: 1 << 20,
      });
      assert.equal(error, undefined);
      assert.deepEqual(
        messages,
        made.map(({ row, fields, payload }) => ({ name: row.name, fields, payload })),
      );
    },
  },
  {
    name: 'pieces_change_nothing_and_memory_is_bounded',
    run: (random) => {
      const direction = directionOf(random);
      const bytes = broken(random, direction);
      const pieces = inPieces(random, bytes);
      let cut: Outcome | undefined;
      const most = largestBuffer(() => (cut = decode(direction, pieces)));
      assert.deepEqual(cut, decode(direction, [bytes]));
      assert.ok(most <= Math.max(LIMITS.maxMessageBytes, LIMITS.maxPayloadBytes), `asked for ${most} bytes`);
    },
  },
  {
    name: 'odd_values_are_decoded_to_their_types_or_refused',
    run: (random) => {
      const direction = directionOf(random);
      const limits = { maxMessageBytes: 1 << 20, maxPayloadBytes: 1 << 20 };
      for (const { name, fields } of decode(direction, [oddMessage(random, direction)], limits).messages)
        for (const [key, kind] of Object.entries(direction.byName.get(name)?.spec.keys ?? {})) {
          const value = fields[key];
          if (value === undefined) continue;
          if (kind === 'int' || kind === 'long') assert.ok(Number.isSafeInteger(value), `${name} ${key}`);
          if (kind === 'num') assert.ok(Number.isFinite(value), `${name} ${key}`);
          if (kind === 'str') assert.equal(typeof value, 'string');
          if (kind === 'bool' || kind === 'flag') assert.equal(typeof value, 'boolean');
        }
    },
  },
  {
    name: 'the_engine_takes_every_command',
    run: (random) => engineTakes(random, oddMessages(random, HOST_TO_CORE) as Command[]),
  },
  {
    name: 'the_session_takes_every_callback',
    run: (random) => sessionTakes(random, oddMessages(random, CORE_TO_HOST) as Callback[]),
  },
];
