import { AlirtcError } from '../../common/errors.js';
import type { Direction, IpcLimits, MessageRow } from './direction.js';
import { DEFAULT_LIMITS } from './direction.js';
import type { Fields } from './fields.js';
import { writeFields } from './fields.js';

const LENGTH_BYTES = 4;

function refuse(row: MessageRow, text: string): AlirtcError {
  return new AlirtcError('invalid_argument', `${row.name}: ${text}`, { reason: 'IPC_BAD_MESSAGE' });
}

/** The unit that holds the message itself. Its JSON is copied once, into place behind its length. */
function messageUnit(direction: Direction, row: MessageRow, fields: Readonly<Fields>, payloadBytes: number): Buffer {
  const text = JSON.stringify(writeFields(row, fields, payloadBytes, direction.numberKey));
  const length = Buffer.byteLength(text);
  const unit = Buffer.allocUnsafe(LENGTH_BYTES + length);
  unit.writeUInt32BE(length, 0);
  unit.write(text, LENGTH_BYTES);
  return unit;
}

/** Views of the payload, each behind its length. The lengths share one small buffer; the payload is not copied. */
function payloadUnits(payload: Uint8Array, maxUnitBytes: number): Buffer[] {
  // A payload of no bytes is one empty unit: an end that reads a unit gets it, an end that does not ignores it as padding.
  const count = Math.max(1, Math.ceil(payload.byteLength / maxUnitBytes));
  const lengths = Buffer.allocUnsafe(count * LENGTH_BYTES);
  const units: Buffer[] = [];
  for (let index = 0; index < count; index++) {
    const start = index * maxUnitBytes;
    const length = Math.min(maxUnitBytes, payload.byteLength - start);
    lengths.writeUInt32BE(length, index * LENGTH_BYTES);
    units.push(lengths.subarray(index * LENGTH_BYTES, (index + 1) * LENGTH_BYTES));
    if (length > 0) units.push(Buffer.from(payload.buffer, payload.byteOffset + start, length));
  }
  return units;
}

/**
 * A message as the buffers to write one after the other (core-service-ipc.md, section 2). The payload's size key is filled in. The buffers
 * of the payload are views of it: the caller leaves it unchanged until they are written.
 */
export function encodeMessage(
  direction: Direction,
  name: string,
  fields: Readonly<Fields>,
  payload?: Uint8Array,
  limits: IpcLimits = DEFAULT_LIMITS,
): Buffer[] {
  const row = direction.byName.get(name);
  if (row === undefined) throw new AlirtcError('internal', `no IPC message ${name}`, { reason: 'IPC_BAD_MESSAGE' });
  const payloadBytes = payload?.byteLength ?? 0;
  if (payload !== undefined && row.spec.payload === undefined) throw refuse(row, 'has no payload');
  if (payloadBytes > limits.maxPayloadBytes)
    throw refuse(row, `a payload of ${payloadBytes} bytes is longer than ${limits.maxPayloadBytes}`);
  const head = messageUnit(direction, row, fields, payloadBytes);
  if (head.byteLength - LENGTH_BYTES > limits.maxMessageBytes)
    throw refuse(row, `${head.byteLength - LENGTH_BYTES} bytes of JSON are more than ${limits.maxMessageBytes}`);
  if (row.spec.payload === undefined) return [head];
  return [head, ...payloadUnits(payload ?? Buffer.alloc(0), direction.maxPayloadUnitBytes)];
}
