/** Per cent of one CPU core from the growing CPU time of a process. */
export class CpuMeter {
  #last: { timeMs: number; cpuTimeUs: number } | undefined;

  /** Since the call before; 0 at first, and when the process is another one. */
  read(cpuTimeUs: number, timeMs: number): number {
    const last = this.#last;
    this.#last = { timeMs, cpuTimeUs };
    if (last === undefined || timeMs <= last.timeMs || cpuTimeUs < last.cpuTimeUs) return 0;
    return Math.round((cpuTimeUs - last.cpuTimeUs) / (timeMs - last.timeMs)) / 10;
  }
}
