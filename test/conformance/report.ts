/** Writes docs/conformance.md from the results of the rows; ends with 1 when a call or callback has no row that passed, or a row failed. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CALLBACKS, CALLS, FURTHER_CALLBACKS, FURTHER_CALLS, type InterfaceName } from './support/interface.js';
import { RESULTS_FILE, type RowResult } from './support/row.js';

const PAGE = fileURLToPath(new URL('../../docs/conformance.md', import.meta.url));

function readResults(): RowResult[] {
  if (!existsSync(RESULTS_FILE)) return [];
  const lines = readFileSync(RESULTS_FILE, 'utf8').trim().split('\n');
  const results = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as RowResult);
  // A row that was tried again counts by its last try.
  return [...new Map(results.map((result) => [result.what, result])).values()];
}

function tableOf(names: readonly InterfaceName[], results: readonly RowResult[]): { text: string; missing: string[] } {
  const missing: string[] = [];
  const lines = names.map((name) => {
    const rows = results.filter((result) => result.covers.includes(name));
    const passed = rows.length > 0 && rows.every((result) => result.passed);
    if (!passed) missing.push(name);
    const checked = rows.map((result) => result.what).join('; ') || '-';
    const assertions = rows.reduce((sum, result) => sum + result.assertions, 0);
    const peers = [...new Set(rows.map((result) => result.peer))].sort().join(', ') || '-';
    const result = rows.length === 0 ? '**no row**' : passed ? 'passed' : '**failed**';
    return `| ${name} | ${checked} | ${assertions} | ${peers} | ${result} |`;
  });
  const head = '| name | what was checked | assertions | peer | result |\n| --- | --- | --- | --- | --- |';
  return { text: `${head}\n${lines.join('\n')}`, missing };
}

const results = readResults();
const tables = [
  ['Calls', CALLS],
  ['Further calls of the same SDK', FURTHER_CALLS],
  ['Callbacks', CALLBACKS],
  ['Further callbacks', FURTHER_CALLBACKS],
] as const;
const made = tables.map(([title, names]) => ({ title, names, ...tableOf(names, results) }));
const page = [
  '# Conformance',
  'Made by `make conformance`: every row ran on real media, through client, daemon, IPC, core service and channel server, against the peer that is named. The rows are in test/conformance.',
  `${results.length} rows, ${results.reduce((sum, row) => sum + row.assertions, 0)} assertions.`,
  ...made.flatMap(({ title, names, text }) => [`## ${title} (${names.length})`, text]),
];
writeFileSync(PAGE, `${page.join('\n\n')}\n`);
const missing = made.flatMap((table) => table.missing);
const failed = results.filter((result) => !result.passed);
for (const name of missing) console.error(`no passed row: ${name}`);
for (const row of failed) console.error(`failed: ${row.what}`);
const slowest = [...results].sort((a, b) => b.seconds - a.seconds).slice(0, 15);
for (const { seconds, what } of slowest) console.log(`${seconds.toFixed(1)} s: ${what}`);
console.log(`${results.length - failed.length} passed, ${failed.length} failed`);
process.exitCode = missing.length + failed.length > 0 ? 1 : 0;
