import assert from 'node:assert/strict';
import { parseRtcp, serializeRtcp } from '../../../rtp/rtcp.js';
import type { ReportBlock, RtcpMessage } from '../../../rtp/rtcp.js';
import { randomBytes, seededRandom } from './helpers.js';

const BLOCK: ReportBlock = {
  ssrc: 0xffffffff,
  fractionLost: 25 / 256,
  cumulativeLost: -3,
  highestSequence: 0x1ffff,
  jitter: 77,
  lastSenderReport: 0x80000001,
  delaySinceLastSenderReport: 65_536,
};

const MESSAGES: RtcpMessage[] = [
  {
    kind: 'sender_report',
    ssrc: 1,
    ntp: { seconds: 0xee000000, fraction: 0x80000000 },
    rtpTimestamp: 0xfffffff0,
    packetCount: 3,
    octetCount: 4,
    reports: [BLOCK],
  },
  { kind: 'receiver_report', ssrc: 1, reports: [BLOCK, { ...BLOCK, ssrc: 5, cumulativeLost: 0x7fffff }] },
  { kind: 'receiver_report', ssrc: 1, reports: [] },
  { kind: 'sdes', chunks: [{ ssrc: 9, items: [{ type: 1, text: 'cname-ü' }] }] },
  {
    kind: 'sdes',
    chunks: [4, 5, 6, 7].map((n) => ({
      ssrc: n,
      items: [
        { type: 1, text: 'x'.repeat(n) },
        { type: 2, text: '' },
      ],
    })),
  },
  { kind: 'bye', ssrcs: [1, 2] },
  { kind: 'bye', ssrcs: [1], reason: 'gone' },
  { kind: 'nack', senderSsrc: 1, mediaSsrc: 2, sequences: [65_530, 65_535, 0, 10, 11, 27, 28, 400] },
  { kind: 'pli', senderSsrc: 1, mediaSsrc: 0xfffffffe },
  {
    kind: 'fir',
    senderSsrc: 1,
    mediaSsrc: 0,
    entries: [
      { ssrc: 2, sequence: 255 },
      { ssrc: 3, sequence: 0 },
    ],
  },
  { kind: 'remb', senderSsrc: 1, bitrateBps: 0x3ffff * 4, ssrcs: [5, 6] },
  { kind: 'remb', senderSsrc: 1, bitrateBps: 0, ssrcs: [] },
  {
    kind: 'transport_cc',
    senderSsrc: 1,
    mediaSsrc: 2,
    feedbackCount: 255,
    referenceTime64Ms: -5,
    baseSequence: 65_530,
    deltas250Us: [
      0,
      255,
      256,
      -1,
      undefined,
      32_767,
      -32_768,
      ...Array<number>(30).fill(4),
      ...Array<undefined>(20).fill(undefined),
      9,
    ],
  },
  { kind: 'other', packetType: 204, count: 3, body: Buffer.from('abcdefgh') },
];

describe('RTCP', () => {
  it('messages come back as they were written, alone and in one compound', () => {
    for (const message of MESSAGES) assert.deepEqual(parseRtcp(serializeRtcp([message])), [message]);
    const compound = serializeRtcp(MESSAGES);
    assert.equal(compound.length % 4, 0);
    assert.deepEqual(parseRtcp(compound), MESSAGES);
  });

  it('NACKs pack up to 17 numbers into one entry', () => {
    const sequences = Array.from({ length: 17 }, (_, i) => (65_530 + i) & 0xffff);
    assert.equal(serializeRtcp([{ kind: 'nack', senderSsrc: 1, mediaSsrc: 2, sequences }]).length, 16);
  });

  it('transport feedback is read with one-bit vectors and run lengths, as other senders write it', () => {
    const head = '8fcd0006' + '00000001' + '00000002' + '0005' + '0008' + '00000a' + '07';
    // One-bit vector: 10110000000000; then a run of 0: none needed. Three small deltas.
    const hex = head + 'ac00' + '010203' + '000000';
    const [message] = parseRtcp(Buffer.from(hex, 'hex'));
    assert.equal(message?.kind, 'transport_cc');
    assert.deepEqual(message.deltas250Us, [1, undefined, 2, 3, undefined, undefined, undefined, undefined]);
    assert.equal(message.referenceTime64Ms, 10);
  });

  it('padding of the last message is taken off', () => {
    const bye = serializeRtcp([{ kind: 'bye', ssrcs: [7] }]);
    const padded = Buffer.concat([bye, Buffer.from([0, 0, 0, 4])]);
    padded[0] = (padded[0] ?? 0) | 0x20;
    padded.writeUInt16BE(2, 2);
    assert.deepEqual(parseRtcp(padded), [{ kind: 'bye', ssrcs: [7] }]);
  });

  it('padding that is no multiple of four bytes is malformed: it would leave half a word of body', () => {
    // Found by make fuzz: written again with its fill, such a message was one of another kind.
    const report = Buffer.from('a1c90001' + '00000003', 'hex');
    assert.deepEqual(parseRtcp(report), []);
  });

  it('that is cut short gives the messages before the cut', () => {
    const first = serializeRtcp(MESSAGES.slice(0, 1));
    const both = serializeRtcp(MESSAGES.slice(0, 2));
    for (let length = first.length; length < both.length; length++) {
      assert.deepEqual(parseRtcp(both.subarray(0, length)), MESSAGES.slice(0, 1));
    }
    for (let length = 0; length < first.length; length++) assert.deepEqual(parseRtcp(first.subarray(0, length)), []);
  });

  it('with a body too short for its kind is told as other', () => {
    const [message] = parseRtcp(Buffer.from('81c80001' + '00000001', 'hex'));
    assert.equal(message?.kind, 'other');
  });

  it('of random bytes never makes the parser throw or hang', () => {
    const random = seededRandom(6);
    const kinds = new Set<string>();
    for (let i = 0; i < 30_000; i++) {
      const bytes = randomBytes(random, 4 * Math.floor(1 + random() * 20));
      bytes[0] = 0x80 | ((bytes[0] ?? 0) & 0x1f);
      bytes[1] = 200 + Math.floor(random() * 8);
      bytes.writeUInt16BE(bytes.length / 4 - 1, 2);
      for (const message of parseRtcp(bytes)) kinds.add(message.kind);
    }
    for (const kind of ['sender_report', 'sdes', 'bye', 'nack', 'fir', 'transport_cc', 'other'])
      assert.ok(kinds.has(kind), kind);
  });

  it('refuses to write more entries than a message can hold', () => {
    assert.throws(() => serializeRtcp([{ kind: 'bye', ssrcs: Array<number>(32).fill(1) }]), RangeError);
  });
});
