import { EngineState, type AlirtcClient } from '../../client/index.js';
import type { ClientProcess } from './client_process.js';
import { HeapMeter, type HeapFigures } from './heap_meter.js';
import { holdingsOf, type FamilyOptions, type Holdings } from './machine.js';
import type { ClientFigures } from './protocol.js';

/** What is seen at one moment. */
export interface Sample extends Holdings {
  minute: number;
  /** By state. */
  engines: Record<string, number>;
  /** Of cores, as the daemon counts them: completed ones. */
  restarts: number;
  heaps: Partial<Record<HeapOwner, HeapFigures>>;
  clients: ClientFigures[];
  /** Resident, of the core of the engine that stays for the whole run. */
  oldestCoreMb: number | undefined;
  /** CPU of the whole family since the sample before, ms for each second. */
  cpuMsPerSecond: number;
}

export type HeapOwner = 'daemon' | 'channel server' | 'client';

export interface SamplerOptions {
  family: FamilyOptions;
  client: AlirtcClient;
  httpUrl: string;
  clients: () => readonly ClientProcess[];
  /** The inspector of a process as it is now; undefined: it has none yet. */
  inspectors: Readonly<Record<HeapOwner, () => string | undefined>>;
}

export class Sampler {
  readonly #startedMs = performance.now();
  readonly #meters = new Map<HeapOwner, { url: string; meter: HeapMeter }>();
  readonly #options: SamplerOptions;
  #cpu: { atMs: number; usedUs: Map<number, number> } = { atMs: performance.now(), usedUs: new Map() };

  constructor(options: SamplerOptions) {
    this.#options = options;
  }

  get minute(): number {
    return (performance.now() - this.#startedMs) / 60_000;
  }

  async take(): Promise<Sample> {
    const { family, client, clients } = this.#options;
    const clientFigures = await Promise.all(clients().map((process) => process.askFigures().catch(() => undefined)));
    const engines: Record<string, number> = {};
    for (const { state } of await client.listEngines()) {
      const name = (EngineState[state] ?? 'unknown').toLowerCase();
      engines[name] = (engines[name] ?? 0) + 1;
    }
    const heaps: Sample['heaps'] = {};
    for (const owner of ['daemon', 'channel server', 'client'] as const) {
      const figures = await this.#heapOf(owner);
      if (figures !== undefined) heaps[owner] = figures;
    }
    return {
      minute: this.minute,
      ...this.#holdings(family),
      engines,
      restarts: await this.#restarts(),
      heaps,
      clients: clientFigures.filter((figures) => figures !== undefined),
      oldestCoreMb: await this.#oldestCore(),
      cpuMsPerSecond: await this.#cpuLoad(),
    };
  }

  close(): void {
    for (const { meter } of this.#meters.values()) meter.close();
    this.#meters.clear();
  }

  /** For investigations: writes the heap of one of them. */
  meterOf(owner: HeapOwner): HeapMeter | undefined {
    return this.#meters.get(owner)?.meter;
  }

  async #heapOf(owner: HeapOwner): Promise<HeapFigures | undefined> {
    const url = this.#options.inspectors[owner]();
    const known = this.#meters.get(owner);
    if (url !== known?.url) {
      known?.meter.close();
      this.#meters.delete(owner);
    }
    if (url === undefined) return undefined;
    try {
      const meter = this.#meters.get(owner)?.meter ?? (await HeapMeter.open(url));
      this.#meters.set(owner, { url, meter });
      return await meter.read();
    } catch {
      // It was killed meanwhile; the next one tells its own address.
      this.#meters.delete(owner);
      return undefined;
    }
  }

  /** A new channel server has a new inspector, on another port. */
  #holdings(family: FamilyOptions): Holdings {
    const holdings = holdingsOf(family);
    const inspectors = Object.values(this.#options.inspectors).map(
      (url) => `tcp ${new URL(url() ?? 'ws://none').port}`,
    );
    const listening = holdings.listening.map((socket) =>
      inspectors.includes(socket) ? 'tcp of an inspector' : socket,
    );
    return { ...holdings, listening: listening.sort() };
  }

  async #restarts(): Promise<number> {
    const answer = await fetch(`${this.#options.httpUrl}/metrics`, { headers: { connection: 'close' } });
    const line = /^alirtcd_core_restarts_total\{outcome="completed"\} (\d+)$/m.exec(await answer.text());
    return Number(line?.[1] ?? 0);
  }

  async #oldestCore(): Promise<number | undefined> {
    const { client } = this.#options;
    const engineId = (await client.listEngines()).find(({ leaseSeconds }) => leaseSeconds === 0)?.engineId;
    const core = (await client.nodeStatus()).processes.find((process) => process.engineId === engineId);
    return engineId === undefined || core === undefined ? undefined : core.residentBytes / 1e6;
  }

  async #cpuLoad(): Promise<number> {
    const { processes } = await this.#options.client.nodeStatus();
    const now = performance.now();
    const { atMs, usedUs: before } = this.#cpu;
    const usedUs = new Map(processes.map(({ processId, cpuTimeUs }) => [processId, cpuTimeUs]));
    this.#cpu = { atMs: now, usedUs };
    // What a process used that has ended since is not known.
    const sumUs = [...usedUs].reduce((sum, [pid, used]) => sum + Math.max(0, used - (before.get(pid) ?? 0)), 0);
    return Math.round(sumUs / (now - atMs));
  }
}
