import type { Logger } from '../../common/logger.js';
import { BufferDataType, PublishAvsyncMode, PublishMode, PublishState, VideoSource } from '../ipc/enums.js';
import type { JoinConfigFields } from '../ipc/commands.js';
import type { Room } from '../rtc/types.js';
import type { EngineClock, EngineTimer } from './clock.js';
import type { CodecFactory } from './contracts.js';
import { CAMERA_LIMITS, SCREEN_LIMITS } from './encoder_configuration.js';
import type { Outbox } from './outbox.js';
import { AudioPublisher, NO_DELAY_AUDIO_MS } from './publisher_audio.js';
import { NO_DELAY_PICTURES, VideoPublisher } from './publisher_video.js';
import { PtsTimeline } from './pts_timeline.js';
import { SeiSender } from './sei_sender.js';
import { SmallStream } from './small_stream.js';
import type { Settings } from './settings.js';
import type { LocalVideoTotals } from './statistics.js';

export type LocalKind = 'camera' | 'screen' | 'audio';

/** Credits go out at most this often. */
const CREDIT_PERIOD_MS = 10;
/** One unit of the WithPts audio cache. */
const CACHE_UNIT_MS = 10;

export interface LocalMediaParts {
  clock: EngineClock;
  logger: Logger;
  outbox: Outbox;
  codecs: CodecFactory;
  settings: Settings;
}

interface Stay {
  room: Room;
  channel: string;
  config: JoinConfigFields;
  /** Publishing was asked for in this channel: what Manually waits for. */
  called: Record<LocalKind, boolean>;
}

/** What we publish: camera, screen and sound, and which of them should be published now. */
export class LocalMedia {
  readonly camera: VideoPublisher;
  readonly screen: VideoPublisher;
  readonly audio: AudioPublisher;
  readonly sei: SeiSender;
  readonly #timeline = new PtsTimeline();
  #stay: Stay | undefined;
  #mayPublish = false;
  #credits = false;
  #creditTimer: EngineTimer | undefined;

  constructor(private readonly parts: LocalMediaParts) {
    this.sei = new SeiSender(() => parts.clock.nowMs());
    const common = {
      ...parts,
      timeline: this.#timeline,
      channelName: () => this.#stay?.channel ?? '',
      onConsumed: () => this.#onConsumed(),
    };
    this.camera = new VideoPublisher({
      ...common,
      kind: 'camera',
      limits: CAMERA_LIMITS,
      stateCallback: 'CAMERA_PUBLISH_STATE',
      failure: 'ERR_PUBLISH_VIDEO_STREAM_FAILED',
      small: new SmallStream({
        ...common,
        large: () => parts.settings.camera,
        isEnabled: () => parts.settings.publish.dual,
      }),
      decorate: (accessUnit, keyFrame, layer) => this.sei.decorate(accessUnit, keyFrame, layer),
    });
    this.screen = new VideoPublisher({
      ...common,
      kind: 'screen',
      limits: SCREEN_LIMITS,
      stateCallback: 'SCREEN_PUBLISH_STATE',
      failure: 'ERR_PUBLISH_SCREEN_SHARE_FAILED',
    });
    this.audio = new AudioPublisher(common);
  }

  get isPublishing(): boolean {
    return [this.camera, this.screen, this.audio].some(
      ({ publishing }) => publishing.state === PublishState.Publishing || publishing.state === PublishState.Published,
    );
  }

  video(source: number): VideoPublisher | undefined {
    if (source === VideoSource.Camera) return this.camera;
    return source === VideoSource.ScreenShare ? this.screen : undefined;
  }

  /** Joined. calledBefore: publishing calls made while the join was under way count as made in the channel. */
  enter(
    room: Room,
    channel: string,
    config: JoinConfigFields,
    mayPublish: boolean,
    calledBefore: ReadonlySet<LocalKind>,
  ): void {
    const called = {
      camera: calledBefore.has('camera'),
      screen: calledBefore.has('screen'),
      audio: calledBefore.has('audio'),
    };
    this.#stay = { room, channel, config, called };
    this.#mayPublish = mayPublish;
    this.#timeline.reset();
    const withPts = config.publishAvsyncMode === PublishAvsyncMode.WithPts;
    const pictures = withPts ? config.publishAvsyncWithPtsMaxVideoCacheSize : NO_DELAY_PICTURES;
    this.camera.setMode(withPts, pictures);
    this.screen.setMode(withPts, pictures);
    this.audio.setMode(
      withPts,
      withPts ? config.publishAvsyncWithPtsMaxAudioCacheSize * CACHE_UNIT_MS : NO_DELAY_AUDIO_MS,
    );
    for (const { publishing } of [this.camera, this.screen, this.audio]) publishing.enter(room);
    this.reconcile();
  }

