import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import type { Finding } from '../../../client/cli/doctor/check.js';
import { runProgram } from '../../../client/cli/program.js';

export interface DoctorResult {
  code: number;
  findings: (Finding & { check: string })[];
  seconds: number;
}

/** An installation in a folder of its own, and alirtc doctor run on it. */
export class DoctorScene implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  static async create(): Promise<DoctorScene> {
    return new DoctorScene(await mkdtemp(path.join(os.tmpdir(), 'doctor-')));
  }

  file(name: string): string {
    return path.join(this.folder, name);
  }

  async write(name: string, text: string, mode = 0o600): Promise<string> {
    await writeFile(this.file(name), text, { mode });
    return this.file(name);
  }

  /** With settings over those of an installation that is in order and alone on the machine. */
  async run(settings: Record<string, unknown> = {}): Promise<DoctorResult> {
    const config = await this.write(
      'alirtcd.yaml',
      stringify({
        listen: [`unix:${this.file('alirtcd.sock')}`],
        'http-listen': 'off',
        'log-root': this.file('log'),
        'max-engines': 2,
        ...settings,
      }),
    );
    const [out, err]: [string[], string[]] = [[], []];
    const beginMs = performance.now();
    const code = await runProgram(['--json', 'doctor', '--config', config], {
      print: (line) => void out.push(line),
      note: (line) => void err.push(line),
      signal: new AbortController().signal,
      env: { HOME: this.folder },
      readStdin: () => Promise.resolve(''),
      interactive: false,
    });
    const seconds = (performance.now() - beginMs) / 1000;
    assert.equal(out.length, 1, err.join('\n'));
    return { code, seconds, findings: (JSON.parse(out[0] ?? '') as { findings: DoctorResult['findings'] }).findings };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}

/** The one finding of the check whose text fits; its remedy fits, too. */
export function expectFinding(
  { findings }: DoctorResult,
  check: string,
  verdict: Finding['verdict'],
  finding: RegExp,
  remedy?: RegExp,
): void {
  const fitting = findings.filter((one) => one.check === check && finding.test(one.finding));
  assert.equal(fitting.length, 1, `${check} ${finding}: ${JSON.stringify(findings, undefined, 1)}`);
  assert.equal(fitting[0]?.verdict, verdict, JSON.stringify(fitting));
  if (remedy !== undefined) assert.match(fitting[0]?.remedy ?? '', remedy);
}

export function faultsOf({ findings }: DoctorResult): string[] {
  return findings
    .filter(({ verdict }) => verdict === 'failure' || verdict === 'warning')
    .map(({ check, verdict, finding }) => `${verdict} ${check}: ${finding}`);
}
