import assert from 'node:assert/strict';
import { AudioJitterBuffer } from '../../../rtp/audio_jitter_buffer.js';
import type { AudioJitterPacket } from '../../../rtp/audio_jitter_buffer.js';
import { seededRandom } from './helpers.js';

/** CELT, 20 ms, one frame. */
const TOC = 31 << 3;
const SOUND = Buffer.concat([Buffer.of(TOC), Buffer.alloc(60, 1)]);

interface Sent extends AudioJitterPacket {
  index: number;
}

function sent(index: number, arrivalMs: number, fields: Partial<Sent> = {}): Sent {
  return { index, sequence: index, timestamp: index * 960, payload: SOUND, arrivalMs, ...fields };
}

interface Result {
  played: Sent[];
  /** When each of `played` was given out. */
  playedAtMs: number[];
  gapSamples: Record<'lost' | 'silence' | 'underrun', number>;
  waits: number;
  stretched: number;
  dropped: number;
}

/** A mixer that takes 10 ms of sound every 10 ms and decodes packets when it has less. */
function run(buffer: AudioJitterBuffer<Sent>, arrivals: Sent[], untilMs: number, obeysStretch = true): Result {
  const queue = [...arrivals].sort((a, b) => a.arrivalMs - b.arrivalMs);
  const result: Result = {
    played: [],
    playedAtMs: [],
    gapSamples: { lost: 0, silence: 0, underrun: 0 },
    waits: 0,
    stretched: 0,
    dropped: 0,
  };
  let have = 0;
  let next = 0;
  for (let nowMs = 0; nowMs < untilMs; nowMs += 10) {
    for (let head = queue[next]; head !== undefined && head.arrivalMs <= nowMs; head = queue[++next]) {
      buffer.push(head, head.arrivalMs);
    }
    while (have < 480) {
      const pulled = buffer.pull(nowMs);
      if (pulled.kind === 'wait') {
        result.waits += 1;
        have = 480;
      } else if (pulled.kind === 'gap') {
        assert.ok(pulled.samples > 0);
        result.gapSamples[pulled.cause] += pulled.samples;
        have += pulled.samples;
      } else {
        result.played.push(pulled.packet);
        result.playedAtMs.push(nowMs);
        result.dropped += pulled.dropped;
        result.stretched += Math.abs(pulled.stretchSamples);
        have += 960 + (obeysStretch ? pulled.stretchSamples : 0);
      }
    }
    have -= 480;
  }
  return result;
}

