import { parseRtp, serializeRtp } from '../../../rtp/packet.js';
import { corpus } from './corpus.js';
import { EDGES, mutate } from './mutate.js';
import type { Random } from './random.js';

export interface OddPacket {
  bytes: Buffer;
  isRtcp: boolean;
}

/** SSRC in the head of an RTCP message and, where it is feedback, of the media that it is about. */
function aimed(random: Random, bytes: Buffer, ssrcs: readonly number[]): Buffer {
  const out = Buffer.from(bytes);
  if (out.length >= 8) out.writeUInt32BE(random.pick(ssrcs) >>> 0, 4);
  if (out.length >= 12 && random.chance(0.7)) out.writeUInt32BE(random.pick(ssrcs) >>> 0, 8);
  return out;
}

/** A broken packet of one of these streams; `sequence` goes up from call to call, mostly. */
export function oddPacket(
  random: Random,
  streams: readonly { ssrc: number; payloadType: number }[],
  sequence: number,
): OddPacket {
  const ssrcs = [...streams.map(({ ssrc }) => ssrc), 0, 2 ** 32 - 1, random.below(2 ** 32)];
  if (random.chance(0.3)) {
    const real = corpus('rtcp');
    const bytes = aimed(random, random.pick(real), ssrcs);
    return { bytes: random.chance(0.3) ? bytes : mutate(random, bytes, real), isRtcp: true };
  }
  const packet = parseRtp(random.pick(corpus('rtp')));
  const { ssrc, payloadType } = random.pick(streams);
  const payload = packet?.payload ?? Buffer.alloc(0);
  const fields = {
    marker: random.chance(0.3),
    payloadType: random.chance(0.9) ? payloadType : random.below(128),
    sequence: (sequence + (random.chance(0.95) ? 0 : random.pick(EDGES))) & 0xffff,
    timestamp: (random.chance(0.9) ? sequence * 3000 : random.below(2 ** 32)) >>> 0,
    ssrc: random.chance(0.95) ? ssrc : random.pick(ssrcs),
    payload: random.chance(0.4) ? payload : mutate(random, payload),
    extensions: random.chance(0.7)
      ? new Map<number, Buffer>()
      : new Map([[1 + random.below(14), random.bytes(1 + random.below(16))]]),
    paddingBytes: random.chance(0.05) ? 1 + random.below(255) : 0,
  };
  const bytes = serializeRtp(fields).subarray(0, 1400);
  return { bytes: random.chance(0.15) ? mutate(random, bytes) : bytes, isRtcp: false };
}
