/** Seeded random numbers and made-up streams for the tests of rtp/. */
import { escapeNal, joinAnnexB } from '../../../rtp/h264_nal.js';
import { packetizeH264 } from '../../../rtp/h264.js';
import type { RtpPacket } from '../../../rtp/packet.js';
import { packetizeVp8 } from '../../../rtp/vp8.js';

/** mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function randomBytes(random: () => number, length: number): Buffer {
  const out = Buffer.alloc(length);
  for (let i = 0; i < length; i++) out[i] = Math.floor(random() * 256);
  return out;
}

/** Writes the bit strings that parameter sets are made of. */
export class BitWriter {
  private text = '';

  u(bits: number, value: number): this {
    this.text += value.toString(2).padStart(bits, '0');
    return this;
  }

  ue(value: number): this {
    const binary = (value + 1).toString(2);
    this.text += '0'.repeat(binary.length - 1) + binary;
    return this;
  }

  se(value: number): this {
    return this.ue(value > 0 ? 2 * value - 1 : -2 * value);
  }

  /** With rbsp_trailing_bits. */
  bytes(): Buffer {
    const bits = this.text + '1';
    const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, '0');
    return Buffer.from((padded.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
  }
}

/** A Baseline SPS; sides that are no multiples of 16 are cropped. */
export function makeSps(width: number, height: number, id = 0): Buffer {
  const mbWidth = Math.ceil(width / 16);
  const mbHeight = Math.ceil(height / 16);
  const writer = new BitWriter().u(8, 66).u(8, 0xc0).u(8, 31).ue(id).ue(0).ue(2).ue(1).u(1, 0);
  writer
    .ue(mbWidth - 1)
    .ue(mbHeight - 1)
    .u(1, 1)
    .u(1, 1);
  const isCropped = mbWidth * 16 !== width || mbHeight * 16 !== height;
  writer.u(1, isCropped ? 1 : 0);
  if (isCropped)
    writer
      .ue(0)
      .ue((mbWidth * 16 - width) / 2)
      .ue(0)
      .ue((mbHeight * 16 - height) / 2);
  writer.u(1, 0);
  return Buffer.concat([Buffer.of(0x67), escapeNal(writer.bytes())]);
}

export function makePps(id = 0, spsId = 0): Buffer {
  const bits = new BitWriter().ue(id).ue(spsId).u(1, 0).u(1, 0).ue(0).ue(0).ue(0).u(1, 0).u(2, 0).se(0).se(0).se(0);
  return Buffer.concat([Buffer.of(0x68), escapeNal(bits.u(1, 0).u(1, 0).u(1, 0).bytes())]);
}

/** A NAL unit of made-up content: first_mb_in_slice is 0, no start codes inside, no zero at the end. */
export function makeSlice(random: () => number, isIdr: boolean, bytes: number): Buffer {
  const content = randomBytes(random, bytes);
  content[0] = 0x80 | (content[0] ?? 0);
  content[bytes - 1] = 0x80;
  return Buffer.concat([Buffer.of(isIdr ? 0x65 : 0x41), escapeNal(content)]);
}

export interface MadeFrame {
  data: Buffer;
  keyFrame: boolean;
  /** 32 bits. */
  timestamp: number;
  packets: RtpPacket[];
}

export interface StreamOptions {
  seed: number;
  codec: 'h264' | 'vp8';
  frames: number;
  /** Every how many frames a key frame comes. */
  keyFrameEvery: number;
  firstSequence?: number;
  firstTimestamp?: number;
  ssrc?: number;
  maxFrameBytes?: number;
  /** Every how many frames a packet of padding only follows; 0: never. */
  paddingEvery?: number;
  /** False: no packet has a marker. */
  markers?: boolean;
  /** False: only the first key frame has parameter sets. */
  repeatParameterSets?: boolean;
}

function makeVp8Frame(random: () => number, isKey: boolean, bytes: number): Buffer {
  const body = randomBytes(random, bytes);
  if (!isKey) {
    body[0] = (body[0] ?? 0) | 0x01;
    return body;
  }
  body[0] = (body[0] ?? 0) & 0xfe;
  const head = Buffer.from([0x9d, 0x01, 0x2a, 0, 0, 0, 0]);
  head.writeUInt16LE(640, 3);
  head.writeUInt16LE(360, 5);
  return Buffer.concat([body.subarray(0, 3), head, body]);
}

function makeH264Frame(random: () => number, isKey: boolean, bytes: number, withSets: boolean): Buffer {
  const sets = isKey && withSets ? [makeSps(1280, 720), makePps()] : [];
  const half = Math.max(bytes >> 1, 4);
  // The second slice begins elsewhere in the picture: first_mb_in_slice is not 0.
  const second = makeSlice(random, isKey, half);
  second[1] = 0x40;
  return joinAnnexB([...sets, makeSlice(random, isKey, half), second]);
}

export function packet(fields: Partial<RtpPacket> & { sequence: number }): RtpPacket {
  return {
    marker: false,
    payloadType: 96,
    timestamp: 0,
    ssrc: 1,
    csrcs: [],
    extensions: new Map(),
    payload: Buffer.alloc(0),
    paddingBytes: 0,
    ...fields,
    sequence: fields.sequence & 0xffff,
  };
}

/** A stream of 30 frames a second with its packets in order. */
export function makeStream(options: StreamOptions): MadeFrame[] {
  const random = seededRandom(options.seed);
  const ssrc = options.ssrc ?? 1;
  let sequence = options.firstSequence ?? 0;
  const frames: MadeFrame[] = [];
  for (let i = 0; i < options.frames; i++) {
    const keyFrame = i % options.keyFrameEvery === 0;
    const bytes = 10 + Math.floor(random() * (options.maxFrameBytes ?? 6000) * (keyFrame ? 3 : 1));
    const withSets = i === 0 || options.repeatParameterSets !== false;
    const isH264 = options.codec === 'h264';
    const data = isH264 ? makeH264Frame(random, keyFrame, bytes, withSets) : makeVp8Frame(random, keyFrame, bytes);
    const payloads = isH264 ? packetizeH264(data, 1100) : packetizeVp8(data, 1100, { pictureId: i });
    const timestamp = ((options.firstTimestamp ?? 0) + 3000 * i) >>> 0;
    const packets = payloads.map((payload, k) =>
      packet({
        sequence: sequence++,
        timestamp,
        ssrc,
        payload,
        marker: options.markers !== false && k === payloads.length - 1,
      }),
    );
    const paddingEvery = options.paddingEvery ?? 0;
    if (paddingEvery > 0 && i % paddingEvery === 0) {
      packets.push(packet({ sequence: sequence++, timestamp, ssrc, paddingBytes: 200 }));
    }
    frames.push({ data, keyFrame, timestamp, packets });
  }
  return frames;
}
