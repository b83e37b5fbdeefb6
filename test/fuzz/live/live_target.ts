import type { Finding } from '../support/report.js';

export interface LiveOptions {
  seed: number;
  /** The first case. */
  from: number;
  deadlineMs: number;
  /** At most so many. */
  cases: number;
}

/** A part of a target with real processes and sockets. What it sends follows from seed and index alone; what comes back, from time too. */
export interface LiveTarget {
  name: string;
  run: (options: LiveOptions) => Promise<{ counts: Record<string, number>; findings: Finding[] }>;
}

/** The indexes of the cases that there is time for. */
export function* indexes({ from, cases, deadlineMs }: LiveOptions): Generator<number> {
  for (let index = from; index < from + cases && Date.now() < deadlineMs; index++) yield index;
}

/** Rejects with that text when it takes longer. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not in ${ms} ms`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

export function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message).slice(0, 3000) : String(error);
}

/** What is started beforehand is started once more, twice at most: a machine that others use may be too slow for its deadline. */
export async function persistently<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++)
    try {
      return await start();
    } catch (error) {
      if (attempt === 3) throw error;
    }
}
