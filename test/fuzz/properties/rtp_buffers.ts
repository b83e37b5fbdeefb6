import assert from 'node:assert/strict';
import { AudioJitterBuffer, type AudioJitterPacket } from '../../../rtp/audio_jitter_buffer.js';
import type { RtpPacket } from '../../../rtp/packet.js';
import { serializeRtcp } from '../../../rtp/rtcp.js';
import { StreamRewriter } from '../../../rtp/rewriter.js';
import { VideoJitterBuffer } from '../../../rtp/video_jitter_buffer.js';
import { TransportFeedback } from '../../../channelserver/forward/transport_feedback.js';
import { TransportCcRecorder } from '../../../coreservice/rtc/receive/transport_cc_recorder.js';
import { makeStream } from '../../unit/rtp/helpers.js';
import { EDGES, mutate } from '../support/mutate.js';
import type { Property } from '../support/property.js';
import type { Random } from '../support/random.js';

const HOSTILE_FRAMES = 30;
const CLEAN_FRAMES = 120;
/** More than the buffer takes for a loss ahead of all numbers that hostileStream() begins with. */
const AHEAD = 5000;

/** A stream with packets lost, twice, late and changed in every field. */
export function hostileStream(random: Random, codec: 'h264' | 'vp8', frames = HOSTILE_FRAMES): RtpPacket[] {
  const made = makeStream({
    seed: random.below(2 ** 31),
    codec,
    frames,
    keyFrameEvery: 1 + random.below(20),
    firstSequence: random.pick([0, 1000, 65_500]),
    firstTimestamp: random.pick([0, 2 ** 32 - 5000]),
    maxFrameBytes: 3000,
    paddingEvery: random.pick([0, 0, 3]),
    markers: random.chance(0.8),
    repeatParameterSets: random.chance(0.7),
  }).flatMap(({ packets }) => packets);
  const out: RtpPacket[] = [];
  for (const packet of made) {
    if (random.chance(0.1)) continue;
    const times = random.chance(0.05) ? 2 : 1;
    for (let count = 0; count < times; count++) out.push(random.chance(0.15) ? changed(random, packet) : packet);
    if (random.chance(0.05)) out.splice(random.below(out.length), 0, packet);
  }
  return out;
}

function changed(random: Random, packet: RtpPacket): RtpPacket {
  const { sequence, timestamp, ssrc } = packet;
  switch (random.below(6)) {
    case 0:
      return { ...packet, sequence: (sequence + random.pick([...EDGES, -1, -100, -5000])) & 0xffff };
    case 1:
      return { ...packet, timestamp: (timestamp + random.pick(EDGES)) % 2 ** 32 };
    case 2:
      return { ...packet, ssrc: random.pick([ssrc, 0, 2 ** 32 - 1, 77]) };
    case 3:
      return { ...packet, marker: !packet.marker };
    case 4:
      return { ...packet, payload: random.chance(0.3) ? Buffer.alloc(0) : mutate(random, packet.payload) };
    default:
      return { ...packet, payloadType: random.below(128) };
  }
}

