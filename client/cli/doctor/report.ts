import type { CheckResult } from './doctor.js';
import type { Finding, Verdict } from './check.js';

export interface ReportStyle {
  /** A terminal that shows more than ASCII, and colours. */
  rich: boolean;
}

const RICH: Readonly<Record<Verdict, string>> = {
  ok: '\u001b[32m✓\u001b[0m',
  info: '\u001b[2m·\u001b[0m',
  warning: '\u001b[33m!\u001b[0m',
  failure: '\u001b[31m✗\u001b[0m',
};
const PLAIN: Readonly<Record<Verdict, string>> = { ok: 'ok  ', info: '-   ', warning: 'WARN', failure: 'FAIL' };
const NAME_WIDTH = 15;

/** The lines of one check: a finding each, with its remedy below it. */
export function reportLines({ check, findings }: CheckResult, { rich }: ReportStyle): string[] {
  return findings.flatMap(({ verdict, finding, remedy }) => {
    const mark = (rich ? RICH : PLAIN)[verdict];
    const indent = ' '.repeat((rich ? 1 : 4) + 1 + NAME_WIDTH);
    const [first = '', ...rest] = printable(finding).split('\n');
    return [
      `${mark} ${check.padEnd(NAME_WIDTH)} ${first}`,
      ...rest.map((line) => `${indent} ${line}`),
      ...(remedy === undefined ? [] : [`${indent} ${rich ? '→' : '->'} ${printable(remedy)}`]),
    ];
  });
}

/** What others wrote (last lines of a core, answers of a server) moves no cursor. */
function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n]/gu, ' ');
}

export interface Summary {
  failures: number;
  warnings: number;
}

export function summaryOf(results: readonly CheckResult[]): Summary {
  const count = (verdict: Verdict): number =>
    results.flatMap(({ findings }): readonly Finding[] => findings).filter((one) => one.verdict === verdict).length;
  return { failures: count('failure'), warnings: count('warning') };
}

export function summaryText({ failures, warnings }: Summary): string {
  if (failures === 0 && warnings === 0) return 'alirtcd can run here.';
  const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
  return failures === 0
    ? `alirtcd can run here; ${count(warnings, 'warning')}.`
    : `${count(failures, 'failure')}, ${count(warnings, 'warning')}.`;
}
