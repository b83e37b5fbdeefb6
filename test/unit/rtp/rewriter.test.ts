import assert from 'node:assert/strict';
import type { RtpPacket } from '../../../rtp/packet.js';
import { StreamRewriter } from '../../../rtp/rewriter.js';
import { parseVp8Descriptor } from '../../../rtp/vp8.js';
import { packet, seededRandom } from './helpers.js';

function rewriterAt(firstSequence: number, firstTimestamp = 0): StreamRewriter {
  return new StreamRewriter({ ssrc: 99, payloadType: 100, clockRate: 90_000, firstSequence, firstTimestamp });
}

function at(ssrc: number, sequence: number, timestamp = 0): RtpPacket {
  return packet({ ssrc, sequence, timestamp: timestamp >>> 0, payload: Buffer.from('x') });
}

describe('The stream rewriter', () => {
  it('gives packets the stream’s SSRC, payload type and numbers, and shares the payload', () => {
    const rewriter = rewriterAt(10, 1000);
    const source = at(1, 500, 7000);
    const out = rewriter.push(source, 0);
    assert.deepEqual(
      [out?.ssrc, out?.payloadType, out?.sequence, out?.timestamp, out?.payload === source.payload],
      [99, 100, 10, 1000, true],
    );
    assert.deepEqual(
      [rewriter.push(at(1, 501, 10_000), 33)?.sequence, rewriter.push(at(1, 502, 13_000), 66)?.timestamp],
      [11, 7000],
    );
  });

  it('goes on without a gap over a change of source, the timestamp by the time that has passed, from every wrap', () => {
    for (let back = 0; back < 12; back++) {
      const rewriter = rewriterAt(65_536 - back, 2 ** 32 - back * 3000);
      const numbers: number[] = [];
      const times: number[] = [];
      const push = (source: RtpPacket, nowMs: number): void => {
        const out = rewriter.push(source, nowMs);
        assert.ok(out !== undefined);
        numbers.push(out.sequence);
        times.push(out.timestamp);
      };
      for (let i = 0; i < 5; i++) push(at(1, 65_533 + i, 2 ** 32 - 6000 + 3000 * i), (i * 100) / 3);
      rewriter.switchSource();
      for (let i = 0; i < 5; i++) push(at(2, 100 + i, 5_000_000 + 3000 * i), 400 / 3 + 50 + (i * 100) / 3);
      assert.deepEqual(
        numbers,
        numbers.map((_, i) => (65_536 - back + i) & 0xffff),
      );
      const expected = [0, 3000, 6000, 9000, 12_000, 16_500, 19_500, 22_500, 25_500, 28_500];
      assert.deepEqual(
        times,
        expected.map((time) => (2 ** 32 - back * 3000 + time) % 2 ** 32),
      );
    }
  });

  it('never gives two pictures of different sources one timestamp', () => {
    const rewriter = rewriterAt(0);
    const first = rewriter.push(at(1, 1, 1), 10);
    rewriter.switchSource();
    const second = rewriter.push(at(2, 1, 1), 10);
    assert.equal((second?.timestamp ?? 0) - (first?.timestamp ?? 0), 1);
  });

  it('leaves packets of the earlier source out, and those before the switch', () => {
    const rewriter = rewriterAt(0);
    rewriter.push(at(1, 10), 0);
    rewriter.switchSource();
    rewriter.push(at(2, 50), 1);
    assert.equal(rewriter.push(at(1, 11), 2), undefined);
    assert.equal(rewriter.push(at(2, 49), 2), undefined);
    assert.equal(rewriter.currentSsrc, 2);
  });

  it('keeps the numbers of lost and late packets free', () => {
    const rewriter = rewriterAt(0);
    const out = [10, 11, 14, 12, 13, 15, 12].map((sequence) => rewriter.push(at(1, sequence), 0)?.sequence);
    assert.deepEqual(out, [0, 1, 4, 2, 3, 5, 2]);
  });

  it('closes up the numbers of packets that are left out, and maps every sent one back', () => {
    for (const first of [0, 65_500, 65_535]) {
      const rewriter = rewriterAt(first);
      const random = seededRandom(first);
      const sent = new Map<number, number>();
      let expected = first;
      for (let i = 0; i < 3000; i++) {
        const source = at(1, 65_000 + i);
        if (i > 0 && random() < 0.3) {
          rewriter.drop(source);
          continue;
        }
        const out = rewriter.push(source, i);
        assert.equal(out?.sequence, expected & 0xffff);
        sent.set(expected & 0xffff, source.sequence);
        expected += 1;
      }
      const recent = [...sent].slice(-500);
      for (const [sequence, original] of recent) {
        assert.deepEqual(rewriter.originalOf(sequence), { sourceSsrc: 1, sequence: original });
      }
    }
  });

  it('maps a number that was lost on the way in to the packet to ask the source for', () => {
    const rewriter = rewriterAt(0);
    for (const sequence of [10, 11, 13]) rewriter.push(at(1, sequence), 0);
    assert.deepEqual(rewriter.originalOf(2), { sourceSsrc: 1, sequence: 12 });
  });

  it('maps numbers of the earlier source back to it', () => {
    const rewriter = rewriterAt(65_534);
    for (const sequence of [10, 11, 12]) rewriter.push(at(1, sequence), 0);
    rewriter.switchSource();
    for (const sequence of [700, 701]) rewriter.push(at(2, sequence), 0);
    assert.deepEqual(
      [65_534, 65_535, 0, 1, 2].map((sequence) => rewriter.originalOf(sequence)),
      [
        { sourceSsrc: 1, sequence: 10 },
        { sourceSsrc: 1, sequence: 11 },
        { sourceSsrc: 1, sequence: 12 },
        { sourceSsrc: 2, sequence: 700 },
        { sourceSsrc: 2, sequence: 701 },
      ],
    );
    assert.equal(rewriter.originalOf(3), undefined);
    assert.equal(rewriter.originalOf(40_000), undefined);
    assert.equal(rewriterAt(0).originalOf(0), undefined);
  });

  it('gives a late packet its own number although others were left out behind it', () => {
    const rewriter = rewriterAt(0);
    rewriter.push(at(1, 10), 0);
    rewriter.push(at(1, 12), 0); // 11 is late
    rewriter.drop(at(1, 13));
    assert.equal(rewriter.push(at(1, 14), 0)?.sequence, 3);
    assert.equal(rewriter.push(at(1, 11), 0)?.sequence, 1);
    assert.equal(rewriter.push(at(1, 13), 0), undefined);
  });

  it('follows a source that starts again with other numbers, and ignores a stray packet', () => {
    for (const restart of [50_000, 5]) {
      const rewriter = rewriterAt(0);
      for (let i = 0; i < 3; i++) rewriter.push(at(1, 20_000 + i), i);
      assert.equal(rewriter.push(at(1, 40_000), 3), undefined);
      assert.equal(rewriter.push(at(1, 20_003), 3)?.sequence, 3);
      assert.equal(rewriter.push(at(1, restart), 4), undefined);
      const out = [1, 2, 3].map((i) => rewriter.push(at(1, restart + i), 4)?.sequence);
      assert.deepEqual(out, [4, 5, 6]);
      assert.deepEqual(rewriter.originalOf(5), { sourceSsrc: 1, sequence: restart + 2 });
    }
  });

  it('stays small over a day of drops and switches', () => {
    const rewriter = rewriterAt(0);
    for (let i = 0; i < 100_000; i++) {
      if (i % 1000 === 0) rewriter.switchSource();
      const source = at(1 + (Math.floor(i / 1000) % 2), i & 0xffff);
      if (i % 2 === 1) rewriter.drop(source);
      else assert.equal(rewriter.push(source, i)?.sequence, (i / 2) & 0xffff);
    }
    const ranges = (rewriter as unknown as { ranges: unknown[] }).ranges;
    assert.ok(ranges.length <= 1024);
  });

  it('tells the last RTP time for sender reports', () => {
    const rewriter = rewriterAt(0, 500);
    assert.equal(rewriter.lastSent, undefined);
    assert.equal(rewriter.lastSequence, undefined);
    rewriter.push(at(1, 5, 9), 77);
    assert.deepEqual(rewriter.lastSent, { timestamp: 500, atMs: 77 });
    assert.equal(rewriter.lastSequence, 0);
  });

  it('goes on with VP8 picture ids', () => {
    const rewriter = new StreamRewriter({ ssrc: 1, clockRate: 90_000, codec: 'vp8' });
    const vp8 = (ssrc: number, id: number): RtpPacket =>
      packet({ ssrc, sequence: 1, payload: Buffer.from([0x90, 0x80, 0x80 | (id >> 8), id & 0xff, 1]) });
    rewriter.push(vp8(1, 300), 0);
    rewriter.switchSource();
    const out = rewriter.push(vp8(2, 9), 33);
    assert.equal(parseVp8Descriptor(out?.payload ?? Buffer.alloc(0))?.pictureId, 301);
  });
});
