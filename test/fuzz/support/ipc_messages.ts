import type { CallbackName } from '../../../coreservice/ipc/callbacks.js';
import type { CommandName } from '../../../coreservice/ipc/commands.js';
import type { Direction, MessageRow } from '../../../coreservice/ipc/direction.js';
import { encodeMessage } from '../../../coreservice/ipc/encoder.js';
import type { Kind } from '../../../coreservice/ipc/schema.js';
import { EDGES } from './mutate.js';
import { oddJson } from './odd_json.js';
import type { Random } from './random.js';

export interface MadeMessage {
  row: MessageRow;
  fields: Record<string, unknown>;
  payload: Buffer | undefined;
}

const USERS = ['anna', 'bob', 'me', '', 'ü-ñ', 'x'.repeat(300)];
const SMALL = [0, 0, 1, 1, 2, 3, 4, 5, 10, 100];

/** A larger one would not come back as it was written. */
function whole(random: Random, most: number): number {
  const edge = random.chance(0.7) ? random.pick(SMALL) : random.pick(EDGES) * random.pick([1, -1]);
  return Math.abs(edge) <= most ? edge + 0 : 7;
}

function value(random: Random, kind: Kind): unknown {
  switch (kind) {
    case 'int':
      return whole(random, 2 ** 31 - 1);
    case 'long':
      return whole(random, Number.MAX_SAFE_INTEGER);
    case 'num':
      return random.pick([...SMALL, 0.25, -1e9, 1e18]);
    case 'str':
      return random.chance(0.8) ? random.pick(USERS) : random.bytes(random.size(500)).toString('latin1');
    case 'bool':
    case 'flag':
      return random.chance(0.5);
    case 'json':
      return JSON.parse(
        random.pick(['{}', '[]', '[[1,-1],[2,3]]', '{"width":640,"height":480}', '"text"', '7']),
      ) as unknown;
  }
}

/** A message that the encoder takes: any row of the direction, with values of the right types. */
export function makeMessage(
  random: Random,
  direction: Direction,
  most: number,
  name?: CallbackName | CommandName,
): MadeMessage {
  const row = direction.byName.get(name ?? random.pick([...direction.byName.keys()]));
  if (row === undefined) throw new Error(`no message ${name}`);
  const keys = Object.entries(row.spec.keys).filter(([key]) => key !== row.spec.payload);
  const fields: Record<string, unknown> = Object.fromEntries(keys.map(([key, kind]) => [key, value(random, kind)]));
  if (random.chance(0.3)) fields['alirtcd'] = extension(random);
  return { row, fields, payload: row.spec.payload === undefined ? undefined : random.bytes(random.size(most)) };
}

/** What ours say beyond the vendor's protocol: facts of frames, of outcomes and of demand, right and wrong. */
function extension(random: Random): Record<string, unknown> {
  const wrong = (): unknown => random.pick<unknown>([-1, 1e300, null, 'x', {}, [], true, 2 ** 53]);
  const facts: Record<string, unknown> = {
    sequence: random.below(1000),
    captureTimeUs: 1_700_000_000_000_000,
    keyFrame: random.chance(0.5),
    codec: random.pick(['h264', 'vp8']),
    ring: { path: '/dev/shm/none', offset: 0, length: 10, generation: 1 },
    reason: 'REASON',
    text: 'text',
    number: 1,
    url: 'ws://127.0.0.1:1',
    token: 'a.b.c',
    audioConsumedMs: 20,
    cameraConsumed: 1,
    screenConsumed: 1,
  };
  const chosen = Object.entries(facts).filter(() => random.chance(0.4));
  return Object.fromEntries(chosen.map(([key, fact]) => [key, random.chance(0.3) ? wrong() : fact]));
}

export function bytesOf(direction: Direction, { row, fields, payload }: MadeMessage): Buffer {
  return Buffer.concat(encodeMessage(direction, row.name, fields, payload));
}

export function unitOf(body: Buffer | string): Buffer {
  const bytes = Buffer.from(body);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(bytes.length);
  return Buffer.concat([head, bytes]);
}

/** A message of the direction whose JSON has odd values in some of its keys, and its payload as it may then be. */
export function oddMessage(random: Random, direction: Direction, name?: CallbackName | CommandName): Buffer {
  const { row, fields, payload } = makeMessage(random, direction, 300, name);
  const keys: Record<string, string> = { [direction.numberKey]: String(row.spec.number) };
  for (const [key, one] of Object.entries(fields)) keys[key] = JSON.stringify(one);
  if (row.spec.payload !== undefined) keys[row.spec.payload] = String(payload?.length ?? 0);
  for (let left = 1 + random.size(4); left > 0; left--) {
    const key = random.pick([...Object.keys(keys), 'alirtcd', 'unheard_of']);
    if (random.chance(0.15)) Reflect.deleteProperty(keys, key);
    else if (key !== direction.numberKey || random.chance(0.2)) keys[key] = oddJson(random);
  }
  const text = `{${Object.entries(keys)
    .map(([key, json]) => `${JSON.stringify(key)}:${json}`)
    .join(',')}}`;
  return Buffer.concat([unitOf(text), ...(payload === undefined ? [] : [unitOf(payload)])]);
}
