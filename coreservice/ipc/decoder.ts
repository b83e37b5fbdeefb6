import type { Direction, IpcLimits, MessageRow } from './direction.js';
import { DEFAULT_LIMITS } from './direction.js';
import type { Fields } from './fields.js';
import { readFields } from './fields.js';
import { protocolError } from './protocol_error.js';

export interface DecodedMessage {
  name: string;
  fields: Fields;
  /** Undefined for a message that has none; empty for one whose size is 0. Owned by who gets it. */
  payload: Buffer | undefined;
}

const NO_BYTES = Buffer.alloc(0);
const LENGTH_BYTES = 4;
/** How much of a unit that is not JSON an error shows: enough to tell another protocol, too little for a token. */
const SHOWN_BYTES = 16;

/** A message whose payload is still coming. */
interface Pending {
  row: MessageRow;
  fields: Fields;
  payload: Buffer;
  have: number;
}

function isAllZero(unit: Buffer): boolean {
  // A message begins with "{" or white space: the first byte decides in all but the odd case.
  return unit[0] === 0 && unit.every((byte) => byte === 0);
}

/**
 * Messages out of the bytes of one direction of the socket. Feed a chunk, then take messages until there is none.
 *
 * Copies of a payload: the kernel copies it into the socket's chunk, and one copy goes from the chunk straight to its place in the payload's
 * buffer, which is allocated once its size is known. Nothing is joined later. JSON that lies in one chunk is parsed in place; only JSON cut by
 * a chunk's end is put together first.
 *
 * next() and end() throw an AlirtcError that names message, key and value when the protocol is broken; the decoder is useless after that.
 */
export class MessageDecoder {
  readonly #direction: Direction;
  readonly #limits: IpcLimits;
  readonly #onUnknown: (number: number) => void;
  #chunk: Buffer = NO_BYTES;
  #offset = 0;
  readonly #length = Buffer.alloc(LENGTH_BYTES);
  #lengthHave = 0;
  /** Bytes still to come of the unit being read; undefined between units. */
  #unitLeft: number | undefined;
  /** JSON that a chunk's end cut. */
  #json: Buffer | undefined;
  #pending: Pending | undefined;

  /** onUnknown is told of every message whose number is in no row; it has been passed over. */
  constructor(
    direction: Direction,
    limits: IpcLimits = DEFAULT_LIMITS,
    onUnknown: (number: number) => void = () => {},
  ) {
    this.#direction = direction;
    this.#limits = limits;
    this.#onUnknown = onUnknown;
  }

