import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import { VideoSource } from '../../../coreservice/ipc/enums.js';
import type { EngineRegistry } from '../../engine/engine_registry.js';
import type { EngineSession } from '../../engine/engine_session.js';
import type { FrameKind } from '../../media/media_frame.js';

const KINDS: Readonly<Record<FrameKind, string>> = {
  pictures: 'pictures',
  encoded: 'encoded',
  audio: 'audio',
  mixed: 'mixed',
  audioAac: 'audio_aac',
  mixedAac: 'mixed_aac',
};
const SOURCES = ['camera', 'screen', 'audio'] as const;
type Source = (typeof SOURCES)[number];

/** What engines count themselves, since each of them began. The names are those of the series. */
type Totals = Map<string, number>;

/** Frames in and out, drops by cause, and what waits in queues. Engines count; here the node's sums go up for good. */
export class MediaMetrics {
  readonly #sessions = new Map<EngineSession, Totals>();
  readonly #counters: Readonly<Record<string, Counter<string>>>;

  constructor(register: Registry, registry: Pick<EngineRegistry, 'list' | 'onCreated'>) {
    const registers = [register];
    const collect = (): void => this.#collect();
    this.#counters = {
      received: new Counter({
        name: 'alirtcd_frames_received_total',
        help: 'Frames that cores handed over, by kind of frame.',
        labelNames: ['kind'],
        registers,
        collect,
      }),
      delivered: new Counter({
        name: 'alirtcd_frames_delivered_total',
        help: 'Frames written to streams of clients, once for each stream, by kind of frame.',
        labelNames: ['kind'],
        registers,
      }),
      pushed: new Counter({
        name: 'alirtcd_frames_pushed_total',
        help: 'Pictures and chunks of sound that clients pushed and that were handed to cores.',
        labelNames: ['source'],
        registers,
      }),
      dropped: new Counter({
        name: 'alirtcd_frames_dropped_total',
        help: 'Frames that did not arrive: slow_reader (a stream of a client), core (lost before the daemon), buffer_full (a push that did not fit), no_channel (pushed while in none).',
        labelNames: ['cause'],
        registers,
      }),
    };
    this.#begin();
    gauges(register, registry);
    registry.onCreated((session) => {
      this.#sessions.set(session, new Map());
      void session.done.then(() => {
        this.#add(session);
        this.#sessions.delete(session);
      });
    });
  }

  /** Series are there before they count. */
  #begin(): void {
    for (const kind of Object.values(KINDS))
      for (const name of ['received', 'delivered']) this.#counters[name]?.inc({ kind }, 0);
    for (const source of SOURCES) this.#counters['pushed']?.inc({ source }, 0);
    for (const cause of ['slow_reader', 'core', 'buffer_full', 'no_channel'])
      this.#counters['dropped']?.inc({ cause }, 0);
  }

  #collect(): void {
    for (const session of this.#sessions.keys()) this.#add(session);
  }

  /** Adds what came since the last look. */
  #add(session: EngineSession): void {
    const seen = this.#sessions.get(session);
    if (seen === undefined) return;
    const add = (counter: string, label: string, value: string, total: number): void => {
      const key = `${counter} ${value}`;
      // What is lost is known a moment before it is told as dropped: a total that went down goes up again.
      const more = total - (seen.get(key) ?? 0);
      if (more <= 0) return;
      seen.set(key, total);
      this.#counters[counter]?.inc({ [label]: value }, more);
    };
    let [slow, lost] = [0, 0];
    for (const [kind, counts] of session.media.counts()) {
      add('received', 'kind', KINDS[kind], counts.received);
      add('delivered', 'kind', KINDS[kind], counts.delivered);
      lost += counts.lost;
      slow += Math.max(0, counts.dropped - counts.lost);
    }
    const gates = gatesOf(session);
    const sum = (name: 'refused' | 'discarded'): number => gates.reduce((all, { gate }) => all + gate.counts[name], 0);
    for (const { source, gate } of gates) add('pushed', 'source', source, gate.counts.taken);
    add('dropped', 'cause', 'slow_reader', slow);
    add('dropped', 'cause', 'core', lost);
    add('dropped', 'cause', 'buffer_full', sum('refused'));
    add('dropped', 'cause', 'no_channel', sum('discarded'));
  }
}

function gatesOf({ push }: EngineSession) {
  return [
    { source: 'camera' as Source, gate: push.video[VideoSource.Camera] },
    { source: 'screen' as Source, gate: push.video[VideoSource.ScreenShare] },
    { source: 'audio' as Source, gate: push.audio },
  ];
}

function gauges(register: Registry, registry: Pick<EngineRegistry, 'list'>): void {
  const registers = [register];
  const streams = new Gauge({
    name: 'alirtcd_media_streams',
    help: 'Open media streams of clients, by kind of frame.',
    labelNames: ['kind'],
    registers,
    collect: () => {
      for (const kind of Object.values(KINDS)) for (const gauge of [streams, queued]) gauge.set({ kind }, 0);
      for (const { media } of registry.list())
        for (const stream of media.streams()) {
          streams.inc({ kind: KINDS[stream.kind] });
          queued.inc({ kind: KINDS[stream.kind] }, stream.queued);
        }
    },
  });
  const queued = new Gauge({
    name: 'alirtcd_media_stream_queue_frames',
    help: 'Frames that wait for readers, by kind of frame.',
    labelNames: ['kind'],
    registers,
  });
  const pictures = new Gauge({
    name: 'alirtcd_push_queue_frames',
    help: 'Pushed pictures that wait in cores.',
    labelNames: ['source'],
    registers,
    collect: () => {
      const waits = { camera: 0, screen: 0, audio: 0 };
      for (const session of registry.list())
        for (const { source, gate } of gatesOf(session)) waits[source] += gate.queued;
      pictures.set({ source: 'camera' }, waits.camera);
      pictures.set({ source: 'screen' }, waits.screen);
      sound.set(waits.audio / 1000);
    },
  });
  const sound = new Gauge({
    name: 'alirtcd_push_audio_queue_seconds',
    help: 'Pushed sound that waits in cores.',
    registers,
  });
}
