import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the environment of `make run` says. */
export interface DemoOptions {
  seconds: number;
  /** A file of the user's; undefined: one is made. */
  input: string | undefined;
  keep: boolean;
  root: string;
  outFolder: string;
}

export function readOptions(env: NodeJS.ProcessEnv): DemoOptions {
  const seconds = Number(env['SECONDS_TO_RECORD'] ?? 10);
  if (!Number.isFinite(seconds) || seconds < 3 || seconds > 3600)
    throw new Error(`SECONDS=${env['SECONDS_TO_RECORD']}: give 3 to 3600`);
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const input = env['INPUT'];
  return {
    seconds,
    input: input === undefined || input === '' ? undefined : path.resolve(input),
    keep: env['KEEP'] === '1',
    root,
    outFolder: path.join(root, 'out', 'recordings'),
  };
}
