import { cpus } from 'node:os';

/** Percent of all cores, since the last question. */
export interface CpuUsage {
  app: number;
  system: number;
}

export function cpuMeter(): () => CpuUsage {
  let last = totals();
  return () => {
    const now = totals();
    const allMs = now.allMs - last.allMs;
    const percent = (partMs: number): number =>
      allMs <= 0 ? 0 : Math.min(100, Math.round((1000 * partMs) / allMs) / 10);
    const usage = { app: percent(now.appMs - last.appMs), system: percent(now.busyMs - last.busyMs) };
    last = now;
    return usage;
  };
}

function totals(): { appMs: number; busyMs: number; allMs: number } {
  const { user, system } = process.cpuUsage();
  let allMs = 0;
  let idleMs = 0;
  for (const { times } of cpus()) {
    allMs += times.user + times.nice + times.sys + times.idle + times.irq;
    idleMs += times.idle;
  }
  return { appMs: (user + system) / 1000, busyMs: allMs - idleMs, allMs };
}
