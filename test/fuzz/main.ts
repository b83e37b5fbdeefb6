/**
 * `make fuzz`: MINUTES (10) for each TARGET (ipc,grpc,websocket,rtp), half of them for its part without sockets where it has one. SEED makes the same inputs again;
 * CASE=property:index runs that one case. Exit code 1 when something was found.
 */
import { liveTargets } from './live/all.js';
import { PROPERTIES } from './properties/all.js';
import { runInProcess } from './support/in_process.js';
import { runBoundedCase } from './support/property.js';
import { print, type TargetReport } from './support/report.js';

const MINUTE_MS = 60_000;
const TARGETS = ['ipc', 'grpc', 'websocket', 'rtp'];
/** Of a target that has both parts. */
const IN_PROCESS_SHARE = 0.4;

const minutes = Number(process.env['MINUTES'] || 10);
const seed = Number(process.env['SEED'] || Date.now() % 1_000_000);
const targets = (process.env['TARGET'] || TARGETS.join(',')).split(',');
const one = process.env['CASE'] || undefined;

async function runOne(target: string, text: string): Promise<void> {
  const [name = '', index = ''] = text.split(':');
  const property = PROPERTIES[target]?.find((each) => each.name === name);
  if (property !== undefined) await runBoundedCase(property, seed, Number(index));
  else {
    const live = (await liveTargets(target)).find((each) => each.name === name);
    if (live === undefined) throw new Error(`${target} has no "${name}"`);
    const { findings } = await live.run({ seed, from: Number(index), deadlineMs: Infinity, cases: 1 });
    if (findings.length > 0) throw new Error(findings.map(({ text: said }) => said).join('\n'));
  }
  console.log(`TARGET=${target} SEED=${seed} CASE=${text} holds`);
}

async function runTarget(target: string): Promise<TargetReport> {
  const report: TargetReport = { target, seed, minutes: 0, counts: {}, findings: [] };
  const startedAt = Date.now();
  const lives = await liveTargets(target);
  const hasProperties = PROPERTIES[target] !== undefined;
  const share = !hasProperties ? 0 : lives.length === 0 ? 1 : IN_PROCESS_SHARE;
  if (hasProperties) {
    const { cases, findings } = await runInProcess(target, seed, Date.now() + share * minutes * MINUTE_MS);
    report.counts['in process'] = cases;
    report.findings.push(...findings);
  }
  for (const live of lives) {
    const ms = ((1 - share) / lives.length) * minutes * MINUTE_MS;
    const { counts, findings } = await live.run({ seed, from: 0, deadlineMs: Date.now() + ms, cases: Infinity });
    for (const [name, count] of Object.entries(counts)) report.counts[`${live.name} ${name}`] = count;
    report.findings.push(...findings);
  }
  report.minutes = (Date.now() - startedAt) / MINUTE_MS;
  return report;
}

for (const target of targets) {
  if (!TARGETS.includes(target)) throw new Error(`TARGET=${target}: there are ${TARGETS.join(', ')}`);
  if (one !== undefined) {
    await runOne(target, one);
    continue;
  }
  const report = await runTarget(target);
  print(report);
  if (report.findings.length > 0) process.exitCode = 1;
}
process.exit();
