import type { Logger } from '../../common/logger.js';
import type { I420Picture, VideoDecoder } from '../codec/types.js';
import { VideoFrameType, type VideoTrackType } from '../ipc/enums.js';
import type { EncodedUnit, RemoteVideoTrack } from '../rtc/types.js';
import type { CodecFactory } from './contracts.js';
import { FrameLossMeter } from './frame_loss_meter.js';
import { FreezeMeter } from './freeze_meter.js';
import { PictureDelivery, type PictureDeliveryParts } from './picture_delivery.js';
import type { RemoteVideoTotals } from './statistics.js';

/** Units that wait for the decoder; beyond, it skips to the next key frame. */
const DECODE_QUEUE_UNITS = 8;
/** 90 kHz. */
const TICKS_PER_MS = 90;

export interface VideoReceiverParts extends PictureDeliveryParts {
  /** Of the first frames; changed by setTrackType(). */
  trackType: VideoTrackType;
  logger: Logger;
  codecs: CodecFactory;
  /** The first unit of this track has arrived. */
  onMedia(first: EncodedUnit): void;
  /** Every unit, whoever wants it: for SEI and statistics. */
  onUnit?(unit: EncodedUnit): void;
}

/** Units of one remote track: to the host as they are, and through a decoder as pictures, each only while somebody wants it. */
export class VideoReceiver {
  readonly #encoded = new KeyFrameGate();
  readonly #decodable = new KeyFrameGate();
  /** A switch is known with the first unit of the other layer, while units of the old one still wait. */
  readonly #queue: { unit: EncodedUnit; trackType: VideoTrackType }[] = [];
  readonly #onUnit = (unit: EncodedUnit): void => this.#handle(unit);
  #decoder: VideoDecoder | undefined;
  #decoding = false;
  #begun = false;
  readonly #delivery: PictureDelivery;
  readonly #freezes = new FreezeMeter();
  readonly #losses = new FrameLossMeter();
  #delayMs = 0;
  #size = { width: 0, height: 0 };
  #decoded = 0;
  #closed = false;
  #encodedWanted = false;
  #picturesWanted = false;
  #trackType: VideoTrackType;

