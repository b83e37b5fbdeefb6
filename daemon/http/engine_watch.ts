import type { EngineView, EventView, Sample } from '../../common/console_api.js';
import type { EngineSession } from '../engine/engine_session.js';
import { EndCause, EngineState } from '../../gen/alirtc/v1/events.js';
import { ClientRole, ConnectionStatus } from '../../gen/alirtc/v1/types.js';
import type { ProcessStatus } from './process_reader.js';
import { CpuMeter } from './cpu_meter.js';
import { eventView, isStatistics } from './event_view.js';
import { Figures } from './figures.js';

export interface EngineWatchListener {
  /** An event that is no statistics. */
  event: (event: EventView) => void;
  ended: () => void;
}

export const SAMPLE_INTERVAL_MS = 2_000;
/** Five minutes. */
const MAX_SAMPLES = 150;

/** What the console knows of one engine: its snapshot, the figures of its statistics callbacks, and five minutes of samples. */
export class EngineWatch {
  readonly session: EngineSession;
  readonly #figures = new Figures();
  readonly #cpu = new CpuMeter();
  readonly #createdAtMs: number;
  #samples: Sample[] = [];
  #frames: { delivered: number; dropped: number; timeMs: number } | undefined;
  #ended: { cause: string; detail: string } | undefined;
  readonly close: () => void;

  constructor(session: EngineSession, listener: EngineWatchListener) {
    this.session = session;
    this.#createdAtMs = Math.floor(session.clock.nowMs());
    this.close = session.log.onAppend((logged) => {
      this.#figures.apply(logged.event, logged.timeUs / 1000);
      if (logged.event.$case === 'ended') {
        const { cause, detail } = logged.event.value;
        this.#ended = { cause: EndCause[cause], detail };
      }
      if (isStatistics(logged.event.$case)) return;
      listener.event(eventView(session.engineId, logged));
      if (logged.event.$case === 'ended') listener.ended();
    });
  }

  get samples(): readonly Sample[] {
    return this.#samples;
  }

  takeSample(status: ProcessStatus, timeMs: number): void {
    this.#figures.prune(timeMs);
    const { sentKbps, receivedKbps, lossPercent } = this.#figures.call;
    const { delivered, dropped } = this.session.media.totals;
    const before = this.#frames ?? { delivered, dropped, timeMs };
    const seconds = Math.max(0.001, (timeMs - before.timeMs) / 1000);
    this.#frames = { delivered, dropped, timeMs };
    this.#samples.push({
      timeMs: Math.floor(timeMs),
      residentBytes: status.residentBytes,
      cpuPercent: this.#cpu.read(status.cpuTimeUs, timeMs),
      sentKbps,
      receivedKbps,
      receivedFps: this.#figures.receivedFps,
      sentFps: this.#figures.sentFps,
      lossPercent,
      deliveredPerSecond: Math.round(((delivered - before.delivered) / seconds) * 10) / 10,
      droppedPerSecond: Math.round(((dropped - before.dropped) / seconds) * 10) / 10,
    });
    if (this.#samples.length > MAX_SAMPLES) this.#samples = this.#samples.slice(-MAX_SAMPLES);
  }

  view(): EngineView {
    const { session } = this;
    const snapshot = session.snapshot();
    const { roundTripMs, lossPercent } = this.#figures.call;
    return {
      engineId: session.engineId,
      state: EngineState[snapshot.state],
      channel: snapshot.channel,
      userId: snapshot.userId,
      role: ClientRole[snapshot.role],
      connection: ConnectionStatus[snapshot.connectionStatus],
      coreProcessId: session.coreProcessId,
      createdAtMs: this.#createdAtMs,
      published: this.#figures.published(snapshot),
      users: this.#figures.users(snapshot.remoteUsers),
      clients: session.media.streams(),
      ...session.media.totals,
      roundTripMs,
      lossPercent,
      sample: this.#samples.at(-1) ?? { ...NO_SAMPLE, timeMs: this.#createdAtMs },
      ...(this.#ended === undefined ? {} : { ended: this.#ended }),
    };
  }
}

const NO_SAMPLE: Omit<Sample, 'timeMs'> = {
  residentBytes: 0,
  cpuPercent: 0,
  sentKbps: 0,
  receivedKbps: 0,
  receivedFps: 0,
  sentFps: 0,
  lossPercent: 0,
  deliveredPerSecond: 0,
  droppedPerSecond: 0,
};