  /** Back to Idle, with callbacks; what waits to be sent is dropped. */
  leave(): void {
    for (const { publishing } of [this.camera, this.screen, this.audio]) publishing.leave();
    this.#stay = undefined;
    this.sei.clear();
    this.clear();
  }

  /** retry: what failed before is tried again. */
  setMayPublish(mayPublish: boolean, retry = false): void {
    this.#mayPublish = mayPublish;
    this.reconcile(retry ? 'all' : undefined);
  }

  /** A publishing call was made in the channel. */
  called(kind: LocalKind): void {
    if (this.#stay !== undefined) this.#stay.called[kind] = true;
    this.reconcile(kind);
  }

  /** Starts and stops publishing as the settings want it; `again` is what was just asked for and is tried again after a failure. */
  reconcile(again?: LocalKind | 'all'): void {
    const stay = this.#stay;
    if (stay === undefined) return;
    const automatic = stay.config.publishMode === PublishMode.Automatically;
    const { publish, localVideo } = this.parts.settings;
    for (const kind of ['camera', 'audio', 'screen'] as const) {
      const isVideo = kind !== 'audio';
      const possible = this.#mayPublish && !(isVideo && stay.config.isAudioOnly) && (kind !== 'camera' || localVideo);
      const wanted = possible && publish[kind] && (automatic || stay.called[kind]);
      this[kind].publishing.set(wanted, again === kind || again === 'all');
    }
  }

  /** Drops what is queued; the next push starts a new time line. */
  clear(): void {
    this.camera.clear();
    this.screen.clear();
    this.audio.clear();
    this.#timeline.reset();
  }

  /** What is being published waits for the connection. */
  reconnecting(): void {
    for (const { publishing } of [this.camera, this.screen, this.audio]) publishing.setAway(true);
  }

  /** The connection was made anew: receivers begin again, and what failed while it was away is tried again. */
  reconnected(): void {
    for (const { publishing } of [this.camera, this.screen, this.audio]) publishing.setAway(false);
    this.camera.requestKeyFrames();
    this.screen.requestKeyFrames();
    this.reconcile('all');
  }

  setCredits(on: boolean): void {
    this.#credits = on;
    if (on) this.#onConsumed();
  }

  /** Answers GET_REMAIN_DATA_BUFFER_SIZE: 0 for the kind that was not asked for. Carries the credits. */
  sendRemaining(dataType: number = BufferDataType.BothAudioAndVideo): void {
    const { outbox } = this.parts;
    outbox.event('REMAIN_BUFFER', {
      audioBufferSize: dataType === BufferDataType.VideoOnly ? 0 : Math.ceil(this.audio.queue.queuedMs),
      videoBufferSize: dataType === BufferDataType.AudioOnly ? 0 : this.camera.queue.length + this.screen.queue.length,
      ...(this.#credits ? { alirtcd: this.#consumed() } : {}),
    });
  }

  videoTotals(): { camera?: LocalVideoTotals; screen?: LocalVideoTotals } {
    const camera = this.camera.totals();
    const screen = this.screen.totals();
    return { ...(camera === undefined ? {} : { camera }), ...(screen === undefined ? {} : { screen }) };
  }

  async close(): Promise<void> {
    this.leave();
    this.#creditTimer?.cancel();
    this.audio.close();
    await Promise.all([this.camera.close(), this.screen.close()]);
  }

  #consumed(): Record<string, number> {
    return {
      audioConsumedMs: this.audio.queue.consumedMs,
      cameraConsumed: this.camera.queue.consumed,
      screenConsumed: this.screen.queue.consumed,
    };
  }

  #onConsumed(): void {
    if (!this.#credits || this.#creditTimer !== undefined) return;
    this.#creditTimer = this.parts.clock.after(CREDIT_PERIOD_MS, () => {
      this.#creditTimer = undefined;
      if (this.#credits) this.sendRemaining();
    });
  }
}
