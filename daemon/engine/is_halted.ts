import { readFileSync } from 'node:fs';

/** proc(5): stopped by a signal or by a tracer, a zombie, dead. */
const HALTED = /^[TtZXx]/;

/** True: the process does not run, and will answer nothing. */
export function isHalted(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in brackets may hold anything.
    return HALTED.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return true;
  }
}
