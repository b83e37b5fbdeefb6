/** `make soak-engines`: creates and releases COUNT engines (500) in a row, without and with warm cores, and prints what the daemon holds along the way. */
import { createAndRelease } from './engine_cycles.js';

const count = Number(process.env['COUNT'] ?? 500);
for (const warmCores of [0, 2]) {
  const { rows, problems } = await createAndRelease({ count, every: Math.max(1, Math.floor(count / 10)), warmCores });
  console.log(`\n## ${count} engines created and released in a row, warm cores: ${warmCores}`);
  console.table(rows);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
}
