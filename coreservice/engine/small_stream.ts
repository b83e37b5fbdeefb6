import { PublishState } from '../ipc/enums.js';
import type { PublishVideoOptions } from '../rtc/types.js';
import type { EngineClock } from './clock.js';
import type { CodecFactory } from './contracts.js';
import { EncodePipeline } from './encode_pipeline.js';
import { bitrateRange, type EncoderConfiguration } from './encoder_configuration.js';
import type { Outbox } from './outbox.js';
import { PUBLISH_EDGES, StateMachine } from './state_machine.js';

type Layer = PublishVideoOptions['layers'][number];
const MIN_SIDE = 64;

export interface SmallStreamParts {
  clock: EngineClock;
  outbox: Outbox;
  codecs: CodecFactory;
  channelName(): string;
  /** The camera's configuration. */
  large(): EncoderConfiguration;
  isEnabled(): boolean;
}

/** The dual stream: the camera once more at half its size, as the second layer of the same track. It exists only while the camera is published. */
export class SmallStream {
  readonly pipeline: EncodePipeline;
  readonly #machine: StateMachine<PublishState>;
  /** Whether the track that is published, or being published, has the layer. */
  #inTrack = false;
  /** Whether the camera's last end came while the small stream was being published. */
  #endedPublishing = false;

  constructor(private readonly parts: SmallStreamParts) {
    const { clock, codecs, outbox } = parts;
    this.pipeline = new EncodePipeline(codecs, this.#configuration);
    this.#machine = new StateMachine(
      clock,
      PublishState.Idle,
      PUBLISH_EDGES,
      (oldState, newState, elapseSinceLastState) =>
        outbox.event('DUAL_PUBLISH_STATE', { oldState, newState, elapseSinceLastState, channel: parts.channelName() }),
    );
  }

  get inTrack(): boolean {
    return this.#inTrack;
  }

  /** True when the camera's track has to be made anew. */
  get needsRenewal(): boolean {
    return this.#inTrack !== this.parts.isEnabled();
  }

  applyConfiguration(): void {
    this.pipeline.configuration = this.#configuration;
  }

  /** For a track that is about to be published. */
  layers(): Layer[] {
    this.#inTrack = this.parts.isEnabled();
    if (!this.#inTrack) return [];
    const { width, height, bitrateKbps } = this.#configuration;
    return [{ quality: 'low', width, height, bitrateKbps }];
  }

  /** The camera's state has changed. */
  follow(camera: PublishState): void {
    const published = camera === PublishState.Published && this.#inTrack;
    if (camera === PublishState.Publishing && this.parts.isEnabled()) this.#machine.to(PublishState.Publishing);
    if (published) this.#machine.to(PublishState.Published);
    if (camera === PublishState.NoPublish || camera === PublishState.Idle) {
      this.#inTrack = false;
      this.#endedPublishing = this.#machine.state === PublishState.Publishing;
      this.#machine.to(camera);
    }
  }

  /** Behind follow(NoPublish), when that was no stop but a failure. */
  failedWithCamera(text: string): void {
    if (this.#endedPublishing) this.parts.outbox.error('ERR_PUBLISH_DUAL_STREAM_FAILED', { text });
  }

  /** PublishLocalDualStream while the camera is published: the track is made anew where it has to be. */
  followWish(): void {
    this.#machine.to(this.parts.isEnabled() ? PublishState.Publishing : PublishState.NoPublish);
  }

  renewed(): void {
    if (this.#inTrack) this.#machine.to(PublishState.Published);
  }

  renewalFailed(text: string): void {
    this.#inTrack = false;
    if (this.#machine.to(PublishState.NoPublish)) this.parts.outbox.error('ERR_PUBLISH_DUAL_STREAM_FAILED', { text });
  }

  get #configuration(): EncoderConfiguration {
    const large = this.parts.large();
    const width = half(large.width);
    const height = half(large.height);
    const bitrateKbps = bitrateRange(width, height, large.frameRate).recommended;
    return { ...large, width, height, bitrateKbps };
  }
}

function half(side: number): number {
  return Math.max(MIN_SIDE, 2 * Math.round(side / 4));
}
