import * as z from 'zod';
import {
  AudioFormat,
  AudioTranscodingCodec,
  VideoFormat,
  VideoTrackType,
  VideoTranscodingCodec,
} from '../ipc/enums.js';
import { EMPTY_DEMAND, type AudioShape, type Demand, type PictureLane, type VideoDemand } from '../ipc/extension.js';
import type { ObserverSettings } from './settings.js';

const EVERYBODY = '*';
const EVERY_TRACK = -1;
const DEFAULT_SHAPE: AudioShape = { sampleRate: 48_000, channels: 1 };
const MAX_ENTRIES = 4096;

const Shape = { sampleRate: z.number().int().min(8000).max(96_000), channels: z.number().int().min(1).max(2) };
const Video = z.array(z.object({ uid: z.string(), track: z.number().int() })).max(MAX_ENTRIES);
const DemandJson = z.object({
  pictures: Video.default([]),
  encoded: Video.default([]),
  audio: z
    .array(z.object({ uid: z.string(), ...Shape }))
    .max(MAX_ENTRIES)
    .default([]),
  mixed: z.array(z.object(Shape)).max(64).default([]),
  audioAac: z
    .array(z.object({ uid: z.string() }))
    .max(MAX_ENTRIES)
    .default([]),
  mixedAac: z.boolean().default(false),
});

/** Throws a ZodError for what is not a demand. */
export function parseDemand(json: unknown): Demand {
  return DemandJson.parse(json);
}

/** Of one picture lane. */
export function demandOfLane({ uids, tracks }: Pick<PictureLane, 'uids' | 'tracks'>): VideoDemand[] {
  const ofTracks = tracks.length === 0 ? [EVERY_TRACK] : tracks;
  return (uids.length === 0 ? [EVERYBODY] : uids).flatMap((uid) => ofTracks.map((track) => ({ uid, track })));
}

/** What hosts without demands get: by the join's formats and the codec keys of `extra`. */
export function demandOfJoin(videoFormat: number, audioFormat: number, observer: ObserverSettings): Demand {
  const demand: Demand = { ...EMPTY_DEMAND, pictures: [], encoded: [], audio: [], mixed: [], audioAac: [] };
  const shape = { ...DEFAULT_SHAPE, ...(observer.audioSampleRate > 0 ? { sampleRate: observer.audioSampleRate } : {}) };
  if (videoFormat !== VideoFormat.None) {
    const all = { uid: EVERYBODY, track: EVERY_TRACK };
    if (observer.videoCodec !== VideoTranscodingCodec.H264) demand.pictures.push(all);
    if (observer.videoCodec !== VideoTranscodingCodec.Yuv) demand.encoded.push(all);
  }
  const pcm = observer.audioCodec !== AudioTranscodingCodec.Aac;
  const aac = observer.audioCodec !== AudioTranscodingCodec.Pcm;
  if (audioFormat === AudioFormat.MixedPcm) {
    if (pcm) demand.mixed.push(shape);
    demand.mixedAac = aac;
  }
  if (audioFormat === AudioFormat.PcmBeforeMixing) {
    if (pcm) demand.audio.push({ uid: EVERYBODY, ...shape });
    if (aac) demand.audioAac.push({ uid: EVERYBODY });
  }
  return demand;
}

/** What somebody wants now. From the first explicit demand on, only explicit ones count. */
export class DemandState {
  #ofJoin: Demand = EMPTY_DEMAND;
  #explicit: Demand | undefined;
  #lanes: readonly VideoDemand[] = [];

  constructor(private readonly onChange: () => void) {}

  setOfJoin(demand: Demand): void {
    this.#ofJoin = demand;
    this.onChange();
  }

  setExplicit(demand: Demand): void {
    this.#explicit = demand;
    this.onChange();
  }

  /** What comes by picture lanes, beside what the host wants. */
  setLanes(pictures: readonly VideoDemand[]): void {
    this.#lanes = pictures;
    this.onChange();
  }

  /** Whether anybody wants them, so that they have to be decoded. */
  wantsPictures(uid: string, track: number): boolean {
    return this.hostWantsPictures(uid, track) || matches(this.#lanes, uid, track);
  }

  hostWantsPictures(uid: string, track: number): boolean {
    return matches(this.#demand.pictures, uid, track);
  }

  wantsEncoded(uid: string, track: number): boolean {
    return matches(this.#demand.encoded, uid, track);
  }

  /** The distinct shapes in which this user's sound is wanted. */
  audioShapes(uid: string): AudioShape[] {
    return distinct(this.#demand.audio.filter((wanted) => wanted.uid === EVERYBODY || wanted.uid === uid));
  }

  wantsAac(uid: string): boolean {
    return this.#demand.audioAac.some((wanted) => wanted.uid === EVERYBODY || wanted.uid === uid);
  }

  mixedShapes(): AudioShape[] {
    return distinct(this.#demand.mixed);
  }

  wantsMixedAac(): boolean {
    return this.#demand.mixedAac;
  }

  get #demand(): Demand {
    return this.#explicit ?? this.#ofJoin;
  }
}

function matches(wanted: readonly VideoDemand[], uid: string, track: number): boolean {
  return wanted.some(
    (one) => (one.uid === EVERYBODY || one.uid === uid) && (one.track === EVERY_TRACK || sameSource(one.track, track)),
  );
}

/** The camera's large, small and super stream are one source: which of them comes is for the subscription to say. */
function sameSource(a: number, b: number): boolean {
  return (a === VideoTrackType.ScreenShare) === (b === VideoTrackType.ScreenShare);
}

function distinct(shapes: readonly AudioShape[]): AudioShape[] {
  const byKey = new Map(
    shapes.map(({ sampleRate, channels }) => [shapeKey({ sampleRate, channels }), { sampleRate, channels }]),
  );
  return [...byKey.values()];
}

export function shapeKey(shape: AudioShape): string {
  return `${shape.sampleRate}/${shape.channels}`;
}
