import type { Logger } from '../../common/logger.js';
import { AlirtcError, messageOf } from '../../common/errors.js';
import type { ErrorName } from '../../common/error_codes.js';
import type { CallbackName } from '../ipc/callbacks.js';
import type { CommandFields } from '../ipc/commands.js';
import type { LocalVideoTrack, Room } from '../rtc/types.js';
import type { EngineClock, EngineTimer } from './clock.js';
import type { CodecFactory } from './contracts.js';
import { EncodePipeline, type EncodeRequest } from './encode_pipeline.js';
import type { EncoderConfiguration, Limits } from './encoder_configuration.js';
import { FrameRateLimit } from './frame_rate_limit.js';
import type { Outbox } from './outbox.js';
import { PassThrough } from './pass_through.js';
import type { PtsTimeline } from './pts_timeline.js';
import { Publishing } from './publishing.js';
import { publishOptions } from './publish_options.js';
import { PushQueue } from './push_queue.js';
import { readPushedPicture, type PushedPicture } from './pushed_picture.js';
import type { Settings } from './settings.js';
import type { SmallStream } from './small_stream.js';
import type { LocalVideoTotals } from './statistics.js';
import { VideoOutlet } from './video_outlet.js';
import type { Decorate, Quality } from './video_outlet.js';

export const NO_DELAY_PICTURES = 5;
/** A picture later than this by its timestamp is a new beginning, as for sound. */
const LATE_MS = 100;

export interface VideoPublisherParts {
  /** camera or screen: the key of what concerns it in the settings. */
  kind: 'camera' | 'screen';
  limits: Limits;
  stateCallback: Extract<CallbackName, 'CAMERA_PUBLISH_STATE' | 'SCREEN_PUBLISH_STATE'>;
  failure: ErrorName;
  clock: EngineClock;
  logger: Logger;
  outbox: Outbox;
  codecs: CodecFactory;
  settings: Settings;
  timeline: PtsTimeline;
  channelName(): string;
  onConsumed(): void;
  decorate?: Decorate;
  /** The dual stream, for the camera. */
  small?: SmallStream;
}

/** Pushed pictures, or pushed H.264, to one video track. Pictures wait in a short queue while the encoder works or the stream is being published; while it is not, they are dropped. */
export class VideoPublisher {
  readonly publishing: Publishing<LocalVideoTrack>;
  readonly queue: PushQueue<PushedPicture>;
  readonly #limit = new FrameRateLimit();
  readonly #pipeline: EncodePipeline;
  readonly #passThrough = new PassThrough();
  readonly #outlet: VideoOutlet;
  #withPts = false;
  #pumping = false;
  #dueTimer: EngineTimer | undefined;
  #totals = { captured: 0, encoded: 0, encodedBytes: 0, qpSum: 0 };

  constructor(private readonly parts: VideoPublisherParts) {
    const { clock, logger, outbox, codecs } = parts;
    this.#outlet = new VideoOutlet(parts.decorate);
    this.#pipeline = new EncodePipeline(codecs, this.#configuration, (text) =>
      outbox.warning('ENCODER_CONFIGURATION_CORRECTED', text),
    );
    this.queue = new PushQueue<PushedPicture>(
      NO_DELAY_PICTURES,
      // One callback for both video queues: the interface has no more.
      (isFull) => outbox.event('VIDEO_BUFFER_FULL', { success: isFull }),
      () => parts.onConsumed(),
    );
    this.publishing = new Publishing<LocalVideoTrack>(
      {
        what: `${parts.kind} stream`,
        publish: (room) =>
          room.publishVideo(publishOptions(parts.kind, this.#configuration, parts.small?.layers() ?? [])),
        unpublish: (room: Room, track) => room.unpublish(track),
        onTrack: (track) => this.#onTrack(track),
        onTrackGone: () => this.#onTrackGone(),
        onRenewed: () => parts.small?.renewed(),
        onRenewalFailed: (text) => parts.small?.renewalFailed(text),
        onEdge: (oldState, newState, elapseSinceLastState) => {
          if (!this.publishing.isWanted) this.clear();
          const channel = parts.channelName();
          outbox.event(parts.stateCallback, { oldState, newState, elapseSinceLastState, channel });
          parts.small?.follow(newState);
        },
        onFailed: (text) => {
          outbox.error(parts.failure, { text });
          parts.small?.failedWithCamera(text);
        },
      },
      clock,
      logger,
    );
  }

  get #configuration(): EncoderConfiguration {
    return this.parts.settings[this.parts.kind];
  }