  /** Call it when next() has answered undefined to the chunk before. The chunk may be used again after that. */
  feed(chunk: Buffer): void {
    if (this.#offset < this.#chunk.byteLength) throw new Error('MessageDecoder: the chunk before is not used up');
    this.#chunk = chunk;
    this.#offset = 0;
  }

  /** The next complete message of what was fed, or undefined when more is needed. */
  next(): DecodedMessage | undefined {
    while (this.#offset < this.#chunk.byteLength) {
      if (this.#unitLeft === undefined) {
        this.#readLength();
        continue;
      }
      const message = this.#pending === undefined ? this.#readJson(this.#unitLeft) : this.#readPayload(this.#pending);
      if (message !== undefined) return message;
    }
    this.#chunk = NO_BYTES;
    this.#offset = 0;
    return undefined;
  }

  /** The stream has ended: throws unless it ended between messages. */
  end(): void {
    const pending = this.#pending;
    if (pending !== undefined)
      throw protocolError(
        { message: pending.row.name },
        `the connection ended after ${pending.have} of ${pending.payload.byteLength} bytes of payload`,
      );
    if (this.#lengthHave > 0 || this.#unitLeft !== undefined)
      throw protocolError({ message: 'a message' }, 'the connection ended in the middle of it');
  }

  #readLength(): void {
    const take = Math.min(LENGTH_BYTES - this.#lengthHave, this.#chunk.byteLength - this.#offset);
    this.#chunk.copy(this.#length, this.#lengthHave, this.#offset, this.#offset + take);
    this.#offset += take;
    this.#lengthHave += take;
    if (this.#lengthHave < LENGTH_BYTES) return;
    this.#lengthHave = 0;
    const length = this.#length.readUInt32BE(0);
    // A unit of no bytes carries nothing, so it may come anywhere.
    if (length === 0) return;
    if (this.#pending === undefined) this.#checkMessageUnit(length);
    else this.#checkPayloadUnit(this.#pending, length);
    this.#unitLeft = length;
  }

  #checkMessageUnit(length: number): void {
    const { maxMessageBytes } = this.#limits;
    if (length > maxMessageBytes)
      throw protocolError(
        { message: 'a message', value: String(length) },
        `a unit of ${length} bytes was announced, at most ${maxMessageBytes} are taken`,
      );
  }

  #checkPayloadUnit({ row, payload, have }: Pending, length: number): void {
    const left = payload.byteLength - have;
    const most = Math.min(left, this.#direction.maxPayloadUnitBytes);
    if (length <= most && (row.splitPayload || length === left)) return;
    const rule = row.splitPayload ? `at most ${most}` : `one unit of ${left}`;
    throw protocolError(
      { message: row.name, value: String(length) },
      `a unit of ${length} bytes was announced for the payload, it must be ${rule}`,
    );
  }

  #readJson(unitLeft: number): DecodedMessage | undefined {
    const take = Math.min(unitLeft, this.#chunk.byteLength - this.#offset);
    const part = this.#chunk.subarray(this.#offset, this.#offset + take);
    this.#offset += take;
    if (this.#json === undefined && take === unitLeft) {
      this.#unitLeft = undefined;
      return this.#message(part);
    }
    this.#json ??= Buffer.allocUnsafe(unitLeft);
    part.copy(this.#json, this.#json.byteLength - unitLeft);
    this.#unitLeft = unitLeft - take;
    if (this.#unitLeft > 0) return undefined;
    const unit = this.#json;
    this.#json = undefined;
    this.#unitLeft = undefined;
    return this.#message(unit);
  }

  #readPayload(pending: Pending): DecodedMessage | undefined {
    const unitLeft = this.#unitLeft ?? 0;
    const take = Math.min(unitLeft, this.#chunk.byteLength - this.#offset);
    this.#chunk.copy(pending.payload, pending.have, this.#offset, this.#offset + take);
    this.#offset += take;
    pending.have += take;
    this.#unitLeft = take === unitLeft ? undefined : unitLeft - take;
    if (pending.have < pending.payload.byteLength) return undefined;
    this.#pending = undefined;
    return { name: pending.row.name, fields: pending.fields, payload: pending.payload };
  }

  /** A whole unit between messages: undefined when it is padding, unknown, or has its payload still to come. */
  #message(unit: Buffer): DecodedMessage | undefined {
    if (isAllZero(unit)) return undefined;
    const json = this.#parse(unit);
    const number = json[this.#direction.numberKey];
    if (typeof number !== 'number' || !Number.isSafeInteger(number)) {
      const value = number === undefined ? 'missing' : typeof number;
      throw protocolError(
        { message: 'a message', key: this.#direction.numberKey, value },
        `is ${value}, must be a whole number`,
      );
    }
    const row = this.#direction.byNumber.get(number);
    if (row === undefined) {
      this.#onUnknown(number);
      return undefined;
    }
    const { fields, payloadBytes } = readFields(row, json);
    if (row.spec.payload === undefined) return { name: row.name, fields, payload: undefined };
    if (payloadBytes === 0) return { name: row.name, fields, payload: Buffer.alloc(0) };
    this.#expectPayload(row, fields, payloadBytes);
    return undefined;
  }

  #expectPayload(row: MessageRow, fields: Fields, payloadBytes: number): void {
    const { maxPayloadBytes } = this.#limits;
    if (payloadBytes > maxPayloadBytes)
      throw protocolError(
        { message: row.name, key: row.spec.payload ?? '', value: String(payloadBytes) },
        `is ${payloadBytes}, at most ${maxPayloadBytes} bytes of payload are taken`,
      );
    this.#pending = { row, fields, payload: Buffer.allocUnsafe(payloadBytes), have: 0 };
  }

  #parse(unit: Buffer): Fields {
    let json: unknown;
    try {
      json = JSON.parse(unit.toString('utf8'));
    } catch {
      const value = JSON.stringify(unit.toString('latin1', 0, SHOWN_BYTES));
      throw protocolError(
        { message: 'a message', value },
        `a unit of ${unit.byteLength} bytes that begins with ${value} is not JSON`,
      );
    }
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Fields;
    throw protocolError({ message: 'a message', value: typeof json }, 'its JSON is not an object');
  }
}
