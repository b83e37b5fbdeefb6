import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import { PROCESS_KINDS as KINDS } from '../process_meter.js';
import type { ProcessKind, ProcessMeter } from '../process_meter.js';

/** Memory and CPU of the daemon, its channel server and all cores together. */
export function processMetrics(register: Registry, meter: ProcessMeter): void {
  const registers = [register];
  const memory = new Gauge({
    name: 'alirtcd_process_resident_memory_bytes',
    help: 'Resident memory of the processes of a kind; files that cores share count in each of them.',
    labelNames: ['process'],
    registers,
    collect: () => {
      for (const process of KINDS) memory.set({ process }, meter.figures(process).residentBytes);
    },
  });
  const told = new Map<ProcessKind, number>();
  const cpu = new Counter({
    name: 'alirtcd_process_cpu_seconds_total',
    help: 'User and system time of the processes of a kind, also of those that ended.',
    labelNames: ['process'],
    registers,
    collect: () => {
      for (const process of KINDS) {
        const { cpuSeconds } = meter.figures(process);
        cpu.inc({ process }, Math.max(0, cpuSeconds - (told.get(process) ?? 0)));
        told.set(process, cpuSeconds);
      }
    },
  });
}
