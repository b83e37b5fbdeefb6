import assert from 'node:assert/strict';
import { splitAnnexB } from '../../../rtp/h264.js';
import type { RtpPacket } from '../../../rtp/packet.js';
import { VideoJitterBuffer } from '../../../rtp/video_jitter_buffer.js';
import type { VideoUnit } from '../../../rtp/video_jitter_buffer.js';
import { makeStream, packet, seededRandom } from './helpers.js';
import type { MadeFrame, StreamOptions } from './helpers.js';

const CODECS = ['h264', 'vp8'] as const;
const STREAM: Omit<StreamOptions, 'codec'> = { seed: 1, frames: 60, keyFrameEvery: 30 };

function packetsOf(frames: readonly MadeFrame[]): RtpPacket[] {
  return frames.flatMap((frame) => frame.packets);
}

function assertFrames(units: readonly VideoUnit[], frames: readonly MadeFrame[]): void {
  assert.equal(units.length, frames.length);
  units.forEach((unit, i) => {
    const frame = frames[i];
    assert.ok(frame !== undefined && unit.data.equals(frame.data), `unit ${i} is bit-exact`);
    assert.equal(unit.keyFrame, frame.keyFrame);
    assert.equal(unit.timestamp >>> 0, frame.timestamp);
  });
}

interface Network {
  seed: number;
  loss: number;
  /** Packets are late by up to this much. */
  jitterMs: number;
  /** Answers to NACKs come after this; undefined: none. */
  roundTripMs: number | undefined;
}

/** Sends frames at 30 a second through a bad network, answers NACKs (which can be lost too), polls as often as the buffer asks for it. */
function simulate(buffer: VideoJitterBuffer, frames: readonly MadeFrame[], network: Network) {
  const random = seededRandom(network.seed);
  const bySequence = new Map<number, RtpPacket>();
  let events: { atMs: number; packet: RtpPacket }[] = [];
  frames.forEach((frame, i) => {
    for (const sent of frame.packets) {
      bySequence.set(sent.sequence, sent);
      // The first packet of the stream comes: nobody could know of it otherwise.
      if (random() < network.loss && sent !== frames[0]?.packets[0]) continue;
      events.push({ atMs: i * 33 + random() * (i === 0 ? 0 : network.jitterMs), packet: sent });
    }
  });
  events.sort((a, b) => a.atMs - b.atMs);
  const units: { unit: VideoUnit; atMs: number }[] = [];
  let asks = 0;
  let wakeAtMs: number | undefined;
  const poll = (nowMs: number): void => {
    const result = buffer.poll(nowMs);
    units.push(...result.units.map((unit) => ({ unit, atMs: nowMs })));
    asks += result.nacks.length;
    wakeAtMs = result.nextPollAtMs;
    if (wakeAtMs !== undefined) assert.ok(wakeAtMs > nowMs, 'never asks to be polled at once again');
    if (network.roundTripMs === undefined) return;
    for (const sequence of result.nacks) {
      const again = bySequence.get(sequence);
      assert.ok(again !== undefined, 'asks only for what was sent');
      if (random() < network.loss) continue;
      events.push({ atMs: nowMs + network.roundTripMs, packet: again });
    }
    if (result.nacks.length > 0) events.sort((a, b) => a.atMs - b.atMs);
  };
  for (;;) {
    const next = events[0];
    if (wakeAtMs !== undefined && (next === undefined || wakeAtMs < next.atMs)) {
      poll(wakeAtMs);
      continue;
    }
    if (next === undefined) break;
    events = events.slice(1);
    buffer.push(next.packet, next.atMs);
    poll(next.atMs);
  }
  return { units: units.map((entry) => entry.unit), at: units.map((entry) => entry.atMs), asks };
}

