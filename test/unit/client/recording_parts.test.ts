import assert from 'node:assert/strict';
import { AudioTimeline } from '../../../client/media/audio_timeline.js';
import { CaptureClock } from '../../../client/media/capture_clock.js';
import { nalUnits, parameterSets } from '../../../client/media/annexb.js';

const START_US = 1_800_000_000_000_000;

describe('The line of sound of a recording', () => {
  const rows: [string, number[], { silence: number; skip: number }[]][] = [
    ['chunks that follow one another', [0, 10, 20], [none(), none(), none()]],
    ['a clock that jitters by less than 40 ms', [0, 45, -5, 65], [none(), none(), none(), none()]],
    ['50 ms that are missing', [0, 60], [none(), { silence: 2400, skip: 0 }]],
    ['ten minutes that are missing', [0, 600_010], [none(), { silence: 28_800_000, skip: 0 }]],
    [
      'a clock that went back beyond the chunk',
      [0, 10, 20, 30, 40, 0],
      [none(), none(), none(), none(), none(), { silence: 0, skip: 480 }],
    ],
  ];
  for (const [title, timesMs, placements] of rows)
    it(`${title}`, () => {
      const line = new AudioTimeline(48_000);
      assert.deepEqual(
        timesMs.map((ms) => line.place(START_US + ms * 1000, 480)),
        placements,
      );
      const silence = placements.reduce((sum, p) => sum + p.silence, 0);
      const skip = placements.reduce((sum, p) => sum + p.skip, 0);
      assert.deepEqual([line.insertedSamples, line.skippedSamples], [silence, skip]);
      assert.equal(line.samples, timesMs.length * 480 + silence - skip);
      assert.equal(line.anchorUs, START_US);
    });

  it('follows a sample clock that is 200 ppm off by steps of 40 ms, never more', () => {
    const line = new AudioTimeline(48_000);
    for (let n = 0; n < 60_000; n++) line.place(START_US + n * 10_002, 480);
    const behindMs = 60_000 * 10.002 - (line.samples * 1000) / 48_000;
    assert.ok(behindMs >= -1 && behindMs < 41, `${behindMs} ms behind`);
    assert.ok(line.insertedSamples > 0);
  });

  function none(): { silence: number; skip: number } {
    return { silence: 0, skip: 0 };
  }
});

describe("The capture times of one user's streams", () => {
  const HOUR_US = 3_600_000_000;

  it('are taken as they are on a clock that does not jump', () => {
    const clock = new CaptureClock();
    assert.equal(clock.map('video', START_US, START_US + 20_000), START_US);
    assert.equal(clock.map('audio', START_US + 5_000, START_US + 50_000), START_US + 5_000);
    assert.equal(clock.map('video', START_US + 33_333, START_US + 90_000), START_US + 33_333);
    // An interruption is not a jump: the frame arrives later, too.
    assert.equal(clock.map('video', START_US + 30e6, START_US + 30e6 + 20_000), START_US + 30e6);
  });

  for (const off of [HOUR_US, -HOUR_US])
    it(`go on when they turn out to be of a clock that is ${off / 1e6} s off, and stay in step`, () => {
      const clock = new CaptureClock();
      clock.map('video', START_US, START_US);
      clock.map('audio', START_US, START_US);
      const video = clock.map('video', START_US + 1e6 + off - 30_000, START_US + 1e6);
      assert.ok(Math.abs(video - START_US - 1e6) < 1);
      // The sound learns of the clock half a second later; 80 ms on the way instead of 30.
      const audio = clock.map('audio', START_US + 1.5e6 + off - 80_000, START_US + 1.5e6);
      const later = clock.map('video', START_US + 1.5e6 + off - 80_000, START_US + 1.5e6 - 50_000);
      assert.equal(audio, later);
    });

  it('of a second stream that begins on a foreign clock are placed by its arrival', () => {
    const clock = new CaptureClock();
    clock.map('video', START_US, START_US + 20_000);
    const audio = clock.map('audio', START_US + HOUR_US, START_US + 20_000);
    assert.ok(Math.abs(audio - START_US) < 1);
  });
});

describe('Annex B', () => {
  const SPS = Buffer.from([0x67, 1, 2, 3]);
  const PPS = Buffer.from([0x68, 4]);
  const IDR = Buffer.from([0x65, 5, 0, 0, 3, 6]);
  const unit = Buffer.concat(
    [SPS, PPS, IDR].flatMap((nal, i) => [Buffer.from(i === 1 ? [0, 0, 1] : [0, 0, 0, 1]), nal]),
  );

  it('is split at short and long start codes, not at emulation prevention', () => {
    assert.deepEqual(nalUnits(unit), [SPS, PPS, IDR]);
    assert.deepEqual(nalUnits(Buffer.concat([unit, Buffer.from([0, 0])])), [SPS, PPS, IDR]);
    assert.deepEqual(nalUnits(Buffer.from([1, 2, 3])), []);
    assert.deepEqual(nalUnits(Buffer.alloc(0)), []);
  });

  it('gives the parameter sets of key frames', () => {
    assert.deepEqual(parameterSets(unit), Buffer.from([0, 0, 0, 1, ...SPS, 0, 0, 0, 1, ...PPS]));
    const other = Buffer.from([0, 0, 1, 0x41, 9]);
    assert.equal(parameterSets(other), undefined);
  });
});
