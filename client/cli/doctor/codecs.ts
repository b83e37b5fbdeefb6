import { execFile } from 'node:child_process';
import * as z from 'zod';
import { failure, ok } from './check.js';
import type { Check, DoctorContext, Finding } from './check.js';

const Results = z.record(z.string(), z.object({ ok: z.boolean(), ms: z.number(), text: z.string() }));
export type CodecResults = z.output<typeof Results>;

export interface CodecFacts {
  /** By the codec's name; undefined: `error` says why not. */
  results?: CodecResults;
  error?: string;
}

const TIMEOUT_MS = 8_000;
const WANTED = ['h264', 'vp8', 'opus'];

export const codecs: Check = { name: 'codecs', run: look };

/** In a core process: a library for another processor ends that one, not this. */
async function look({ config, signal }: DoctorContext): Promise<Finding[]> {
  const file = config['builtin-core-service'];
  const { failed, out, err } = await new Promise<{ failed: Error | null; out: string; err: string }>((resolve) =>
    execFile(file, ['--self-test'], { timeout: TIMEOUT_MS, killSignal: 'SIGKILL', signal }, (failed, out, err) =>
      resolve({ failed, out, err }),
    ),
  );
  const last = out.trim().split('\n').pop() ?? '';
  const results = Results.safeParse(parsed(last));
  if (results.success) return judgeCodecs({ results: results.data });
  const reason = failed === null ? 'it said nothing' : (lastLine(err) ?? failed.message);
  return judgeCodecs({ error: `${file} --self-test: ${reason}` });
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function lastLine(text: string): string | undefined {
  const lines = text.trim().split('\n');
  return lines.find((line) => /error/i.test(line)) ?? (text.trim() === '' ? undefined : lines.pop());
}

export function judgeCodecs({ results, error }: CodecFacts): Finding[] {
  const remedy =
    'install the package again with its optional dependencies (@seydx/node-av-linux-x64 or -arm64): npm install alirtcd';
  if (results === undefined) return [failure(error ?? 'the codecs were not tried', remedy)];
  const names = [...new Set([...WANTED, ...Object.keys(results)])];
  return names.map((name) => {
    const result = results[name];
    if (result === undefined) return failure(`${name}: was not tried by this core service`, remedy);
    return result.ok
      ? ok(`${name}: ${result.text}, ${Math.round(result.ms)} ms`)
      : failure(`${name}: ${result.text}`, remedy);
  });
}
