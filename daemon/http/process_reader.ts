/** Resident memory and CPU time of a process; zeros when it is gone. */
export interface ProcessStatus {
  residentBytes: number;
  cpuTimeUs: number;
}

export type ReadProcess = (pid: number) => Promise<ProcessStatus>;
