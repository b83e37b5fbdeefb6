import { execFile, spawn } from 'node:child_process';

/** Its lines go to ours as they come: for steps that take minutes. Rejects when it does not end with 0 in its time. */
export function showCommand(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  timeoutMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'], env, timeout: timeoutMs });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${[file, ...args.slice(0, 3)].join(' ')} ended with ${code ?? signal}`));
    });
  });
}

export interface Finished {
  code: number | string;
  out: string;
  err: string;
}

/** What it wrote; never rejects for its exit code. */
export function runCommand(
  file: string,
  args: readonly string[],
  env = process.env,
  timeoutMs = 60_000,
): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(file, args, { env, timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 }, (error, out, err) =>
      resolve({ code: error === null ? 0 : (error.code ?? error.signal ?? 'unknown'), out, err }),
    );
  });
}

/** What it wrote to standard output, without the last line feed; rejects with what it wrote to standard error. */
export async function readCommand(
  file: string,
  args: readonly string[],
  env = process.env,
  timeoutMs = 60_000,
): Promise<string> {
  const { code, out, err } = await runCommand(file, args, env, timeoutMs);
  if (code !== 0) throw new Error(`${[file, ...args].join(' ')} ended with ${code}: ${err.trim().slice(-2000)}`);
  return out.trimEnd();
}