for (const codec of CODECS) {
  describe(`The video jitter buffer with ${codec}`, () => {
    it('gives every frame at the push of its last packet, without delay', () => {
      const buffer = new VideoJitterBuffer({ codec });
      const frames = makeStream({ ...STREAM, codec });
      for (const frame of frames) {
        frame.packets.forEach((sent, i) => {
          buffer.push(sent, 5);
          const { units, nacks } = buffer.poll(5);
          assert.deepEqual(nacks, []);
          if (i === frame.packets.length - 1) assertFrames(units, [frame]);
          else assert.equal(units.length, 0);
        });
      }
    });

    it('handles wraps of sequence numbers and timestamps from every start', () => {
      for (let back = 1; back <= 30; back++) {
        const firstSequence = 65_536 - back;
        const firstTimestamp = 2 ** 32 - back * 1500;
        const frames = makeStream({ ...STREAM, codec, frames: 30, firstSequence, firstTimestamp, maxFrameBytes: 2000 });
        const buffer = new VideoJitterBuffer({ codec });
        const random = seededRandom(back);
        const shuffled = packetsOf(frames).map((sent, i) => ({ sent, key: i === 0 ? -9 : i + random() * 4 }));
        shuffled.sort((a, b) => a.key - b.key);
        const units = shuffled.flatMap(({ sent }, i) => {
          buffer.push(sent, i);
          return buffer.poll(i).units;
        });
        assertFrames(units, frames);
        units.forEach((unit, i) => assert.equal(unit.timestamp, firstTimestamp + 3000 * i, 'unwrapped'));
        assert.equal(
          units.some((unit) => unit.afterLoss),
          false,
        );
      }
    });

    for (const loss of [0, 0.01, 0.03, 0.05, 0.1]) {
      it(`gives everything bit-exact at ${loss * 100} % loss and reordering when NACKs are answered`, () => {
        for (const seed of [1, 2, 3]) {
          const options = {
            ...STREAM,
            codec,
            seed,
            frames: 90,
            firstSequence: 65_500,
            firstTimestamp: 2 ** 32 - 90_000,
          };
          const frames = makeStream({ ...options, paddingEvery: 5 });
          // The last packets are followed by padding, or nobody would know of their loss.
          const tail = {
            sequence: (packetsOf(frames).at(-1)?.sequence ?? 0) + 1,
            timestamp: frames.at(-1)?.timestamp ?? 0,
          };
          const buffer = new VideoJitterBuffer({ codec, maxWaitMs: 2000 });
          const end: MadeFrame = { data: Buffer.alloc(0), keyFrame: false, timestamp: 0, packets: [packet(tail)] };
          const result = simulate(buffer, [...frames, end], { seed, loss: 0, jitterMs: 25, roundTripMs: 20 });
          assertFrames(result.units, frames);
          const lossy = new VideoJitterBuffer({ codec, maxWaitMs: 2000 });
          const lossyResult = simulate(lossy, frames, { seed, loss, jitterMs: 25, roundTripMs: 20 });
          assert.equal(lossy.skips, 0);
          assertFrames(lossyResult.units, frames.slice(0, lossyResult.units.length));
          assert.ok(lossyResult.units.length >= frames.length - 1);
          if (loss >= 0.03) assert.ok(lossy.recovered > 0);
        }
      });
    }

    it('skips to the next key frame when nobody answers, and never stalls', () => {
      for (const seed of [1, 2, 3, 4, 5]) {
        const frames = makeStream({ ...STREAM, codec, seed, frames: 300, keyFrameEvery: 15 });
        const buffer = new VideoJitterBuffer({ codec, maxWaitMs: 200 });
        const { units } = simulate(buffer, frames, { seed, loss: 0.01, jitterMs: 20, roundTripMs: undefined });
        assert.ok(buffer.skips > 2);
        assert.ok(units.length > 50, `${units.length} units`);
        let expected = 0;
        for (const unit of units) {
          const at = frames.findIndex((frame) => frame.timestamp === unit.timestamp);
          assert.ok(at >= expected, 'in order');
          assert.ok(frames[at]?.data.equals(unit.data));
          if (unit !== units[0]) assert.equal(unit.afterLoss, at !== expected, 'afterLoss tells the gap');
          if (unit.afterLoss) assert.ok(unit.keyFrame);
          expected = at + 1;
        }
        assert.ok(expected > 300 - 60);
      }
    });

    it('waits for a key frame at first and says that it needs one', () => {
      const frames = makeStream({ ...STREAM, codec });
      const buffer = new VideoJitterBuffer({ codec });
      assert.equal(buffer.poll(0).keyFrameNeeded, true);
      const units: VideoUnit[] = [];
      frames.slice(10).forEach((frame, i) => {
        for (const sent of frame.packets) buffer.push(sent, i);
        const result = buffer.poll(i);
        assert.equal(result.keyFrameNeeded, i < 20);
        units.push(...result.units);
      });
      assertFrames(units, frames.slice(30));
      assert.equal(units[0]?.afterLoss, false);
    });

    it('gives up a lost packet after the wait: key frame needed, then the first unit says afterLoss', () => {
      const frames = makeStream({ ...STREAM, codec, maxFrameBytes: 9000 });
      const buffer = new VideoJitterBuffer({ codec, maxWaitMs: 500 });
      const lost = frames[3]?.packets[0];
      let units: VideoUnit[] = [];
      frames.slice(0, 6).forEach((frame, i) => {
        for (const sent of frame.packets) if (sent !== lost) buffer.push(sent, 33 * i);
        units.push(...buffer.poll(33 * i).units);
      });
      assertFrames(units, frames.slice(0, 3));
      assert.equal(buffer.poll(598).keyFrameNeeded, false);
      const result = buffer.poll(99 + 500);
      assert.deepEqual([result.units.length, result.keyFrameNeeded], [0, true]);
      units = frames.slice(6).flatMap((frame, i) => {
        for (const sent of frame.packets) buffer.push(sent, 600 + i);
        return buffer.poll(600 + i).units;
      });
      assertFrames(units, frames.slice(30));
      assert.deepEqual(
        units.map((unit) => unit.afterLoss),
        units.map((_, i) => i === 0),
      );
      assert.equal(buffer.poll(5000).keyFrameNeeded, false);
    });

    it('uses a key frame that is there already when it gives up', () => {
      const frames = makeStream({ ...STREAM, codec, maxFrameBytes: 3000 });
      const buffer = new VideoJitterBuffer({ codec, maxWaitMs: 500 });
      const lost = frames[28]?.packets[0];
      for (const sent of packetsOf(frames)) if (sent !== lost) buffer.push(sent, 0);
      assertFrames(buffer.poll(0).units, frames.slice(0, 28));
      const result = buffer.poll(500);
      assertFrames(result.units, frames.slice(30));
      assert.equal(result.keyFrameNeeded, false);
      assert.equal(result.units[0]?.afterLoss, true);
    });

    it('gives up when too many packets are held', () => {
      const frames = makeStream({ ...STREAM, codec, frames: 200, keyFrameEvery: 100 });
      const buffer = new VideoJitterBuffer({ codec, maxPackets: 250 });
      const lost = frames[1]?.packets[0];
      for (const sent of packetsOf(frames)) {
        if (sent !== lost) buffer.push(sent, 0);
        buffer.poll(0);
      }
      assert.equal(buffer.skips, 1);
    });

    it('takes repeats, padding and packets that are far too late without harm', () => {
      const frames = makeStream({ ...STREAM, codec, paddingEvery: 1 });
      const buffer = new VideoJitterBuffer({ codec });
      const all = packetsOf(frames);
      const units = all.flatMap((sent, i) => {
        buffer.push(sent, i);
        buffer.push(sent, i);
        const old = all[i - 50];
        if (old !== undefined) buffer.push(old, i);
        return buffer.poll(i).units;
      });
      assertFrames(units, frames);
      assert.equal(buffer.packets, all.length);
      assert.equal(buffer.late, all.length + all.length - 50);
    });

    it('finds the ends of frames by their timestamps when the sender sets no marker', () => {
      const frames = makeStream({ ...STREAM, codec, markers: false });
      const buffer = new VideoJitterBuffer({ codec });
      for (const sent of packetsOf(frames)) buffer.push(sent, 0);
      assertFrames(buffer.poll(0).units, frames.slice(0, -1));
    });

    it('begins anew with another SSRC, and after reset()', () => {
      const one = makeStream({ ...STREAM, codec, ssrc: 1, frames: 20 });
      const two = makeStream({ ...STREAM, codec, ssrc: 2, seed: 9, firstSequence: 40_000, frames: 20 });
      const buffer = new VideoJitterBuffer({ codec });
      for (const sent of [...packetsOf(one), ...packetsOf(two)]) buffer.push(sent, 0);
      const { units } = buffer.poll(0);
      assertFrames(units, [...one, ...two]);
      assert.deepEqual(
        units.map((unit) => unit.afterLoss),
        units.map((_, i) => i === 20),
      );
      buffer.reset();
      assert.equal(buffer.poll(0).keyFrameNeeded, true);
    });

    it('follows a sender that starts again with other numbers, and ignores a stray one', () => {
      const before = makeStream({ ...STREAM, codec, frames: 20, firstSequence: 100 });
      const after = makeStream({ ...STREAM, codec, seed: 4, frames: 20, firstSequence: 30_000 });
      const buffer = new VideoJitterBuffer({ codec });
      for (const sent of packetsOf(before)) {
        buffer.push(sent, 0);
        buffer.push(packet({ sequence: 50_000, payload: Buffer.from('stray') }), 0);
      }
      assertFrames(buffer.poll(0).units, before);
      for (const sent of packetsOf(after)) buffer.push(sent, 0);
      assertFrames(buffer.poll(0).units, after);
    });

    it('survives random packets: never throws, stays bounded, and plays the next stream', () => {
      const random = seededRandom(11);
      const buffer = new VideoJitterBuffer({ codec });
      for (let i = 0; i < 30_000; i++) {
        const payload = Buffer.from(Array.from({ length: Math.floor(random() * 6) }, () => Math.floor(random() * 256)));
        if (random() < 0.4 && payload.length > 0) payload[0] = codec === 'vp8' ? 0x10 : 0x67;
        const sequence = random() < 0.01 ? Math.floor(random() * 65_536) : (i + Math.floor(random() * 20)) & 0xffff;
        buffer.push(packet({ sequence, timestamp: Math.floor(i / 3), payload, marker: random() < 0.3 }), i);
        if (random() < 0.5) buffer.poll(i);
      }
      const frames = makeStream({ ...STREAM, codec, ssrc: 77 });
      buffer.poll(40_000);
      for (const sent of packetsOf(frames)) buffer.push(sent, 40_000);
      assertFrames(buffer.poll(40_000).units, frames);
    });
  });
}

