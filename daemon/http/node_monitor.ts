import os from 'node:os';
import { Lifecycle } from '../../common/lifecycle.js';
import type { EngineView, EventView, FeedSnapshot, NodeSample, NodeView } from '../../common/console_api.js';
import type { Clock } from '../clock.js';
import type { EngineRegistry } from '../engine/engine_registry.js';
import type { EngineSession } from '../engine/engine_session.js';
import { ChangeFeed } from './change_feed.js';
import { CpuMeter } from './cpu_meter.js';
import { EngineWatch, SAMPLE_INTERVAL_MS } from './engine_watch.js';
import type { ReadProcess } from './process_reader.js';

export interface NodeMonitorOptions {
  registry: Pick<EngineRegistry, 'list' | 'onCreated'>;
  version: string;
  startedAtMs: number;
  maxEngines: () => number;
  access: 'read' | 'control';
  tokens: boolean;
  channelServerUrl: () => string | undefined;
  channelServerPid: () => number | undefined;
  readProcess: ReadProcess;
  clock: Clock;
}

/** Changes of an engine that come together are told once. */
const COALESCE_MS = 100;
const KEPT_EVENTS = 300;
/** Ended engines stay visible, so that one sees why. */
const KEPT_ENDED = 8;
/** Without a reader for that long nothing is put into words any more. */
const IDLE_MS = 30_000;

/** Watches the engines of this node for the console: snapshots, a feed of changes, samples every two seconds. */
export class NodeMonitor extends Lifecycle {
  readonly feed = new ChangeFeed();
  readonly #options: NodeMonitorOptions;
  readonly #watches = new Map<string, EngineWatch>();
  readonly #ended: string[] = [];
  readonly #dirty = new Set<string>();
  readonly #cpu = { daemon: new CpuMeter(), server: new CpuMeter() };
  #events: EventView[] = [];
  #sample: NodeSample = {
    timeMs: 0,
    daemonBytes: 0,
    daemonCpuPercent: 0,
    channelServerBytes: 0,
    channelServerCpuPercent: 0,
    coresBytes: 0,
    coresCpuPercent: 0,
  };
  #stopListening: () => void = () => undefined;
  #stopSampling: () => void = () => undefined;
  #stopFlush: (() => void) | undefined;
  #readers = 0;
  #lastReaderMs = -Infinity;

  constructor(options: NodeMonitorOptions) {
    super();
    this.#options = options;
  }

  get node(): NodeView {
    const { version, startedAtMs, maxEngines, access, tokens, channelServerUrl, channelServerPid } = this.#options;
    return {
      version,
      hostName: os.hostname(),
      processId: process.pid,
      startedAtMs,
      channelServerUrl: channelServerUrl() ?? '',
      channelServerEmbedded: channelServerPid() !== undefined,
      maxEngines: maxEngines(),
      access,
      tokens,
    };
  }

  get engines(): EngineView[] {
    return [...this.#watches.values()].map((watch) => watch.view());
  }

  watch(engineId: string): EngineWatch | undefined {
    return this.#watches.get(engineId);
  }

  /** Everything as it is now, and the number of the first change after it. */
  snapshot(): { snapshot: FeedSnapshot; next: number } {
    const snapshot = { node: this.node, sample: this.#sample, engines: this.engines, events: this.#events };
    return { snapshot, next: this.feed.next };
  }

  /** A reader of the feed is there until the returned function is called. */
  addReader(): () => void {
    this.#readers += 1;
    return () => {
      this.#readers -= 1;
      this.#lastReaderMs = this.#options.clock.nowMs();
    };
  }

  protected override async onStart(): Promise<void> {
    const { registry } = this.#options;
    this.#stopListening = registry.onCreated((session) => this.#add(session));
    for (const session of registry.list()) this.#add(session);
    await this.#takeSamples();
    this.#sampleLater();
  }

  protected override onClose(): Promise<void> {
    this.#stopListening();
    this.#stopSampling();
    this.#stopFlush?.();
    for (const watch of this.#watches.values()) watch.close();
    this.feed.close();
    return Promise.resolve();
  }

  #add(session: EngineSession): void {
    const { engineId } = session;
    const watch = new EngineWatch(session, {
      event: (event) => this.#onEvent(event),
      ended: () => this.#onEnded(engineId),
    });
    this.#watches.set(engineId, watch);
    this.#changed(engineId);
  }

  #onEvent(event: EventView): void {
    this.#events.push(event);
    if (this.#events.length > 2 * KEPT_EVENTS) this.#events = this.#events.slice(-KEPT_EVENTS);
    if (this.#isRead) this.feed.publish('event', event);
    this.#changed(event.engineId);
  }

  #onEnded(engineId: string): void {
    this.#watches.get(engineId)?.close();
    this.#ended.push(engineId);
    const gone = this.#ended.length > KEPT_ENDED ? this.#ended.shift() : undefined;
    if (gone === undefined) return;
    this.#watches.delete(gone);
    this.#dirty.delete(gone);
    if (this.#isRead) this.feed.publish('gone', { engineId: gone });
  }

  get #isRead(): boolean {
    return this.#readers > 0 || this.#options.clock.nowMs() - this.#lastReaderMs < IDLE_MS;
  }

  #changed(engineId: string): void {
    this.#dirty.add(engineId);
    this.#stopFlush ??= this.#options.clock.after(COALESCE_MS, () => this.#flush());
  }

  #flush(): void {
    this.#stopFlush = undefined;
    const changed = [...this.#dirty];
    this.#dirty.clear();
    if (!this.#isRead) return this.feed.forget();
    for (const engineId of changed) {
      const watch = this.#watches.get(engineId);
      if (watch !== undefined) this.feed.publish('engine', watch.view());
    }
  }

  #sampleLater(): void {
    this.#stopSampling = this.#options.clock.after(SAMPLE_INTERVAL_MS, () => {
      void this.#takeSamples().then(() => {
        if (this.state === 'ready') this.#sampleLater();
      });
    });
  }

  async #takeSamples(): Promise<void> {
    const { clock, readProcess, channelServerPid } = this.#options;
    const serverPid = channelServerPid();
    const none = { residentBytes: 0, cpuTimeUs: 0 };
    const live = [...this.#watches.values()].filter(({ session }) => session.coreProcessId > 0);
    const [daemon, server, ...cores] = await Promise.all([
      readProcess(process.pid),
      serverPid === undefined ? none : readProcess(serverPid),
      ...live.map(({ session }) => readProcess(session.coreProcessId)),
    ]);
    const timeMs = clock.nowMs();
    for (const [index, watch] of live.entries()) watch.takeSample(cores[index] ?? none, timeMs);
    const newest = live.map(({ samples }) => samples.at(-1));
    this.#sample = {
      timeMs: Math.floor(timeMs),
      daemonBytes: daemon.residentBytes,
      daemonCpuPercent: this.#cpu.daemon.read(daemon.cpuTimeUs, timeMs),
      channelServerBytes: server.residentBytes,
      channelServerCpuPercent: this.#cpu.server.read(server.cpuTimeUs, timeMs),
      coresBytes: cores.reduce((sum, core) => sum + core.residentBytes, 0),
      coresCpuPercent: Math.round(newest.reduce((sum, sample) => sum + (sample?.cpuPercent ?? 0), 0) * 10) / 10,
    };
    if (!this.#isRead) return;
    this.feed.publish('sample', this.#sample);
    for (const { session } of live) this.#dirty.add(session.engineId);
    this.#stopFlush?.();
    this.#flush();
  }
}