  constructor(
    private readonly track: RemoteVideoTrack,
    private readonly parts: VideoReceiverParts,
  ) {
    this.#trackType = parts.trackType;
    this.#delivery = new PictureDelivery(parts);
    track.on('unit', this.#onUnit);
    this.applyDemand();
  }

  /** Who begins to watch begins with a key frame. */
  applyDemand(): void {
    const { demand, uid } = this.parts;
    const trackType = this.#trackType;
    const encoded = demand.wantsEncoded(uid, trackType);
    const pictures = demand.wantsPictures(uid, trackType);
    if (encoded && !this.#encodedWanted) this.#encoded.shut();
    if (pictures && !this.#picturesWanted) this.#decodable.shut();
    const more = (encoded && !this.#encodedWanted) || (pictures && !this.#picturesWanted);
    this.#encodedWanted = encoded;
    this.#picturesWanted = pictures;
    if (!pictures) this.#stopDecoding();
    if (more) this.track.requestKeyFrame();
  }

  /** The camera's large or small stream comes from now on. */
  setTrackType(type: VideoTrackType): void {
    this.#trackType = type;
  }

  requestKeyFrame(): void {
    this.track.requestKeyFrame();
  }

  totals(): RemoteVideoTotals {
    return {
      uid: this.parts.uid,
      trackType: this.#trackType,
      track: this.track.stats(),
      ...this.#size,
      decoded: this.#decoded,
      delivered: this.#delivery.delivered,
      frozenTimes: this.#freezes.times,
      frozenMs: this.#freezes.frozenMs,
      delayMs: this.#delayMs,
      framesLost: this.#losses.lost,
    };
  }

  close(): void {
    this.#closed = true;
    this.track.off('unit', this.#onUnit);
    this.#stopDecoding();
    this.#delivery.close();
  }

  #handle(unit: EncodedUnit): void {
    if (!this.#begun) {
      this.#begun = true;
      this.parts.onMedia(unit);
    }
    this.#size = { width: unit.width, height: unit.height };
    this.#losses.arrived(unit.timestamp, unit.afterLoss);
    this.parts.onUnit?.(unit);
    if (this.#encodedWanted) this.#deliverEncoded(unit);
    if (this.#picturesWanted) this.#enqueue(unit);
  }

  #deliverEncoded(unit: EncodedUnit): void {
    if (!this.#encoded.passes(unit)) {
      this.track.requestKeyFrame();
      return;
    }
    const { uid, outbox, counters } = this.parts;
    const trackType = this.#trackType;
    const sequence = counters.next('encoded', uid, trackType);
    if (!outbox.hasRoom(unit.data.length)) {
      this.#encoded.shut();
      this.track.requestKeyFrame();
      return;
    }
    const { codec, captureTimeUs, keyFrame } = unit;
    outbox.event(
      'ENCODED_VIDEO_SAMPLE',
      {
        uid,
        track: trackType,
        type: VideoFrameType.H264Nalu,
        frame_ms: Math.round(unit.timestamp / TICKS_PER_MS),
        width: unit.width,
        height: unit.height,
        frame_num: sequence,
        alirtcd: { sequence, captureTimeUs, keyFrame, codec },
      },
      unit.data,
    );
  }

  #enqueue(unit: EncodedUnit): void {
    if (!this.#decodable.passes(unit)) {
      this.track.requestKeyFrame();
      return;
    }
    // A key frame needs nothing of what waits: a decoder that is behind catches up with it.
    if (this.#queue.length >= DECODE_QUEUE_UNITS) this.#dropQueue();
    if (this.#decodable.isShut && !unit.keyFrame) {
      this.track.requestKeyFrame();
      return;
    }
    this.#decodable.passes(unit);
    this.#queue.push({ unit, trackType: this.#trackType });
    if (!this.#decoding) void this.#decodeAll();
  }

  #dropQueue(): void {
    const { counters, uid } = this.parts;
    for (const { trackType } of this.#queue) counters.skip('picture', 1, uid, trackType);
    this.#queue.length = 0;
    this.#decodable.shut();
  }

  async #decodeAll(): Promise<void> {
    this.#decoding = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const { unit, trackType } = next;
      try {
        const decoder = this.#decoderFor(unit);
        const picture = await decoder.decode(unit.data);
        // It was closed meanwhile: nobody wants its picture any more.
        if (this.#decoder !== decoder) picture?.release?.();
        else if (picture !== undefined) this.#deliver(unit, picture, trackType);
        this.#decoded++;
      } catch (error) {
        this.parts.logger.debug({ err: error, uid: this.parts.uid }, 'a picture could not be decoded');
        this.#losses.unusable();
        this.#queue.length = 0;
        this.#decodable.shut();
        if (!this.#closed) this.track.requestKeyFrame();
      }
    }
    this.#decoding = false;
  }

  #decoderFor(unit: EncodedUnit): VideoDecoder {
    if (this.#decoder !== undefined && this.#decoder.codec !== unit.codec) this.#closeDecoder();
    this.#decoder ??= this.parts.codecs.videoDecoder(unit.codec);
    return this.#decoder;
  }

  #deliver(unit: EncodedUnit, picture: I420Picture, trackType: VideoTrackType): void {
    const { clock } = this.parts;
    this.#freezes.shown(clock.nowMs());
    this.#delayMs = Math.max(0, (clock.unixUs() - unit.captureTimeUs) / 1000);
    this.#delivery.deliver(unit, picture, trackType);
  }

  #stopDecoding(): void {
    this.#freezes.pause();
    this.#queue.length = 0;
    this.#closeDecoder();
  }

  #closeDecoder(): void {
    const decoder = this.#decoder;
    this.#decoder = undefined;
    decoder?.close().catch((error: unknown) => this.parts.logger.warn({ err: error }, 'closing a decoder failed'));
  }
}

/** Shut until a key frame, and again after a loss. */
class KeyFrameGate {
  #shut = true;

  get isShut(): boolean {
    return this.#shut;
  }

  shut(): void {
    this.#shut = true;
  }

  passes(unit: EncodedUnit): boolean {
    if (unit.keyFrame) this.#shut = false;
    else if (unit.afterLoss) this.#shut = true;
    return !this.#shut;
  }
}