describe('The video jitter buffer', () => {
  it('puts parameter sets in front of every H.264 key frame', () => {
    const frames = makeStream({ ...STREAM, codec: 'h264', keyFrameEvery: 10, repeatParameterSets: false });
    const buffer = new VideoJitterBuffer({ codec: 'h264' });
    for (const sent of packetsOf(frames)) buffer.push(sent, 0);
    const { units } = buffer.poll(0);
    assert.equal(units.length, frames.length);
    for (const unit of units.filter((each) => each.keyFrame)) {
      assert.deepEqual(
        splitAnnexB(unit.data).map((nal) => (nal[0] ?? 0) & 0x1f),
        [7, 8, 5, 5],
      );
      assert.deepEqual([unit.width, unit.height], [1280, 720]);
    }
  });

  it('takes the first packets of a stream in any order behind its parameter sets', () => {
    const [frame] = makeStream({ ...STREAM, codec: 'h264', frames: 1 });
    assert.ok(frame !== undefined);
    const buffer = new VideoJitterBuffer({ codec: 'h264' });
    const [first, ...rest] = frame.packets;
    assert.ok(first !== undefined);
    // The stream began before, so that the numbers of the first frame are not below those first seen.
    buffer.push(
      packet({ sequence: first.sequence - 1, timestamp: 1, payload: Buffer.from('4101', 'hex'), marker: true }),
      0,
    );
    for (const sent of rest.reverse()) buffer.push(sent, 0);
    assert.equal(buffer.poll(0).units.length, 0);
    buffer.push(first, 1);
    assertFrames(buffer.poll(1).units, [frame]);
  });

  it('costs the same per packet however many are held behind a gap', () => {
    const costOf = (held: number): number => {
      const frames = makeStream({ ...STREAM, codec: 'vp8', frames: 2500, keyFrameEvery: 5000, maxFrameBytes: 100 });
      const all = packetsOf(frames);
      const buffer = new VideoJitterBuffer({ codec: 'vp8', maxWaitMs: 1e9, maxPackets: 2048 });
      const startedAt = process.cpuUsage().user;
      // A sliding gap: each packet that fills it comes `held` packets late.
      all.forEach((sent, i) => {
        if (i % held !== 1) buffer.push(sent, 0);
        const late = all[i - held];
        if (late !== undefined && (i - held) % held === 1) buffer.push(late, 0);
        buffer.poll(0);
      });
      return process.cpuUsage().user - startedAt;
    };
    costOf(4);
    const few = Math.min(costOf(4), costOf(4), costOf(4));
    const many = Math.min(costOf(1000), costOf(1000), costOf(1000));
    assert.ok(many < few * 10 + 5000, `${few} µs with few, ${many} µs with many`);
  });
});
