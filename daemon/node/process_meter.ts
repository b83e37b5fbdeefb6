import { Lifecycle } from '../../common/lifecycle.js';
import type { Clock } from '../clock.js';
import type { ReadProcess } from '../http/process_reader.js';

export const PROCESS_KINDS = ['daemon', 'channel-server', 'core', 'warm-core'] as const;
export type ProcessKind = (typeof PROCESS_KINDS)[number];

export interface MeteredProcess {
  kind: ProcessKind;
  processId: number;
  /** Of a core. */
  engineId: string;
}

export interface ProcessFigures {
  residentBytes: number;
  /** User and system time of all processes of the kind since the daemon started, also of those that ended. */
  cpuSeconds: number;
  /** CPU of those that run, over the last seconds: ms per second. */
  loadMs: number;
}

const INTERVAL_MS = 2_000;
/** Loads are averages over that many intervals: steady, and still of now. */
const WINDOW = 5;

interface Meter extends MeteredProcess {
  residentBytes: number;
  /** The newest last. */
  samples: { timeMs: number; cpuTimeUs: number }[];
}

/** Reads memory and CPU of the daemon's family every two seconds (proc(5)). */
export class ProcessMeter extends Lifecycle {
  readonly #list: () => MeteredProcess[];
  readonly #read: ReadProcess;
  readonly #clock: Clock;
  readonly #meters = new Map<number, Meter>();
  readonly #cpuSeconds: Record<ProcessKind, number> = {
    daemon: 0,
    'channel-server': 0,
    core: 0,
    'warm-core': 0,
  };
  #stop: () => void = () => undefined;

  /** `list` gives the processes that run now. */
  constructor(list: () => MeteredProcess[], read: ReadProcess, clock: Clock) {
    super();
    this.#list = list;
    this.#read = read;
    this.#clock = clock;
  }

  figures(kind: ProcessKind): ProcessFigures {
    const meters = [...this.#meters.values()].filter((meter) => meter.kind === kind);
    return {
      residentBytes: meters.reduce((sum, { residentBytes }) => sum + residentBytes, 0),
      cpuSeconds: this.#cpuSeconds[kind],
      loadMs: meters.reduce((sum, meter) => sum + (loadOf(meter) ?? 0), 0),
    };
  }

  /** CPU of an engine's core, ms per second; undefined: it has not run for a whole window yet. */
  coreLoadMs(engineId: string): number | undefined {
    const meter = [...this.#meters.values()].find((one) => one.engineId === engineId && one.kind === 'core');
    return meter === undefined || meter.samples.length <= WINDOW ? undefined : loadOf(meter);
  }

  /** CPU of a process over the last seconds, ms per second; undefined: it was not looked at twice yet. */
  processLoadMs(processId: number): number | undefined {
    const meter = this.#meters.get(processId);
    return meter === undefined ? undefined : loadOf(meter);
  }

  /** Reads once; else it happens by itself. */
  async sample(): Promise<void> {
    const processes = this.#list();
    const running = new Set(processes.map(({ processId }) => processId));
    for (const processId of this.#meters.keys()) if (!running.has(processId)) this.#meters.delete(processId);
    await Promise.all(processes.map((process) => this.#sampleOne(process)));
  }

  protected override async onStart(): Promise<void> {
    await this.sample();
    this.#sampleLater();
  }

  protected override onClose(): Promise<void> {
    this.#stop();
    return Promise.resolve();
  }

  #sampleLater(): void {
    this.#stop = this.#clock.after(INTERVAL_MS, () => {
      void this.sample().finally(() => {
        if (this.state === 'ready') this.#sampleLater();
      });
    });
  }

  async #sampleOne(process: MeteredProcess): Promise<void> {
    const { residentBytes, cpuTimeUs } = await this.#read(process.processId);
    // It is gone: what it used after the last look is not known.
    if (residentBytes === 0 && cpuTimeUs === 0) return;
    const meter = this.#meters.get(process.processId) ?? { ...process, residentBytes, samples: [] };
    // A core that was started ahead becomes an engine's.
    this.#meters.set(process.processId, Object.assign(meter, process));
    const before = meter.samples.at(-1)?.cpuTimeUs ?? 0;
    this.#cpuSeconds[process.kind] += Math.max(0, cpuTimeUs - before) / 1e6;
    meter.residentBytes = residentBytes;
    meter.samples.push({ timeMs: this.#clock.nowMs(), cpuTimeUs });
    if (meter.samples.length > WINDOW + 1) meter.samples.shift();
  }
}

function loadOf({ samples }: Meter): number | undefined {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || last.timeMs <= first.timeMs) return undefined;
  return (last.cpuTimeUs - first.cpuTimeUs) / (last.timeMs - first.timeMs);
}
