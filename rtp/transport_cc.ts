/** Transport-wide congestion control feedback: draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1. */
import type { TransportCc } from './rtcp_types.js';

const HEAD_BYTES = 8;
const MAX_RUN = 0x1fff;
const SYMBOLS_PER_VECTOR = 7;
/** 0: not received, 1: small delta (one byte, unsigned), 2: large delta (two bytes, signed). */
type Symbol2 = 0 | 1 | 2;

function toSymbol(bits: number): Symbol2 {
  // 3 is reserved; it carries no delta.
  return bits === 1 || bits === 2 ? bits : 0;
}

function readChunk(chunk: number, left: number, symbols: Symbol2[]): void {
  if ((chunk & 0x8000) === 0) {
    const symbol = toSymbol((chunk >> 13) & 3);
    const run = Math.min(chunk & MAX_RUN, left);
    for (let i = 0; i < run; i++) symbols.push(symbol);
    return;
  }
  const isTwoBit = (chunk & 0x4000) !== 0;
  const count = Math.min(isTwoBit ? 7 : 14, left);
  for (let i = 0; i < count; i++) {
    symbols.push(isTwoBit ? toSymbol((chunk >> (12 - 2 * i)) & 3) : toSymbol((chunk >> (13 - i)) & 1));
  }
}

/** Undefined when the feedback ends before its list does. */
export function parseTransportCc(senderSsrc: number, mediaSsrc: number, fci: Buffer): TransportCc | undefined {
  if (fci.length < HEAD_BYTES) return undefined;
  const count = fci.readUInt16BE(2);
  const symbols: Symbol2[] = [];
  let at = HEAD_BYTES;
  while (symbols.length < count) {
    if (at + 2 > fci.length) return undefined;
    const before = symbols.length;
    readChunk(fci.readUInt16BE(at), count - symbols.length, symbols);
    if (symbols.length === before) return undefined;
    at += 2;
  }
  const deltas250Us: (number | undefined)[] = [];
  for (const symbol of symbols) {
    if (at + symbol > fci.length) return undefined;
    if (symbol === 0) deltas250Us.push(undefined);
    else deltas250Us.push(symbol === 1 ? fci.readUInt8(at) : fci.readInt16BE(at));
    at += symbol;
  }
  return {
    kind: 'transport_cc',
    senderSsrc,
    mediaSsrc,
    feedbackCount: fci.readUInt8(7),
    referenceTime64Ms: fci.readIntBE(4, 3),
    baseSequence: fci.readUInt16BE(0),
    deltas250Us,
  };
}

function symbolOf(delta: number | undefined): Symbol2 {
  if (delta === undefined) return 0;
  return delta >= 0 && delta <= 255 ? 1 : 2;
}

/** Runs of more than one vector's worth as run-length chunks, the rest as two-bit vectors. */
function chunksOf(symbols: readonly Symbol2[]): number[] {
  const chunks: number[] = [];
  let at = 0;
  while (at < symbols.length) {
    const symbol = symbols[at] ?? 0;
    let run = 1;
    while (at + run < symbols.length && symbols[at + run] === symbol && run < MAX_RUN) run += 1;
    if (run > SYMBOLS_PER_VECTOR) {
      chunks.push((symbol << 13) | run);
      at += run;
      continue;
    }
    let chunk = 0xc000;
    for (let i = 0; i < SYMBOLS_PER_VECTOR; i++) chunk |= (symbols[at + i] ?? 0) << (12 - 2 * i);
    chunks.push(chunk);
    at += SYMBOLS_PER_VECTOR;
  }
  return chunks;
}

/** The feedback behind the two SSRCs. Deltas beyond 16 bits are clipped. Throws RangeError over 65535 packets. */
export function serializeTransportCc(message: TransportCc): Buffer {
  const { deltas250Us } = message;
  if (deltas250Us.length > 0xffff) throw new RangeError('transport feedback holds at most 65535 packets');
  const symbols = deltas250Us.map(symbolOf);
  const chunks = chunksOf(symbols);
  const deltaBytes = symbols.reduce<number>((sum, symbol) => sum + symbol, 0);
  const out = Buffer.alloc(HEAD_BYTES + 2 * chunks.length + deltaBytes);
  out.writeUInt16BE(message.baseSequence & 0xffff, 0);
  out.writeUInt16BE(deltas250Us.length, 2);
  out.writeIntBE(message.referenceTime64Ms, 4, 3);
  out.writeUInt8(message.feedbackCount & 0xff, 7);
  let at = HEAD_BYTES;
  for (const chunk of chunks) at = out.writeUInt16BE(chunk, at);
  for (const delta of deltas250Us) {
    if (delta === undefined) continue;
    if (symbolOf(delta) === 1) at = out.writeUInt8(delta, at);
    else at = out.writeInt16BE(Math.min(Math.max(delta, -32_768), 32_767), at);
  }
  return out;
}
