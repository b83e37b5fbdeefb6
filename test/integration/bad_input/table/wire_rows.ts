import { status } from '@grpc/grpc-js';
import type { Method } from './contract.js';
import type { Outcome } from './raw_call.js';
import { forEngine, messagesOf } from './value_rows.js';
import type { MethodRecord } from './method_records.js';
import { UNKNOWN_ENGINE } from './scene.js';

export interface WireRow {
  title: string;
  bytes: Buffer;
  /** True: no reader takes these bytes for a message of any method. */
  malformed: boolean;
}

const RANDOM_ROWS = 24;
const MOST_CUTS = 24;
const MEGABYTE = 1024 * 1024;

/** protobuf.dev/programming-guides/encoding: a tag is field number times 8 plus wire type. */
const NEVER_A_MESSAGE: readonly [string, Buffer][] = [
  ['a length beyond the end', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f])],
  ['a number without an end', Buffer.alloc(32, 0xff)],
  ['a wire type that does not exist', Buffer.from([0x0f, 0x01])],
  ['a group that is not closed', Buffer.from([0xa3, 0x06])],
  ['10,000 groups in one another', Buffer.alloc(20_000, Buffer.from([0xa3, 0x06]))],
];

/** Bytes that are no message, that are cut off, and that are random: the same ones in every run. */
export function wireRows(method: Method, record: MethodRecord): WireRow[] {
  const [whole = Buffer.alloc(0)] = messagesOf(method, forEngine(method, record.request, UNKNOWN_ENGINE), true);
  const step = Math.max(1, Math.ceil(whole.length / MOST_CUTS));
  const cuts = Array.from({ length: Math.ceil(whole.length / step) }, (_, at) => at * step);
  return [
    ...NEVER_A_MESSAGE.map(([title, bytes]) => ({ title, bytes, malformed: true })),
    ...cuts.map((end) => ({ title: `cut off after ${end} bytes`, bytes: whole.subarray(0, end), malformed: false })),
    ...randomRows(method.name),
    { title: 'field number 0', bytes: Buffer.from([0x00, 0x00]), malformed: false },
    // Field 1000 of length 1 MB: what no field is known for is passed over.
    {
      title: 'a megabyte in an unknown field',
      bytes: Buffer.concat([whole, Buffer.from([0xc2, 0x3e, 0x80, 0x80, 0x40]), Buffer.alloc(MEGABYTE, 0xff)]),
      malformed: false,
    },
  ];
}

/** Says what is wrong with the answer to bytes that may be anything; undefined when it is a status that says why. */
export function whatIsWrongOnTheWire({ code, message, info }: Outcome, malformed: boolean): string | undefined {
  const seen = `${status[code]} ${info?.reason ?? 'without ErrorInfo'}: ${message.slice(0, 200)}`;
  if (malformed && (code !== status.INVALID_ARGUMENT || info?.reason !== 'MALFORMED_REQUEST')) return seen;
  if (code === status.OK) return undefined;
  const named =
    info?.domain === 'alirtc' && info.metadata['field'] !== undefined && info.metadata['value'] !== undefined;
  if (!named || (info.metadata['remedy'] ?? '') === '') return seen;
  const allowed = [status.INVALID_ARGUMENT, status.NOT_FOUND, status.OUT_OF_RANGE, status.UNAUTHENTICATED];
  return allowed.includes(code) ? undefined : seen;
}

function randomRows(name: string): WireRow[] {
  let seed = [...name].reduce((sum, character) => Math.imul(sum, 31) + character.charCodeAt(0), 7);
  // Marsaglia's xorshift32: any bytes do, but the same ones each time.
  const next = (): number => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return seed >>> 0;
  };
  return Array.from({ length: RANDOM_ROWS }, (_, at) => ({
    title: `random bytes ${at}`,
    bytes: Buffer.from(Array.from({ length: 1 + (next() % 64) }, () => next() & 0xff)),
    malformed: false,
  }));
}
