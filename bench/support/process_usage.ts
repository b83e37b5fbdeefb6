import { readFileSync } from 'node:fs';

/** Clock ticks a second of /proc/<pid>/stat: Linux has 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

export interface ProcessUsage {
  /** User and system time since the process started, all threads. */
  cpuMs: number;
  residentBytes: number;
  peakResidentBytes: number;
}

/** Reads what a process has used so far from /proc; undefined when it is gone. */
export function readProcessUsage(pid: number): ProcessUsage | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the name in parentheses and may hold spaces; fields are counted behind it (proc(5): utime 14, stime 15, rss 24).
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return {
      cpuMs: ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND,
      residentBytes: Number(fields[21]) * PAGE_BYTES,
      peakResidentBytes: Number(peak ?? 0) * 1024,
    };
  } catch {
    return undefined;
  }
}

/** Measures processes from now on. */
export class UsageMeter {
  readonly #startedAt = performance.now();
  readonly #before: Map<string, { pid: number; usage: ProcessUsage }>;

  constructor(processes: Readonly<Record<string, number>>) {
    this.#before = new Map();
    for (const [name, pid] of Object.entries(processes)) {
      const usage = readProcessUsage(pid);
      if (usage === undefined) throw new Error(`${name}: no process ${pid}`);
      this.#before.set(name, { pid, usage });
    }
  }

  /** CPU milliseconds per second of wall time, and resident megabytes, of each process. */
  read(): Record<string, { cpuMsPerSecond: number; residentMB: number }> {
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const result: Record<string, { cpuMsPerSecond: number; residentMB: number }> = {};
    for (const [name, { pid, usage }] of this.#before) {
      const now = readProcessUsage(pid);
      if (now === undefined) continue;
      result[name] = {
        cpuMsPerSecond: Math.round((now.cpuMs - usage.cpuMs) / seconds),
        residentMB: Math.round(now.residentBytes / 1e6),
      };
    }
    return result;
  }
}
