import type { PictureReference } from '../../common/picture_ring.js';
import type { Demand, PictureLanes, VersionExtension } from '../../coreservice/ipc/extension.js';
import type { Clock } from '../clock.js';
import { refusal } from '../refusals.js';
import { CoreLanes } from './core_lanes.js';
import { demandOf } from './demand.js';
import type { Selection } from './demand.js';
import type { FrameSink } from './frame_pump.js';
import { DropOldestQueue, KeyFrameQueue } from './frame_queue.js';
import type { FrameKind, MediaFrame } from './media_frame.js';
import { MediaStream } from './media_stream.js';

/** What the hub asks of the core. */
export interface MediaHubCore {
  /** With the lanes, when there are or were any. */
  demand(demand: Demand, pictureLanes?: PictureLanes): void;
  requestKeyFrame(uid: string, track: number): void;
  /** A picture out of shared memory; undefined: it was overwritten, or is out of reach. */
  readPicture(reference: PictureReference): Buffer | undefined;
}

export const MAX_STREAMS = 64;
/** A sender is asked again for a key frame that has not come in that time. */
const KEY_FRAME_RETRY_MS = 500;

/** One open stream, for people. */
export interface StreamStatus {
  kind: Selection['kind'];
  /** Empty: everybody. */
  uids: string[];
  queued: number;
  delivered: number;
  dropped: number;
}

/** Frames of one kind since the beginning; delivered, dropped and lost are counted for each stream of a client. */
export interface FrameCounts {
  /** From the core. */
  received: number;
  delivered: number;
  /** Told as dropped: what was lost on the way from the core, and what a slow reader did not get. */
  dropped: number;
  /** Of `dropped`: what was lost before the daemon. */
  lost: number;
}

/** Routes the frames of one engine to its open streams, and tells the core what they want together. */
export class MediaHub {
  readonly #streams = new Set<MediaStream>();
  readonly #core: MediaHubCore;
  readonly #clock: Clock;
  readonly #keyFrameAskedMs = new Map<string, number>();
  /** The encoded tracks that have been seen since the first stream of them was opened: track and user id. */
  readonly #encodedSources = new Map<string, { uid: string; track: number }>();
  readonly #lanes: CoreLanes;
  #demandQueued = false;
  /** Of the core, and of the streams that are closed. */
  readonly #past = new Map<FrameKind, FrameCounts>();
  #ended: { error?: Error } | undefined;

  /** Cores make the sockets of their picture lanes in the folder; undefined: there are none. */
  constructor(core: MediaHubCore, clock: Clock, laneFolder?: string) {
    this.#core = core;
    this.#clock = clock;
    this.#lanes = new CoreLanes(laneFolder, clock, () => this.announceDemand());
  }

