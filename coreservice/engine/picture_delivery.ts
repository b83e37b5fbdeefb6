import { PictureRingWriter, type PictureReference } from '../../common/picture_ring.js';
import type { I420Picture } from '../codec/types.js';
import { VideoFrameType, type VideoTrackType } from '../ipc/enums.js';
import type { EncodedUnit } from '../rtc/types.js';
import type { EngineClock } from './clock.js';
import type { DemandState } from './demand.js';
import type { FrameCounters } from './frame_counters.js';
import type { Outbox } from './outbox.js';
import type { PictureLanes } from './picture_lanes.js';
import type { Settings } from './settings.js';

/** 90 kHz. */
const TICKS_PER_MS = 90;
const SLICE_P = 0;
const SLICE_I = 2;

export interface PictureDeliveryParts {
  uid: string;
  clock: EngineClock;
  outbox: Outbox;
  demand: DemandState;
  lanes: PictureLanes;
  settings: Settings;
  counters: FrameCounters;
}

/** The decoded pictures of one remote track on their way out: into shared memory once, to the lanes that want them, and to the host when it asked itself. */
export class PictureDelivery {
  readonly #ring = new PictureRingWriter();
  #lastPictureMs = -Infinity;
  #delivered = 0;

  constructor(private readonly parts: PictureDeliveryParts) {}

  /** Pictures that somebody got. */
  get delivered(): number {
    return this.#delivered;
  }

  /** Takes the picture over, and gives its memory back. */
  deliver(unit: EncodedUnit, picture: I420Picture, trackType: VideoTrackType): void {
    const { uid, outbox, demand, lanes, counters, settings, clock } = this.parts;
    const nowMs = clock.nowMs();
    const periodMs = settings.videoCallbackPeriodMs;
    if (periodMs > 0 && nowMs - this.#lastPictureMs < periodMs) {
      picture.release?.();
      return;
    }
    this.#lastPictureMs = nowMs;
    const sequence = counters.next('picture', uid, trackType);
    const ring = settings.pictureRing ? this.#ring.write(...(picture.planes ?? [picture.data])) : undefined;
    const byLane = lanes.wants(uid, trackType);
    if (byLane) this.#toLanes(unit, picture, trackType, sequence, ring);
    const byHost =
      demand.hostWantsPictures(uid, trackType) && (ring !== undefined || outbox.hasRoom(picture.data.length));
    if (byLane || byHost) this.#delivered++;
    if (byHost) this.#toHost(unit, picture, trackType, sequence, ring);
    else picture.release?.();
  }

  close(): void {
    this.#ring.close();
  }

  #toLanes(
    unit: EncodedUnit,
    picture: I420Picture,
    track: VideoTrackType,
    frameNum: number,
    localFrame: PictureReference | undefined,
  ): void {
    this.parts.lanes.deliver({
      uid: this.parts.uid,
      track,
      captureTimeUs: Math.floor(unit.captureTimeUs),
      frameMs: Math.round(unit.timestamp / TICKS_PER_MS),
      frameNum,
      width: picture.width,
      height: picture.height,
      qp: 0,
      sliceType: sliceOf(unit),
      localFrame,
      // Each lane's message is a copy.
      data: localFrame === undefined ? picture.data : undefined,
    });
  }

  #toHost(
    unit: EncodedUnit,
    picture: I420Picture,
    track: VideoTrackType,
    sequence: number,
    ring: PictureReference | undefined,
  ): void {
    const { captureTimeUs } = unit;
    this.parts.outbox.picture(
      {
        uid: this.parts.uid,
        track,
        type: VideoFrameType.H264,
        frame_ms: Math.round(unit.timestamp / TICKS_PER_MS),
        width: picture.width,
        height: picture.height,
        frame_num: sequence,
        qp: 0,
        mv_infos: [],
        slice_type: sliceOf(unit),
        alirtcd: { sequence, captureTimeUs, ...(ring === undefined ? {} : { ring }) },
      },
      picture,
      ring !== undefined,
    );
  }
}

function sliceOf(unit: EncodedUnit): number {
  return unit.keyFrame ? SLICE_I : SLICE_P;
}
