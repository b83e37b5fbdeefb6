/** `make soak`: MINUTES=30 ENGINES=8 SEED=1. Ends with what the node held before and after, and with exit code 1 when something has grown or went wrong. */
import { describeSample, tableOf, trendsOf, verdictOf } from './report.js';
import { Soak } from './soak.js';

const minutes = Number(process.env['MINUTES'] ?? 30);
const engines = Number(process.env['ENGINES'] ?? 8);
const seed = Number(process.env['SEED'] ?? 1);
if (!(minutes > 0) || !(engines >= 2) || !Number.isInteger(seed))
  throw new Error('MINUTES is more than 0, ENGINES at least 2, SEED a whole number');

console.log(`soak: ${minutes} minutes, ${engines} engines, seed ${seed}`);
const soak = new Soak({
  minutes,
  engines,
  seed,
  pace: { session: [10_000, 45_000], pause: [300, 2_000] },
  faultPeriod: [8_000, 25_000],
  mortalClients: 2,
  strikes: [{ kind: 'channelServerKilled', atShare: 0.15 }],
  sampleMs: Math.min(60_000, (minutes * 60_000) / 6),
  print: (line) => console.log(line),
  onSample: (sample) => console.log(describeSample(sample)),
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => soak.interrupt());
const result = await soak.run();
console.table(tableOf(result));
console.table(trendsOf(result));
console.log(
  `engines made: ${result.engines}, ports that they had: ${result.ports}, faults: ${JSON.stringify(result.faults)}, pictures read by the peer: ${result.anchorPictures}, started anew: ${result.anchorRestarts}, nobody was judged for ${result.overloadedSeconds} s in which others kept the machine busy`,
);
const problems = verdictOf(result);
for (const problem of problems) console.error(problem);
console.log(
  problems.length === 0 ? 'SOAK PASSED: everything is as it was' : `SOAK FAILED: ${problems.length} problems`,
);
process.exit(problems.length === 0 ? 0 : 1);