  /** The core can serve clients itself that ask for it. */
  get hasDirectLanes(): boolean {
    return this.#lanes.isKnown;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** What clients have open. */
  streams(): StreamStatus[] {
    return this.#clientStreams().map(({ selection, queued, delivered, dropped }) => ({
      kind: selection.kind,
      uids: [...selection.uids],
      queued,
      delivered,
      dropped,
    }));
  }

  /** Frames of all streams of clients since the beginning. */
  get totals(): { delivered: number; dropped: number } {
    const counts = [...this.counts().values()];
    const sum = (name: 'delivered' | 'dropped'): number => counts.reduce((total, one) => total + one[name], 0);
    return { delivered: sum('delivered'), dropped: sum('dropped') };
  }

  /** The same by kind, and what came from the core. */
  counts(): ReadonlyMap<FrameKind, FrameCounts> {
    const counts = new Map([...this.#past].map(([kind, past]) => [kind, { ...past }]));
    for (const stream of this.#clientStreams()) addCounts(countsOf(counts, stream.selection.kind), stream);
    return counts;
  }

  #clientStreams(): MediaStream[] {
    return [...this.#streams].filter(({ selection }) => selection.internal !== true);
  }

  /** What has ended still counts; what it writes after this does not. */
  #remember(stream: MediaStream): void {
    if (stream.selection.internal !== true) addCounts(countsOf(this.#past, stream.selection.kind), stream);
  }

  /** Opens a stream; it ends when the hub ends, or by the returned function when the client is gone. */
  open(selection: Selection, queueFrames: number, sink: FrameSink): () => void {
    if (this.#streams.size >= MAX_STREAMS)
      throw refusal('resource_exhausted', 'TOO_MANY_STREAMS', `the engine has ${MAX_STREAMS} open media streams`, {
        remedy: 'close one',
        metadata: { limit: String(MAX_STREAMS), setting: 'max-streams-per-engine' },
      });
    const queue =
      selection.kind === 'encoded'
        ? new KeyFrameQueue(queueFrames, (uid, track) => this.#askForKeyFrame(uid, track))
        : new DropOldestQueue(queueFrames);
    const stream = new MediaStream(selection, queue, sink, this.#clock);
    if (this.#ended !== undefined) {
      stream.finish(this.#ended.error);
      return () => stream.close();
    }
    this.#streams.add(stream);
    if (selection.direct === true && this.hasDirectLanes) this.#openLane(stream, sink);
    this.announceDemand();
    if (selection.kind === 'encoded') this.#beginWithKeyFrames(stream);
    return () => this.#close(stream);
  }

  deliver(frame: MediaFrame): void {
    countsOf(this.#past, frame.kind).received += 1;
    if (frame.kind === 'encoded') {
      const { uid, track } = frame;
      this.#encodedSources.set(`${track} ${uid}`, { uid, track });
      if (frame.keyFrame) this.#keyFrameAskedMs.delete(`${track} ${uid}`);
    }
    let withPayload: MediaFrame | undefined = frame.ring === undefined ? frame : undefined;
    for (const stream of this.#streams) {
      if (!stream.wants(frame)) continue;
      if (stream.selection.local === true && frame.local !== undefined) stream.offer(frame.local);
      else {
        withPayload ??= this.#fetch(frame);
        // What could not be read is seen as a gap before the next one.
        if (withPayload.ring === undefined) stream.offer(withPayload);
      }
    }
  }

  forgetUser(uid: string): void {
    for (const stream of this.#streams) stream.forget(uid);
    for (const source of this.#keyFrameAskedMs.keys())
      if (source.endsWith(` ${uid}`)) this.#keyFrameAskedMs.delete(source);
    for (const [source, { uid: user }] of this.#encodedSources) if (user === uid) this.#encodedSources.delete(source);
  }

  /** What the core says of its lanes, and that it knows them. */
  onCoreVersion(extension: Partial<VersionExtension> | undefined): void {
    if (this.#ended === undefined) this.#lanes.onVersion(extension);
  }

  /** The frames from now on are those of another core process. */
  coreReplaced(): void {
    this.#lanes.coreReplaced();
    for (const stream of this.#streams) stream.coreReplaced();
    this.#keyFrameAskedMs.clear();
    this.#encodedSources.clear();
  }

  /** Tells the core the demand once the current work is done; also to be called when the core is new. */
  announceDemand(): void {
    if (this.#demandQueued) return;
    this.#demandQueued = true;
    queueMicrotask(() => {
      this.#demandQueued = false;
      if (this.#ended !== undefined) return;
      const through = [...this.#streams].filter(({ lane }) => lane === undefined);
      this.#core.demand(demandOf(through.map(({ selection }) => selection)), this.#lanes.parameter());
    });
  }

  /** The engine has ended: every stream gets what is queued, then its end. */
  end(error?: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = error === undefined ? {} : { error };
    for (const stream of this.#streams) {
      this.#remember(stream);
      stream.finish(error);
    }
    this.#streams.clear();
    this.#lanes.end();
  }

  #openLane(stream: MediaStream, sink: FrameSink): void {
    const { selection } = stream;
    stream.lane = this.#lanes.open({
      selection,
      offered: (lane) => sink.offerDirect?.(lane),
      refused: () => {
        stream.lane = undefined;
        this.announceDemand();
      },
      lost: (error) => stream.finish(error),
      settled: (delivered, dropped) => {
        const past = countsOf(this.#past, selection.kind);
        past.delivered += delivered;
        past.dropped += dropped;
        past.received += delivered + dropped;
      },
    });
  }

  #close(stream: MediaStream): void {
    stream.close();
    if (!this.#streams.delete(stream)) return;
    this.#remember(stream);
    if (stream.lane !== undefined) this.#lanes.close(stream.lane);
    this.announceDemand();
    if (![...this.#streams].some(({ selection }) => selection.kind === 'encoded')) this.#encodedSources.clear();
  }

  /**
   * The core asks for a key frame when a track comes to be wanted. One that another stream reads already flows on, and would begin for this one with its next
   * key frame, seconds later.
   */
  #beginWithKeyFrames(stream: MediaStream): void {
    const { uids, tracks } = stream.selection;
    for (const { uid, track } of this.#encodedSources.values())
      if ((uids.size === 0 || uids.has(uid)) && (tracks.size === 0 || tracks.has(track)))
        this.#askForKeyFrame(uid, track);
  }

  /** The frame with its picture read, once for all streams; with `ring` still there: it could not be read. */
  #fetch(frame: MediaFrame): MediaFrame {
    const { ring, ...rest } = frame;
    const payload = ring === undefined ? undefined : this.#core.readPicture(ring);
    return payload === undefined ? frame : { ...rest, payload };
  }

  #askForKeyFrame(uid: string, track: number): void {
    const source = `${track} ${uid}`;
    const asked = this.#keyFrameAskedMs.get(source);
    const now = this.#clock.nowMs();
    if (asked !== undefined && now - asked < KEY_FRAME_RETRY_MS) return;
    this.#keyFrameAskedMs.set(source, now);
    this.#core.requestKeyFrame(uid, track);
  }
}

function countsOf(counts: Map<FrameKind, FrameCounts>, kind: FrameKind): FrameCounts {
  const known = counts.get(kind);
  if (known !== undefined) return known;
  const none: FrameCounts = { received: 0, delivered: 0, dropped: 0, lost: 0 };
  counts.set(kind, none);
  return none;
}

function addCounts(sum: FrameCounts, { delivered, dropped, lost, lane }: MediaStream): void {
  sum.delivered += delivered;
  sum.dropped += dropped;
  sum.lost += lost;
  if (lane !== undefined) sum.received += lane.delivered + lane.dropped;
}