export const BUFFER_PROPERTIES: readonly Property[] = [
  {
    name: 'the_video_jitter_buffer_survives_and_recovers',
    run: (random) => {
      const codec = random.pick(['h264', 'vp8'] as const);
      const buffer = new VideoJitterBuffer({ codec });
      let nowMs = 1000;
      let last = -Infinity;
      const poll = (): number => {
        const { units, nacks, nextPollAtMs } = buffer.poll(nowMs);
        assert.ok(nacks.length <= 1000, `${nacks.length} numbers asked for at once`);
        for (const nack of nacks) assert.ok(nack >= 0 && nack <= 0xffff);
        if (nextPollAtMs !== undefined) assert.ok(Number.isFinite(nextPollAtMs));
        for (const unit of units) {
          assert.ok(unit.data.length > 0);
          assert.ok(unit.arrivalMs <= nowMs);
          last = unit.timestamp;
        }
        assert.ok(units.length <= 300);
        return units.length;
      };
      for (const packet of hostileStream(random, codec)) {
        buffer.push(packet, nowMs);
        if (random.chance(0.5)) poll();
        nowMs += random.pick([0, 1, 5, 33, 600]);
      }
      // From here on the sender is well: a new key frame comes every second, and pictures follow. Its numbers go on: those just behind the last ones would be late.
      const clean = makeStream({
        seed: 1,
        codec,
        frames: CLEAN_FRAMES,
        keyFrameEvery: 30,
        ssrc: random.pick([1, 9]),
        firstSequence: AHEAD,
      });
      let units = 0;
      for (const { packets } of clean) {
        for (const packet of packets) buffer.push(packet, nowMs);
        units += poll();
        nowMs += 33;
      }
      nowMs += 2000;
      units += poll();
      assert.ok(units >= CLEAN_FRAMES / 4, `${units} of ${CLEAN_FRAMES} pictures after it, the last at ${last}`);
    },
  },
  {
    name: 'the_audio_jitter_buffer_survives_and_recovers',
    run: (random) => {
      const buffer = new AudioJitterBuffer<AudioJitterPacket>();
      let nowMs = 5000;
      const pull = (): string => {
        const pulled = buffer.pull(nowMs);
        if (pulled.kind === 'gap')
          assert.ok(pulled.samples > 0 && pulled.samples <= 5760 && pulled.samples % 120 === 0);
        if (pulled.kind === 'packet') assert.ok(Math.abs(pulled.stretchSamples) <= 240);
        const { buffered, delayMs } = buffer.stats();
        assert.ok(buffered <= 200, `${buffered} packets`);
        assert.ok(Number.isFinite(delayMs));
        return pulled.kind;
      };
      let sequence = 100;
      let timestamp = 48_000;
      for (let count = 0; count < 200; count++) {
        sequence += random.chance(0.9) ? 1 : random.pick([0, 2, -3, 20, 500, -2000, 5000]);
        timestamp += random.chance(0.9) ? 960 : random.pick([0, 1, -960, 480, 48_000, -480_000, 2 ** 31]);
        const toc = random.chance(0.8) ? 0xfc : random.below(256);
        const payload = random.chance(0.05)
          ? Buffer.alloc(0)
          : Buffer.concat([Buffer.of(toc), random.bytes(random.size(200))]);
        const arrivalMs = nowMs + (random.chance(0.05) ? random.pick([-5000, 5000]) : 0);
        buffer.push({ sequence, timestamp, payload, arrivalMs }, nowMs);
        for (let pulls = random.below(4); pulls > 0; pulls--) pull();
        nowMs += random.pick([0, 10, 20, 20, 20, 200]);
      }
      let played = 0;
      for (let count = 0; count < 500; count++) {
        sequence += 1;
        timestamp += 960;
        buffer.push({ sequence, timestamp, payload: Buffer.of(0xfc, 1, 2, 3, 4), arrivalMs: nowMs }, nowMs);
        for (let pulls = 0; pulls < 2; pulls++) if (pull() === 'packet') played += 1;
        nowMs += 20;
      }
      assert.ok(played >= 300, `${played} of 500 packets were played after it`);
    },
  },
  {
    name: 'the_rewriter_gives_every_packet_a_number_of_its_own',
    run: (random) => {
      const codec = random.pick(['h264', 'vp8'] as const);
      const rewriter = new StreamRewriter({ ssrc: 5, clockRate: 90_000, codec, firstSequence: random.below(65_536) });
      let nowMs = 0;
      const given = new Map<number, RtpPacket>();
      let since = 0;
      for (const packet of hostileStream(random, codec)) {
        nowMs += 10;
        if (random.chance(0.02)) rewriter.switchSource();
        if (random.chance(0.03)) {
          rewriter.drop(packet);
          continue;
        }
        const out = rewriter.push(packet, nowMs);
        if (out === undefined) continue;
        assert.equal(out.ssrc, 5);
        assert.ok(Number.isInteger(out.sequence) && out.sequence >= 0 && out.sequence <= 0xffff);
        assert.ok(Number.isInteger(out.timestamp) && out.timestamp >= 0 && out.timestamp < 2 ** 32);
        const before = given.get(out.sequence);
        // The same number again only for the same packet, as long as numbers are not used up.
        if (before !== undefined && since < 30_000) assert.equal(before.sequence, packet.sequence);
        given.set(out.sequence, packet);
        since += 1;
        rewriter.originalOf(random.below(65_536));
      }
    },
  },
  {
    name: 'transport_feedback_can_always_be_sent',
    run: (random) => {
      const takers = [new TransportFeedback(), new TransportCcRecorder(1)] as const;
      let nowMs = random.pick([0, 1000, 2 ** 31, 1e9]);
      let sequence = random.below(65_536);
      for (let count = 0; count < 300; count++) {
        sequence = (sequence + (random.chance(0.8) ? 1 : random.pick(EDGES))) & 0xffff;
        nowMs += random.chance(0.9) ? random.below(5) : random.pick([1000, 60_000]);
        for (const taker of takers) taker.onPacket(sequence, nowMs);
        if (!random.chance(0.05)) continue;
        const [server, core] = [takers[0].take(1, 2), takers[1].take(2)];
        for (const message of [server, core])
          if (message !== undefined) assert.ok(serializeRtcp([message]).length < 65_536);
      }
    },
  },
];
