import assert from 'node:assert/strict';
import {
  Vp8Depacketizer,
  isVp8KeyFrameStart,
  packetizeVp8,
  parseVp8Descriptor,
  parseVp8KeyFrame,
} from '../../../rtp/vp8.js';
import { Vp8Rewriter } from '../../../rtp/vp8_rewriter.js';
import { makeStream, randomBytes, seededRandom } from './helpers.js';

describe('VP8 payloads', () => {
  it('tell their descriptor', () => {
    const rows: [hex: string, expected: object][] = [
      ['10', { bytes: 1, nonReference: false, start: true, partition: 0 }],
      ['23', { bytes: 1, nonReference: true, start: false, partition: 3 }],
      ['908011', { bytes: 3, nonReference: false, start: true, partition: 0, pictureId: 17, pictureIdBits: 7 }],
      ['9080f123', { bytes: 4, nonReference: false, start: true, partition: 0, pictureId: 0x7123, pictureIdBits: 15 }],
      [
        '90f0812305a7',
        {
          bytes: 6,
          nonReference: false,
          start: true,
          partition: 0,
          pictureId: 0x123,
          pictureIdBits: 15,
          tl0PictureIndex: 5,
          temporalId: 2,
          layerSync: true,
          keyIndex: 7,
        },
      ],
      ['90409', { bytes: 3, nonReference: false, start: true, partition: 0, tl0PictureIndex: 0x90 }],
      ['902040', { bytes: 3, nonReference: false, start: true, partition: 0, temporalId: 1, layerSync: false }],
      ['901003', { bytes: 3, nonReference: false, start: true, partition: 0, keyIndex: 3 }],
    ];
    for (const [hex, expected] of rows) {
      const payload = Buffer.from(hex.padEnd(hex.length + (hex.length % 2), '0'), 'hex');
      assert.deepEqual(parseVp8Descriptor(payload), expected, hex);
      for (let length = 0; length < (expected as { bytes: number }).bytes; length++) {
        assert.equal(parseVp8Descriptor(payload.subarray(0, length)), undefined);
      }
    }
  });

  it('carry any frame bit by bit and tell key frames and their size', () => {
    for (const frame of makeStream({ seed: 1, codec: 'vp8', frames: 60, keyFrameEvery: 7 })) {
      const depacketizer = new Vp8Depacketizer();
      for (const options of [{}, { pictureId: 0x7fff }]) {
        const payloads = packetizeVp8(frame.data, 500, options);
        assert.ok(payloads.every((payload) => payload.length <= 500));
        assert.deepEqual(
          payloads.map(isVp8KeyFrameStart),
          payloads.map((_, i) => frame.keyFrame && i === 0),
        );
        const assembled = depacketizer.assemble(payloads);
        assert.deepEqual(assembled?.data, frame.data);
        assert.equal(assembled.keyFrame, frame.keyFrame);
        if (frame.keyFrame) assert.deepEqual([assembled.width, assembled.height], [640, 360]);
      }
    }
  });

  it('that do not begin with the start of a frame make none', () => {
    const [key] = makeStream({ seed: 1, codec: 'vp8', frames: 1, keyFrameEvery: 1, maxFrameBytes: 9000 });
    const payloads = packetizeVp8(key?.data ?? Buffer.alloc(0), 500);
    const depacketizer = new Vp8Depacketizer();
    assert.equal(depacketizer.assemble(payloads.slice(1)), undefined);
    assert.equal(depacketizer.assemble([...payloads, ...payloads]), undefined);
    assert.equal(depacketizer.assemble([]), undefined);
    assert.equal(depacketizer.assemble([Buffer.of(0x10)]), undefined);
  });

  it('of random bytes never make anything throw', () => {
    const random = seededRandom(3);
    const rewriter = new Vp8Rewriter();
    for (let i = 0; i < 20_000; i++) {
      const bytes = randomBytes(random, Math.floor(random() * 16));
      parseVp8Descriptor(bytes);
      parseVp8KeyFrame(bytes);
      isVp8KeyFrameStart(bytes);
      new Vp8Depacketizer().assemble([bytes]);
      if (random() < 0.1) rewriter.switchSource();
      assert.equal(rewriter.rewrite(bytes).length, bytes.length);
    }
  });
});

function withIds(pictureId: number, tl0: number, start = true): Buffer {
  const payload = Buffer.from([start ? 0x90 : 0x80, 0xc0, 0, 0, tl0, 1, 2, 3]);
  payload.writeUInt16BE(0x8000 | pictureId, 2);
  return payload;
}

function idsOf(payload: Buffer): (number | undefined)[] {
  const descriptor = parseVp8Descriptor(payload);
  return [descriptor?.pictureId, descriptor?.tl0PictureIndex];
}

describe('The VP8 rewriter', () => {
  it('leaves the first source alone and shares its memory', () => {
    const payload = withIds(100, 7);
    assert.equal(new Vp8Rewriter().rewrite(payload), payload);
  });

  it('goes on with picture ids and TL0 indexes over a change of source, over both wraps', () => {
    for (const start of [0, 5, 0x7ffe, 0x7fff]) {
      const rewriter = new Vp8Rewriter();
      rewriter.rewrite(withIds(start, 255));
      rewriter.switchSource();
      assert.deepEqual(idsOf(rewriter.rewrite(withIds(9000, 33))), [(start + 1) & 0x7fff, 0]);
      assert.deepEqual(idsOf(rewriter.rewrite(withIds(9000, 33, false))), [(start + 1) & 0x7fff, 0]);
      assert.deepEqual(idsOf(rewriter.rewrite(withIds(9001, 34))), [(start + 2) & 0x7fff, 1]);
      // A late packet of the picture before maps as it did.
      assert.deepEqual(idsOf(rewriter.rewrite(withIds(9000, 33, false))), [(start + 1) & 0x7fff, 0]);
    }
  });

  it('does not change the payload that it was given', () => {
    const rewriter = new Vp8Rewriter();
    rewriter.rewrite(withIds(1, 1));
    rewriter.switchSource();
    const payload = withIds(77, 77);
    const copy = Buffer.from(payload);
    rewriter.rewrite(payload);
    assert.deepEqual(payload, copy);
  });
});
