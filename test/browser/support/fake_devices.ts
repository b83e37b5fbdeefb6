/** What Chromium's fake devices look and sound like: a light green pie that turns on dark green, and a beep of 400 Hz twice a second. */
import assert from 'node:assert/strict';
import type { Engine } from '../../../client/index.js';
import { level, toneShare } from '../../support/media/tones.js';
import { countChanges, type SeenPicture } from './picture_view.js';

const BLOCK = 480;
const LOUD = 0.2;
const BEEP_HZ = 400;
const BEEP_PERIOD_MS = 500;

/** Green (its planes are nearly all 0), with a light pie on it, and most pictures differ from the one before. */
export function checkFakeCamera(pictures: readonly SeenPicture[]): void {
  for (const { u, v } of pictures) assert.ok(u < 100 && v < 100, `not green: chroma ${u.toFixed()} and ${v.toFixed()}`);
  // The pie grows from nothing: some pictures have none.
  const pies = pictures.filter(({ points }) => Math.max(...points) - Math.min(...points) > 80).length;
  assert.ok(pies >= pictures.length * 0.7, `a pie on ${pies} of ${pictures.length} pictures`);
  const changes = countChanges(pictures);
  assert.ok(changes >= (pictures.length - 1) * 0.6, `${changes} of ${pictures.length} pictures changed`);
}

/** Listens for some seconds; the beeps are there, at their distance and frequency. */
export async function checkFakeMicrophone(engine: Engine, uid: string, seconds = 2.5): Promise<void> {
  const samples = await listen(engine, uid, seconds);
  const beeps = beepsOf(samples);
  assert.ok(beeps.length >= 4, `${beeps.length} beeps in ${seconds} s`);
  // A jitter buffer may stretch the time between two of them.
  const distances = beeps.slice(1).map(({ atMs }, index) => atMs - (beeps[index]?.atMs ?? 0));
  const median = distances.sort((a, b) => a - b)[Math.floor(distances.length / 2)] ?? 0;
  assert.ok(Math.abs(median - BEEP_PERIOD_MS) <= 40, `ms from one beep to the next: ${distances.join()}`);
  for (const { tone, other } of beeps)
    assert.ok(tone > other * 2, `the beep is not of ${BEEP_HZ} Hz: ${tone.toFixed(2)}, elsewhere ${other.toFixed(2)}`);
}

/** One user's sound, mono at 48 kHz. */
export async function listen(engine: Engine, uid: string, seconds: number): Promise<Int16Array> {
  const samples: number[] = [];
  for await (const frame of engine.audioFrames({ uids: [uid], signal: AbortSignal.timeout(20_000) })) {
    for (let i = 0; i < frame.samples; i++) samples.push(frame.data.readInt16LE(i * 2));
    if (samples.length >= seconds * 48_000) return Int16Array.from(samples);
  }
  throw new Error(`${uid}: only ${samples.length / 48_000} s of sound`);
}

interface Beep {
  atMs: number;
  /** Share of the power of the beep's own frequency, and the highest among others. */
  tone: number;
  other: number;
}

function beepsOf(samples: Int16Array): Beep[] {
  const beeps: Beep[] = [];
  for (let at = 0; at + 2 * BLOCK <= samples.length; at += BLOCK) {
    if (level(samples.subarray(at, at + BLOCK)) < LOUD) continue;
    const atMs = at / 48;
    if (atMs - (beeps.at(-1)?.atMs ?? -BEEP_PERIOD_MS) < 200) continue;
    const block = samples.subarray(at, at + 2 * BLOCK);
    const other = Math.max(...[250, 600, 800, 1600].map((f) => toneShare(block, 48_000, f)));
    beeps.push({ atMs, tone: toneShare(block, 48_000, BEEP_HZ), other });
  }
  return beeps;
}