  setMode(withPts: boolean, capacity: number): void {
    this.#withPts = withPts;
    this.queue.capacity = capacity;
  }

  /** The settings' encoder configuration has changed: effective with the next picture. */
  applyConfiguration(): void {
    this.#pipeline.configuration = this.#configuration;
    this.parts.small?.applyConfiguration();
  }

  /** PublishLocalDualStream: in a call the track is made anew, with or without its small layer. */
  applyDual(): void {
    const { small } = this.parts;
    if (small === undefined || this.#outlet.track === undefined) return;
    // The wish may be back where it was while a renewal is under way: the state follows it all the same.
    small.followWish();
    if (small.needsRenewal) this.publishing.renew();
  }

  push(fields: CommandFields<'PUSH_VIDEO_FRAME'>, data: Buffer): void {
    const { settings, kind, outbox, limits, clock } = this.parts;
    if (!settings.videoSources[kind].enabled) {
      this.queue.discard();
      outbox.pushError('ERR_VIDEO_DATA_ERROR', {
        reason: 'VIDEO_SOURCE_NOT_DECLARED',
        text: `a ${kind} picture was pushed without SetExternalVideoSource(true, ${kind})`,
      });
      return;
    }
    // Nothing would take it out of the queue.
    if (!this.publishing.isWanted) {
      this.queue.discard();
      return;
    }
    this.#totals.captured++;
    try {
      this.queue.push(readPushedPicture(fields, data, limits, clock.unixUs()));
    } catch (error) {
      this.queue.discard();
      const field = error instanceof AlirtcError ? (error.field ?? 'data') : 'data';
      outbox.pushError('ERR_VIDEO_DATA_ERROR', { reason: `VIDEO_DATA_${field.toUpperCase()}`, text: messageOf(error) });
      return;
    }
    this.#pump();
  }

  /** While published. */
  totals(): LocalVideoTotals | undefined {
    const { track, sent } = this.#outlet;
    if (track === undefined) return undefined;
    return { track: track.stats(), ...this.#totals, sent, targetKbps: this.#configuration.bitrateKbps };
  }

  clear(): void {
    this.queue.clear();
    this.#dueTimer?.cancel();
  }

  close(): Promise<void> {
    this.#onTrackGone();
    this.clear();
    return Promise.all([this.#pipeline.close(), this.parts.small?.pipeline.close()]).then(() => undefined);
  }

  #onTrack(track: LocalVideoTrack): void {
    this.#outlet.attach(track, this.#configuration);
    this.#limit.reset();
    this.requestKeyFrames();
    this.#passThrough.restart();
    track.on('key_frame_requested', (quality) => this.#onKeyFrameRequest(quality));
    track.on('layers_wanted', (qualities) => this.#onLayersWanted(qualities));
    track.once('ended', () => this.publishing.lost(track, 'the channel ended the track'));
    // The wish may have changed while the server was asked.
    this.applyDual();
    this.#pump();
  }

  #onTrackGone(): void {
    this.#outlet.detach();
    this.#dueTimer?.cancel();
  }

  #onLayersWanted(qualities: ReadonlySet<Quality>): void {
    // Who comes back after a while without pictures can begin only with a key frame.
    for (const quality of this.#outlet.setWanted(qualities)) this.#onKeyFrameRequest(quality);
  }

  requestKeyFrames(): void {
    this.#pipeline.requestKeyFrame();
    this.parts.small?.pipeline.requestKeyFrame();
  }

  #onKeyFrameRequest(quality: Quality): void {
    if (quality === 'low') this.parts.small?.pipeline.requestKeyFrame();
    else this.#pipeline.requestKeyFrame();
    if (!this.#passThrough.active) return;
    // Pushed H.264: only who made it can make a key frame. 1 is the interface's key frame type.
    const videoTrack = this.parts.kind === 'camera' ? 0 : 3;
    this.parts.outbox.event('EXTERNAL_ENCODER_FRAME', { videoTrack, frameType: 1, dropFrame: false });
  }

  #pump(): void {
    if (this.#pumping || this.#outlet.track === undefined) return;
    this.#pumping = true;
    void this.#work().finally(() => {
      this.#pumping = false;
      // What was pushed while the loop ended would wait for the next push.
      if (this.queue.length > 0 && this.#outlet.track !== undefined && !this.#isEarly()) this.#pump();
    });
  }

  async #work(): Promise<void> {
    for (;;) {
      const track = this.#outlet.track;
      if (track === undefined || this.#isEarly()) return;
      const next = this.queue.shift();
      if (next === undefined) return;
      try {
        await this.#send(track, next);
      } catch (error) {
        this.parts.logger.warn({ err: error }, `a ${this.parts.kind} picture could not be encoded`);
        this.parts.outbox.pushError('ERR_VIDEO_DATA_ERROR', { reason: 'VIDEO_ENCODE', text: messageOf(error) });
      }
    }
  }

  /** WithPts: the head of the queue has to wait for its time, and a timer does. */
  #isEarly(): boolean {
    if (!this.#withPts) return false;
    const head = this.queue.peek();
    if (head === undefined) return false;
    const { clock, timeline } = this.parts;
    const nowMs = clock.nowMs();
    const dueMs = timeline.dueMs(head.ptsMs, nowMs);
    if (nowMs - dueMs > LATE_MS) timeline.moveTo(head.ptsMs, nowMs);
    if (dueMs <= nowMs) return false;
    this.#dueTimer?.cancel();
    this.#dueTimer = clock.after(dueMs - nowMs, () => this.#pump());
    return true;
  }

  /** Unix time at which the picture was due; a late timer does not count. */
  #dueUs(ptsMs: number): number {
    const { clock, timeline } = this.parts;
    const nowMs = clock.nowMs();
    const lateMs = Math.max(0, nowMs - timeline.dueMs(ptsMs, nowMs));
    return clock.unixUs() - Math.round(lateMs * 1000);
  }

  async #send(track: LocalVideoTrack, pushed: PushedPicture): Promise<void> {
    const { settings, kind } = this.parts;
    // RTP time follows this: it must grow, and with timestamps it is the moment at which sound of the same timestamp leaves.
    const wishedUs = this.#withPts ? this.#dueUs(pushed.ptsMs) : pushed.captureTimeUs;
    const black = kind === 'camera' && settings.mute.camera;
    const low = this.#outlet.wants('low') && this.parts.small?.inTrack === true;
    if (!this.#outlet.wants('high') && !low) return;
    if (pushed.kind === 'h264' && !black) {
      this.#passOn(pushed.data, wishedUs);
      return;
    }
    const { frameRate } = this.#configuration;
    const timeMs = this.#withPts ? pushed.ptsMs : pushed.captureTimeUs / 1000;
    if (!this.#limit.allows(timeMs, frameRate)) return;
    if (this.#passThrough.isPassing) this.requestKeyFrames();
    if (pushed.kind === 'raw') this.#passThrough.stop();
    const picture = pushed.kind === 'raw' ? pushed.picture : this.#passThrough.muted(pushed.data, this.#configuration);
    const captureTimeUs = this.#outlet.captureTime(wishedUs);
    const { renderMode } = settings.videoSources[kind];
    const request = { picture, rotation: pushed.rotation, renderMode, captureTimeUs, black };
    const asPushed = pushed.kind === 'h264';
    if (this.#outlet.wants('high')) await this.#encode(track, 'high', this.#pipeline, { ...request, asPushed });
    if (low && this.parts.small !== undefined) await this.#encode(track, 'low', this.parts.small.pipeline, request);
  }

  async #encode(
    track: LocalVideoTrack,
    quality: Quality,
    pipeline: EncodePipeline,
    request: EncodeRequest,
  ): Promise<void> {
    const encoded = await pipeline.encode(request);
    if (quality === 'high') {
      this.#totals.encoded++;
      this.#totals.encodedBytes += encoded.data.length;
      this.#totals.qpSum += encoded.qp;
    }
    // The track may have gone while the encoder worked.
    if (this.#outlet.track !== track) return;
    if (quality === 'high') this.#outlet.tellSize(encoded);
    const { data, keyFrame } = encoded;
    this.#outlet.send({ data, keyFrame, captureTimeUs: request.captureTimeUs, quality });
  }

  #passOn(accessUnit: Buffer, wishedUs: number): void {
    const unit = this.#passThrough.next(accessUnit);
    if (unit !== undefined) {
      if (unit.size !== undefined) this.#outlet.tellSize(unit.size);
      const { data, keyFrame } = unit;
      this.#outlet.send({ data, keyFrame, captureTimeUs: this.#outlet.captureTime(wishedUs), quality: 'high' });
    } else if (this.#passThrough.wantsKeyFrame) this.#onKeyFrameRequest('high');
  }
}
