import { Mixer } from '../coreservice/codec/mixer.js';
import { round } from './support/statistics.js';

const SECONDS = 60;

/** Mixing 2, 8 and 32 speakers at 48 kHz mono in blocks of 10 ms: CPU per second of sound. */
export function mixing(): Promise<void> {
  const rows: Record<string, Record<string, number>> = {};
  for (const speakers of [2, 8, 32]) {
    const mixer = new Mixer(1);
    const sources = Array.from({ length: speakers }, (_, s) =>
      Int16Array.from({ length: 480 }, (_, i) => 6000 * Math.sin((2 * Math.PI * (200 + 37 * s) * i) / 48_000)),
    );
    for (let i = 0; i < 500; i++) mixer.mix(sources, 480);
    const before = process.cpuUsage();
    for (let i = 0; i < SECONDS * 100; i++) mixer.mix(sources, 480);
    const used = process.cpuUsage(before);
    rows[`${speakers} speakers`] = { 'CPU ms/s': round((used.user + used.system) / 1000 / SECONDS, 2) };
  }
  console.log(`\n## mixing at 48 kHz mono, ${SECONDS} s of sound`);
  console.table(rows);
  return Promise.resolve();
}
