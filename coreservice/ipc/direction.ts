import { CALLBACKS, SPLIT_PAYLOAD_CALLBACKS } from './callbacks.js';
import { COMMANDS } from './commands.js';
import type { Kind, MessageSpec } from './schema.js';

/** One row of a table, as the encoder and the decoder use it. */
export interface MessageRow {
  name: string;
  spec: MessageSpec;
  /** Of the spec, in its order. */
  keys: readonly (readonly [key: string, kind: Kind])[];
  /** False: the payload is exactly one unit. */
  splitPayload: boolean;
}

/** What differs between the two directions of the socket (core-service-ipc.md, section 2). */
export interface Direction {
  /** The JSON key that holds the message's number. */
  numberKey: 'Command' | 'Request';
  byName: ReadonlyMap<string, MessageRow>;
  byNumber: ReadonlyMap<number, MessageRow>;
  /** The longest unit that may hold a part of a payload, in bytes. */
  maxPayloadUnitBytes: number;
}

/** What a receiver takes. Lengths are checked against these before anything is buffered. */
export interface IpcLimits {
  /** The longest unit that may hold JSON. */
  maxMessageBytes: number;
  /** The longest payload of one message, and so the longest unit. */
  maxPayloadBytes: number;
}

/** 64 MiB hold the largest picture of the interface (3840x2160 BGRA, 33,177,600 bytes) with padded strides. */
export const DEFAULT_LIMITS: Readonly<IpcLimits> = { maxMessageBytes: 1 << 20, maxPayloadBytes: 64 << 20 };

function direction(
  numberKey: Direction['numberKey'],
  table: Readonly<Record<string, MessageSpec>>,
  isSplit: (name: string) => boolean,
  maxPayloadUnitBytes: number,
): Direction {
  const rows = Object.entries(table).map(([name, spec]) => ({
    name,
    spec,
    keys: Object.entries(spec.keys),
    splitPayload: isSplit(name),
  }));
  return {
    numberKey,
    byName: new Map(rows.map((row) => [row.name, row])),
    byNumber: new Map(rows.map((row) => [row.spec.number, row])),
    maxPayloadUnitBytes,
  };
}

export const HOST_TO_CORE: Direction = direction('Command', COMMANDS, () => true, 65_536);
export const CORE_TO_HOST: Direction = direction(
  'Request',
  CALLBACKS,
  (name) => SPLIT_PAYLOAD_CALLBACKS.has(name),
  0xffff_ffff,
);