function indexes(result: Result): number[] {
  return result.played.map((packet) => packet.index);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

describe('The audio jitter buffer', () => {
  it('plays an even stream without gaps, about 40 ms late at first', () => {
    const buffer = new AudioJitterBuffer<Sent>();
    const result = run(
      buffer,
      range(0, 500).map((i) => sent(i, 100 + i * 20)),
      10_000,
    );
    assert.deepEqual(indexes(result), range(0, result.played.length));
    assert.ok(result.played.length > 485);
    assert.equal(result.playedAtMs[0], 140);
    assert.deepEqual(result.gapSamples, { lost: 0, silence: 0, underrun: 0 });
    assert.ok(buffer.stats().delayMs <= 45);
  });

  it('comes down to the shortest delay when there is no jitter', () => {
    const buffer = new AudioJitterBuffer<Sent>();
    run(
      buffer,
      range(0, 3000).map((i) => sent(i, i * 20)),
      60_000,
    );
    assert.equal(buffer.stats().targetDelayMs, 20);
    assert.ok(buffer.stats().delayMs < 40, `${buffer.stats().delayMs}`);
  });

  it('puts packets in order and throws repeats away', () => {
    const buffer = new AudioJitterBuffer<Sent>();
    const random = seededRandom(1);
    const arrivals = range(0, 1000).flatMap((i) => {
      const packet = sent(i, i * 20 + random() * 30);
      return i % 7 === 0 ? [packet, { ...packet, arrivalMs: packet.arrivalMs + 5 }] : [packet];
    });
    const result = run(buffer, arrivals, 19_900);
    assert.deepEqual(indexes(result), range(0, result.played.length));
    assert.ok(result.played.length > 985);
    assert.equal(result.gapSamples.lost, 0);
  });

  it('conceals exactly what is lost, one packet at a time, and offers the packet behind for its copy', () => {
    const buffer = new AudioJitterBuffer<Sent>();
    const lost = new Set([50, 80, 81, 82]);
    const arrivals = range(0, 100)
      .filter((i) => !lost.has(i))
      .map((i) => sent(i, i * 20));
    const result = run(buffer, arrivals, 1990);
    // Of a run of losses the later ones look like packets that are late.
    assert.equal(result.gapSamples.lost + result.gapSamples.underrun, 4 * 960);
    assert.equal(buffer.stats().lost, 4);
    assert.ok(buffer.stats().delayMs < 45);
    const direct = new AudioJitterBuffer<Sent>();
    for (const i of [0, 2]) direct.push(sent(i, i * 20), i * 20);
    assert.equal(direct.pull(50).kind, 'packet');
    const gap = direct.pull(60);
    assert.ok(gap.kind === 'gap' && gap.next?.index === 2);
    assert.equal(direct.pull(80).kind, 'packet');
  });

  for (const loss of [0.01, 0.05, 0.1]) {
    it(`keeps time at ${loss * 100} % loss with reordering, from numbers near the wrap`, () => {
      const random = seededRandom(loss * 1000);
      const buffer = new AudioJitterBuffer<Sent>();
      const arrivals = range(0, 3000)
        .filter(() => random() >= loss)
        .map((i) => sent(i, i * 20 + random() * 25, { sequence: 65_530 + i, timestamp: 2 ** 32 - 5000 + i * 960 }));
      const result = run(buffer, arrivals, 60_000);
      const stats = buffer.stats();
      const sum = (result.played.length * 960 + result.gapSamples.lost + result.gapSamples.underrun) / 48;
      assert.ok(Math.abs(sum - 60_000) < 250, `${sum} ms of stream in 60 s`);
      assert.ok(stats.played / arrivals.length > 0.98, `${stats.played} of ${arrivals.length} played`);
      assert.ok(stats.delayMs < 70, `${stats.delayMs} ms`);
    });
  }

  it('grows its delay with the jitter, up to the limit, and comes down again slowly', () => {
    const buffer = new AudioJitterBuffer<Sent>();
    const random = seededRandom(5);
    const arrivals = range(0, 6000).map((i) => sent(i, i * 20 + random() * (i > 500 && i < 1500 ? 120 : 5)));
    run(
      buffer,
      arrivals.filter((packet) => packet.arrivalMs < 30_000),
      29_000,
    );
    const high = buffer.stats();
    assert.ok(high.targetDelayMs > 90 && high.targetDelayMs <= 200, `${high.targetDelayMs}`);
    const whole = new AudioJitterBuffer<Sent>();
    run(whole, arrivals, 119_000);
    const low = whole.stats();
    assert.ok(low.targetDelayMs < 40, `${low.targetDelayMs}`);
    assert.ok(low.delayMs < 60, `${low.delayMs}`);
    assert.ok(low.late / low.played < 0.02, `${low.late} late`);
  });

  it('plays silence for as long as the sender pauses (DTX), without counting a loss', () => {
    const buffer = new AudioJitterBuffer<Sent>();
    let sequence = 0;
    const arrivals: Sent[] = [];
    for (let tick = 0; tick < 1000; tick++) {
      // Two seconds of sound, then two seconds with a packet every 400 ms.
      const isTalking = tick % 200 < 100;
      if (!isTalking && tick % 20 !== 0) continue;
      arrivals.push(sent(sequence, tick * 20, { timestamp: tick * 960, payload: isTalking ? SOUND : Buffer.of(TOC) }));
      sequence += 1;
    }
    const result = run(buffer, arrivals, 20_000);
    assert.deepEqual([buffer.stats().lost, buffer.stats().late, result.gapSamples.lost], [0, 0, 0]);
    assert.ok(result.played.length + result.dropped >= arrivals.length - 5);
    result.played.forEach((packet, i) => {
      const delayMs = (result.playedAtMs[i] ?? 0) - packet.arrivalMs;
      assert.ok(delayMs >= 0 && delayMs < 100, `packet ${packet.index} played ${delayMs} ms after it came`);
    });
  });

  it('keeps a short pause in the stream as long as it was', () => {
    const buffer = new AudioJitterBuffer<Sent>();
    const first = range(0, 50).map((i) => sent(i, i * 20));
    const second = range(50, 100).map((i) => sent(i, i * 20 + 60, { timestamp: i * 960 + 60 * 48 }));
    const result = run(buffer, [...first, ...second], 2050);
    const at = result.played.findIndex((packet) => packet.index === 50);
    const pauseMs = (result.playedAtMs[at] ?? 0) - (result.playedAtMs[at - 1] ?? 0);
    assert.ok(Math.abs(pauseMs - 80) <= 20, `${pauseMs}`);
    assert.equal(buffer.stats().lost, 0);
  });

  it('starts again when the sender does, with other numbers or another time', () => {
    for (const fields of [
      (i: number) => ({ sequence: i + 50_000, timestamp: i * 960 + 1e9 }),
      (i: number) => ({ sequence: i - 9000, timestamp: i * 960 }),
      (i: number) => ({ timestamp: i * 960 - 1e8 }),
    ]) {
      const buffer = new AudioJitterBuffer<Sent>();
      const arrivals = range(0, 400).map((i) => sent(i, i * 20, i >= 200 ? fields(i) : {}));
      const result = run(buffer, arrivals, 8000);
      assert.ok(result.played.length > 385, `${result.played.length} of 400 played`);
    }
  });

  it('starts again when the numbers go back by less than a restart: half a second later, repeats or not', () => {
    for (const back of [3, 100, 900]) {
      const buffer = new AudioJitterBuffer<Sent>();
      const before = Array.from({ length: 1000 }, (_, i) => sent(i, 100 + 20 * i));
      // Found by make fuzz: the time goes on, the numbers do not.
      const after = Array.from({ length: 200 }, (_, i) =>
        sent(1000 + i, 100 + 20 * (1000 + i), { sequence: 1000 - back + i }),
      );
      const { played } = run(buffer, [...before, ...after], 100 + 20 * 1200);
      const again = played.filter(({ index }) => index >= 1000);
      const least = 200 - Math.min(back, 25);
      assert.ok(again.length >= least - 5, `${again.length} of 200 played, ${back} back`);
    }
  });

  it('catches up after a freeze of the network: what is too old is thrown away', () => {
    for (const freezeMs of [300, 1000, 5000]) {
      const buffer = new AudioJitterBuffer<Sent>();
      const arrivals = range(0, 1500).map((i) => {
        const atMs = i * 20;
        return sent(i, atMs >= 5000 && atMs < 5000 + freezeMs ? 5000 + freezeMs : atMs);
      });
      const result = run(buffer, arrivals, 30_000);
      const last = result.played.length - 1;
      const delayMs = (result.playedAtMs[last] ?? 0) - (result.played[last]?.index ?? 0) * 20;
      assert.ok(delayMs < 220, `${delayMs} ms behind after ${freezeMs} ms`);
      assert.ok(buffer.stats().buffered < 20);
    }
  });

  for (const ppm of [200, -200, 50]) {
    for (const obeysStretch of [true, false]) {
      const title = `keeps its delay for an hour of ${ppm} ppm clock drift when stretching is ${obeysStretch ? 'done' : 'ignored'}`;
      it(title, () => {
        const buffer = new AudioJitterBuffer<Sent>();
        const random = seededRandom(ppm + 1000);
        const hourMs = 3_600_000;
        const count = Math.floor((hourMs / 20) * (1 + ppm / 1e6));
        const arrivals = range(0, count).map((i) => sent(i, (i * 20) / (1 + ppm / 1e6) + random() * 10));
        const result = run(buffer, arrivals, hourMs, obeysStretch);
        const stats = buffer.stats();
        assert.ok(stats.delayMs < (obeysStretch ? 60 : 160), `${stats.delayMs} ms`);
        assert.equal(stats.lost + stats.late, 0);
        // A slow sender leaves 720 ms in the hour without sound, a fast one has as much too much.
        const neededMs = (Math.abs(ppm) / 1e6) * hourMs;
        const gapMs = result.gapSamples.underrun / 48;
        const droppedMs = stats.dropped * 20;
        const stretchedMs = result.stretched / 48;
        if (obeysStretch) {
          assert.ok(stretchedMs < neededMs * 1.5 + 200, `${stretchedMs} ms stretched`);
          assert.ok(gapMs + droppedMs <= 60, `${gapMs} ms of gaps, ${droppedMs} ms dropped`);
        } else {
          assert.ok(gapMs + droppedMs < neededMs + 300, `${gapMs} ms of gaps, ${droppedMs} ms dropped`);
        }
      });
    }
  }

  it('does not take repeats of played packets for late ones', () => {
    const buffer = new AudioJitterBuffer<Sent>();
    const arrivals = range(0, 1000).flatMap((i) => [sent(i, i * 20), sent(i, i * 20 + 150)]);
    const result = run(buffer, arrivals, 19_900);
    assert.equal(buffer.stats().late, 0);
    assert.ok(buffer.stats().targetDelayMs <= 25);
    assert.deepEqual(indexes(result), range(0, result.played.length));
  });

  it('does not grow without bound for packets that were sent again', () => {
    const buffer = new AudioJitterBuffer<Sent>();
    const arrivals = range(0, 1000).map((i) => sent(i, i * 20 + (i % 10 === 5 ? 300 : 0)));
    run(buffer, arrivals, 19_900);
    assert.ok(buffer.stats().targetDelayMs <= 90, `${buffer.stats().targetDelayMs}`);
  });

  it('starts well after an hour of pause, however far the clocks have drifted apart', () => {
    for (const driftMs of [-720, 720]) {
      const buffer = new AudioJitterBuffer<Sent>();
      for (const i of range(0, 100)) {
        buffer.push(sent(i, i * 20), i * 20);
        buffer.pull(i * 20);
      }
      for (let i = 0; i < 100; i++) buffer.pull(2000 + i * 10);
      const resumeMs = 3_600_000;
      const first = sent(100, resumeMs, { timestamp: (resumeMs + driftMs) * 48 });
      buffer.push(first, resumeMs);
      const waits = range(0, 20).map((i) => buffer.pull(resumeMs + i * 10).kind);
      const startedAt = waits.indexOf('packet');
      assert.ok(startedAt >= 2 && startedAt <= 5, `started after ${startedAt * 10} ms`);
    }
  });

  it('survives anything: random numbers, times and payloads', () => {
    const buffer = new AudioJitterBuffer<Sent>();
    const random = seededRandom(3);
    for (let i = 0; i < 50_000; i++) {
      const spread = random() < 0.01 ? 1e6 : 10;
      buffer.push(
        sent(i, i, {
          sequence: i + Math.floor((random() - 0.5) * spread),
          timestamp: Math.floor(i * 480 + (random() - 0.5) * spread * 960),
          payload: Buffer.alloc(Math.floor(random() * 4), Math.floor(random() * 256)),
        }),
        i,
      );
      const pulled = buffer.pull(i);
      if (pulled.kind === 'gap') {
        assert.ok(pulled.samples > 0 && pulled.samples <= 5760 && pulled.samples % 120 === 0);
      }
      assert.ok(buffer.stats().buffered <= 200);
    }
  });
});
