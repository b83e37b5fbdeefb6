import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Finding } from './report.js';
import { PROGRESS_BYTES } from './progress.js';

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));
/** A case that has not ended by then hangs. */
const HANG_MS = 20_000;
const LOOK_MS = 500;
/** The same property fails in many ways; so many are told. */
const MOST_FINDINGS = 12;

export interface InProcessResult {
  cases: number;
  findings: Finding[];
}

/**
 * Runs a target's properties in a process of their own until the deadline. A case that hangs, or that takes the process with it, is a finding too; the next
 * process goes on behind it.
 */
export async function runInProcess(target: string, seed: number, deadlineMs: number): Promise<InProcessResult> {
  const folder = mkdtempSync(path.join(tmpdir(), 'fuzz-'));
  const progress = path.join(folder, 'progress');
  const result: InProcessResult = { cases: 0, findings: [] };
  let next = 0;
  try {
    while (Date.now() < deadlineMs && result.findings.length < MOST_FINDINGS) {
      const how = await runWorker(target, seed, next, deadlineMs, progress, result.findings);
      next = readProgress(progress) + 1;
      if (how !== undefined) result.findings.push({ case: String(next - 1), text: how });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  result.cases = next;
  return result;
}

/** Undefined when it ended at the deadline by itself. */
function runWorker(
  target: string,
  seed: number,
  from: number,
  deadlineMs: number,
  progress: string,
  findings: Finding[],
): Promise<string | undefined> {
  closeSync(openSync(progress, 'a'));
  const child: ChildProcess = fork(WORKER, [target, String(seed), String(from), String(deadlineMs), progress], {
    execArgv: ['--import', 'tsx', '--max-old-space-size=1500'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  child.on('message', (finding) => findings.push(finding as Finding));
  return new Promise((resolve) => {
    let last = -1;
    let changedAtMs = Date.now();
    let hangs = false;
    const look = setInterval(() => {
      const now = readProgress(progress);
      if (now !== last) changedAtMs = Date.now();
      last = now;
      if (findings.length >= MOST_FINDINGS) child.kill('SIGKILL');
      if (Date.now() - changedAtMs < HANG_MS) return;
      hangs = true;
      child.kill('SIGKILL');
    }, LOOK_MS);
    child.once('exit', (code, signal) => {
      clearInterval(look);
      if (hangs) resolve(`did not end in ${HANG_MS} ms`);
      else
        resolve(
          code === 0 || findings.length >= MOST_FINDINGS ? undefined : `the process ended with ${signal ?? code}`,
        );
    });
  });
}

function readProgress(file: string): number {
  const fd = openSync(file, 'r');
  const bytes = Buffer.alloc(PROGRESS_BYTES);
  const read = readSync(fd, bytes, 0, PROGRESS_BYTES, 0);
  closeSync(fd);
  return read < PROGRESS_BYTES ? -1 : Number(bytes.readBigUInt64LE());
}
