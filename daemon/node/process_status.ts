import { readFileSync } from 'node:fs';

/** Linux's USER_HZ, which is 100 on every platform that Node runs on. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

/** Resident memory and CPU time of a process (proc(5)); zeros when it is gone. */
export function readProcessStatus(pid: number): Promise<{ residentBytes: number; cpuTimeUs: number }> {
  try {
    // The kernel answers at once: to open, read and close it by way of the thread pool costs several times as much.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name may hold spaces and brackets; what follows the last one is numbers, from field 3 on.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const field = (number: number): number => Number(fields[number - 3] ?? 0);
    const ticks = field(14) + field(15);
    const cpuTimeUs = Math.round((ticks / TICKS_PER_SECOND) * 1_000_000);
    return Promise.resolve({ residentBytes: field(24) * PAGE_BYTES, cpuTimeUs });
  } catch {
    return Promise.resolve({ residentBytes: 0, cpuTimeUs: 0 });
  }
}
