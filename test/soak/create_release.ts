/** `make soak-engines`: creates and releases COUNT engines (500) in a row, without and with warm cores, and prints what the daemon holds along the way. */
import { costOf, createAndRelease } from './engine_cycles.js';
import { round } from './growth.js';

const count = Number(process.env['COUNT'] ?? 500);
for (const warmCores of [0, 2]) {
  const { rows, problems } = await createAndRelease({ count, every: Math.max(1, Math.floor(count / 10)), warmCores });
  console.log(`\n## ${count} engines created and released in a row, warm cores: ${warmCores}`);
  console.table(rows);
  const percent = (value: number): string => `${round(100 * value)} %`;
  const daemon = costOf(rows.slice(1), ({ daemonCpuMs }) => daemonCpuMs);
  const core = costOf(rows.slice(1), ({ coreCpuMs }) => coreCpuMs);
  console.log(
    `CPU time of an engine from the first row to the last, against the unit of work: daemon ${percent(daemon.growth)} (± ${percent(daemon.error)}), core ${percent(core.growth)} (± ${percent(core.error)})`,
  );
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
}
console.log(process.exitCode === 1 ? 'FAILED: something has grown' : 'PASSED: nothing has grown');
