import type { Logger } from '../../common/logger.js';
import { AlirtcError, messageOf } from '../../common/errors.js';
import type { ErrorName } from '../../common/error_codes.js';
import type { CallbackName } from '../ipc/callbacks.js';
import type { CommandFields } from '../ipc/commands.js';
import type { LocalVideoTrack, PublishVideoOptions, Room } from '../rtc/types.js';
import type { EngineClock, EngineTimer } from './clock.js';
import type { CodecFactory } from './contracts.js';
import { EncodePipeline } from './encode_pipeline.js';
import { bitrateRange, type EncoderConfiguration, type Limits } from './encoder_configuration.js';
import { FrameRateLimit } from './frame_rate_limit.js';
import type { Outbox } from './outbox.js';
import { PassThrough } from './pass_through.js';
import type { PtsTimeline } from './pts_timeline.js';
import { Publishing } from './publishing.js';
import { PushQueue } from './push_queue.js';
import { readPushedPicture, type PushedPicture } from './pushed_picture.js';
import type { Settings } from './settings.js';

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
  /** Takes an access unit on its way out and may put SEI into it. */
  decorate?(accessUnit: Buffer, keyFrame: boolean): Buffer;
}

/** Pushed pictures, or pushed H.264, to one video track. Pictures wait in a short queue while the encoder works or the stream is not published. */
export class VideoPublisher {
  readonly publishing: Publishing<LocalVideoTrack>;
  readonly queue: PushQueue<PushedPicture>;
  readonly #limit = new FrameRateLimit();
  readonly #pipeline: EncodePipeline;
  readonly #passThrough = new PassThrough();
  #track: LocalVideoTrack | undefined;
  #wanted: ReadonlySet<'high' | 'low'> = new Set(['high']);
  #withPts = false;
  #pumping = false;
  #dueTimer: EngineTimer | undefined;
  #lastCaptureUs = 0;

  constructor(private readonly parts: VideoPublisherParts) {
    const { clock, logger, outbox, codecs } = parts;
    this.#pipeline = new EncodePipeline(codecs, this.#configuration);
    this.queue = new PushQueue<PushedPicture>(
      NO_DELAY_PICTURES,
      // One callback for both video queues: the interface has no more.
      (isFull) => outbox.event('VIDEO_BUFFER_FULL', { success: isFull }),
      () => parts.onConsumed(),
    );
    this.publishing = new Publishing<LocalVideoTrack>(
      {
        what: `${parts.kind} stream`,
        publish: (room) => room.publishVideo(this.#publishOptions()),
        unpublish: (room: Room, track) => room.unpublish(track),
        onTrack: (track) => this.#onTrack(track),
        onTrackGone: () => this.#onTrackGone(),
        onEdge: (oldState, newState, elapseSinceLastState) =>
          outbox.event(parts.stateCallback, {
            oldState,
            newState,
            elapseSinceLastState,
            channel: parts.channelName(),
          }),
        onFailed: (text) => outbox.error(parts.failure, { text }),
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

  clear(): void {
    this.queue.clear();
    this.#dueTimer?.cancel();
  }

  close(): Promise<void> {
    this.#onTrackGone();
    this.clear();
    return this.#pipeline.close();
  }

  #publishOptions(): PublishVideoOptions {
    const { width, height, frameRate, bitrateKbps } = this.#configuration;
    const size = width === 0 ? { width: 1280, height: 720 } : { width, height };
    const kbps = width === 0 ? Math.max(bitrateKbps, bitrateRange(1280, 720, frameRate).least) : bitrateKbps;
    return {
      source: this.parts.kind,
      name: this.parts.kind,
      layers: [{ quality: 'high', ...size, bitrateKbps: kbps }],
      frameRate,
    };
  }

  #onTrack(track: LocalVideoTrack): void {
    this.#track = track;
    this.#wanted = new Set(['high']);
    this.#limit.reset();
    this.#pipeline.requestKeyFrame();
    this.#passThrough.restart();
    track.on('key_frame_requested', () => this.#onKeyFrameRequest());
    track.on('layers_wanted', (qualities) => this.#onLayersWanted(qualities));
    track.once('ended', () => this.publishing.lost('the channel ended the track'));
    this.#pump();
  }

  #onTrackGone(): void {
    const track = this.#track;
    this.#track = undefined;
    track?.removeAllListeners('key_frame_requested');
    track?.removeAllListeners('layers_wanted');
    this.#dueTimer?.cancel();
  }

  #onLayersWanted(qualities: ReadonlySet<'high' | 'low'>): void {
    // Who comes back after a while without pictures can begin only with a key frame.
    if (qualities.has('high') && !this.#wanted.has('high')) this.#onKeyFrameRequest();
    this.#wanted = qualities;
  }

  #onKeyFrameRequest(): void {
    this.#pipeline.requestKeyFrame();
    if (!this.#passThrough.active) return;
    // Pushed H.264: only who made it can make a key frame. 1 is the interface's key frame type.
    const videoTrack = this.parts.kind === 'camera' ? 0 : 3;
    this.parts.outbox.event('EXTERNAL_ENCODER_FRAME', { videoTrack, frameType: 1, dropFrame: false });
  }

  #pump(): void {
    if (this.#pumping || this.#track === undefined) return;
    this.#pumping = true;
    void this.#work().finally(() => {
      this.#pumping = false;
      // What was pushed while the loop ended would wait for the next push.
      if (this.queue.length > 0 && this.#track !== undefined && !this.#isEarly()) this.#pump();
    });
  }

  async #work(): Promise<void> {
    for (;;) {
      const track = this.#track;
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

  async #send(track: LocalVideoTrack, pushed: PushedPicture): Promise<void> {
    const { clock, settings, kind } = this.parts;
    // RTP time follows this: it must grow, and with timestamps it is the moment at which sound of the same timestamp leaves.
    const wishedUs = this.#withPts ? clock.unixUs() : pushed.captureTimeUs;
    const black = kind === 'camera' && settings.mute.camera;
    if (!this.#wanted.has('high')) return;
    if (pushed.kind === 'h264') {
      const unit = this.#passThrough.next(pushed.data, black);
      if (unit !== undefined) this.#emit(track, unit.data, unit.keyFrame, this.#captureTime(wishedUs));
      if (unit === undefined && this.#passThrough.wantsKeyFrame) this.#onKeyFrameRequest();
      return;
    }
    const { frameRate } = this.#configuration;
    const timeMs = this.#withPts ? pushed.ptsMs : pushed.captureTimeUs / 1000;
    if (!this.#limit.allows(timeMs, frameRate)) return;
    this.#passThrough.stop();
    const captureTimeUs = this.#captureTime(wishedUs);
    const { picture, rotation } = pushed;
    const { renderMode } = settings.videoSources[kind];
    const encoded = await this.#pipeline.encode({ picture, rotation, renderMode, captureTimeUs, black });
    // The track may have gone while the encoder worked.
    if (this.#track === track) this.#emit(track, encoded.data, encoded.keyFrame, captureTimeUs);
  }

  #captureTime(wishedUs: number): number {
    this.#lastCaptureUs = Math.max(wishedUs, this.#lastCaptureUs + 1);
    return this.#lastCaptureUs;
  }

  #emit(track: LocalVideoTrack, accessUnit: Buffer, keyFrame: boolean, captureTimeUs: number): void {
    const data = this.parts.decorate?.(accessUnit, keyFrame) ?? accessUnit;
    track.send(data, { captureTimeUs, keyFrame, quality: 'high' });
  }
}
