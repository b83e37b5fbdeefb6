import { AlirtcError } from '../../common/errors.js';
import { VideoSource } from '../../coreservice/ipc/enums.js';
import type { CallbackFields } from '../../coreservice/ipc/callbacks.js';
import type { JoinConfigFields } from '../../coreservice/ipc/commands.js';
import type { ConsumedExtension } from '../../coreservice/ipc/extension.js';
import type { SetExternalAudioSourceRequest, SetExternalVideoSourceRequest } from '../../gen/alirtc/v1/engine.js';
import type { AudioFrameData, VideoDataSample } from '../../gen/alirtc/v1/types.js';
import { renderMode, videoSource } from '../conversions.js';
import { checkAudioChunk, PUSH_SAMPLE_RATES_HZ, splitAudio } from '../media/audio_checks.js';
import type { AudioSource } from '../media/audio_checks.js';
import { PushGate } from '../media/push_gate.js';
import { checkVideoFrame } from '../media/video_checks.js';
import { invalidField, refusal, wrongState } from '../refusals.js';
import type { ChannelControl } from './channel_control.js';
import { checkOneOf, checkRange } from './checks.js';
import type { EngineContext } from './engine_context.js';
import { queueCapacity } from './join_request.js';

const MAX_FRAME_ID_BYTES = 256;
const DEFAULT_AUDIO_MS = 200;
const DEFAULT_PICTURES = 5;

/** Pushed sound and pictures: what is declared, what fits, what is handed to the core. */
export class PushControl {
  readonly #engine: EngineContext;
  readonly #channel: ChannelControl;
  readonly #drained: () => Promise<void>;
  readonly #videoDeclared = new Set<number>();
  #audioSource: AudioSource | undefined;
  #volume = 100;
  /** Milliseconds. */
  readonly audio: PushGate;
  /** Pictures. */
  readonly video: Readonly<Record<VideoSource, PushGate>>;

  /** `drained` resolves when the core's connection takes more. */
  constructor(engine: EngineContext, channel: ChannelControl, drained: () => Promise<void>) {
    this.#engine = engine;
    this.#channel = channel;
    this.#drained = drained;
    const announceVideo = (isFull: boolean): void =>
      engine.emit({ $case: 'onPushVideoFrameBufferFull', value: { isFull } });
    this.audio = new PushGate(DEFAULT_AUDIO_MS, (isFull) =>
      engine.emit({ $case: 'onPushAudioFrameBufferFull', value: { isFull } }),
    );
    this.video = {
      [VideoSource.Camera]: new PushGate(DEFAULT_PICTURES, announceVideo),
      [VideoSource.ScreenShare]: new PushGate(DEFAULT_PICTURES, announceVideo),
    };
  }

  get volume(): number {
    return this.#volume;
  }

  setVolume(volume: number): void {
    this.#volume = checkRange('volume', volume, 0, 100);
    this.#engine.set('volume', 'SET_EXTERNAL_AUDIO_PUBLISH_VOLUME', { volume });
  }

  declareVideo(request: SetExternalVideoSourceRequest): void {
    const source = videoSource.toIpc(request.sourceType, 'source_type');
    const mode = renderMode.toIpc(request.renderMode, 'render_mode');
    const { enable } = request;
    this.#engine.set(`video ${source}`, 'SET_EXTERNAL_VIDEO_SOURCE', { enable, source, renderMode: mode });
    if (enable) this.#videoDeclared.add(source);
    else this.#videoDeclared.delete(source);
  }

  declareAudio(request: SetExternalAudioSourceRequest): void {
    const { enable } = request;
    const declared = this.#audioSource ?? { sampleRateHz: 48_000, channels: 1 };
    // Without sound the shape does not matter; the interface's callers often leave it out then.
    const sampleRateHz = request.sampleRateHz === 0 && !enable ? declared.sampleRateHz : request.sampleRateHz;
    const channels = request.channelsPerFrame === 0 && !enable ? declared.channels : request.channelsPerFrame;
    checkOneOf('sample_rate_hz', sampleRateHz, PUSH_SAMPLE_RATES_HZ, 'ERR_AUDIO_DATA_ERROR');
    checkRange('channels_per_frame', channels, 1, 2, 'ERR_AUDIO_DATA_ERROR');
    const fields = { enable, sampleRate: sampleRateHz, channelsPerFrame: channels };
    this.#engine.set('audio source', 'SET_EXTERNAL_AUDIO_SOURCE', fields);
    this.#audioSource = enable ? { sampleRateHz, channels } : undefined;
  }

  onJoin(config: JoinConfigFields): void {
    const { audioMs, pictures } = queueCapacity(config);
    this.audio.setCapacity(audioMs);
    for (const gate of Object.values(this.video)) gate.setCapacity(pictures);
  }

  onRemainBuffer(fields: CallbackFields<'REMAIN_BUFFER'>): void {
    const consumed = fields.alirtcd as Partial<ConsumedExtension> | undefined;
    if (typeof consumed?.audioConsumedMs === 'number') this.audio.consumed(consumed.audioConsumedMs);
    if (typeof consumed?.cameraConsumed === 'number') this.video[VideoSource.Camera].consumed(consumed.cameraConsumed);
    if (typeof consumed?.screenConsumed === 'number')
      this.video[VideoSource.ScreenShare].consumed(consumed.screenConsumed);
  }

  onAudioFull(isFull: boolean): void {
    if (this.audio.coreEdge(isFull)) this.#engine.emit({ $case: 'onPushAudioFrameBufferFull', value: { isFull } });
  }

  onVideoFull(isFull: boolean): void {
    const passOn = Object.values(this.video).map((gate) => gate.coreEdge(isFull));
    if (passOn.includes(true)) this.#engine.emit({ $case: 'onPushVideoFrameBufferFull', value: { isFull } });
  }

  /** The core is gone: who waits for room waits for the next one. */
  interrupt(): void {
    this.audio.interrupt();
    for (const gate of Object.values(this.video)) gate.interrupt();
  }

  /** A new core: its queues are empty and its totals begin at 0. */
  reset(): void {
    this.audio.reset();
    for (const gate of Object.values(this.video)) gate.reset();
  }

  checkVideoDeclared(source: number): VideoSource {
    if (this.#videoDeclared.has(source)) return source as VideoSource;
    throw wrongState(
      'ERR_VIDEO_DATA_ERROR',
      `SetExternalVideoSource was not called for the ${source === VideoSource.Camera ? 'camera' : 'screen'}`,
      'call SetExternalVideoSource(enable) first',
    );
  }

  checkAudioDeclared(): AudioSource {
    if (this.#audioSource !== undefined) return this.#audioSource;
    throw wrongState(
      'ERR_AUDIO_DATA_ERROR',
      'SetExternalAudioSource was not called',
      'call SetExternalAudioSource(enable, rate, channels) first',
    );
  }

  /** One picture. Outside of a channel it is accepted and dropped. */
  pushVideo(sourceType: number, frame: VideoDataSample | undefined): void {
    const source = this.checkVideoDeclared(videoSource.toIpc(sourceType, 'source_type'));
    const { fields, payload } = checkVideoFrame(source, frame);
    if (!this.#channel.isJoined) return this.video[source].discard();
    if (!this.video[source].tryPush(1)) throw full('frame.data', payload, 'OnPushVideoFrameBufferFull');
    this.#engine.send('PUSH_VIDEO_FRAME', fields, payload);
  }

  /** One chunk. Outside of a channel it is accepted and dropped. */
  pushAudio(frame: AudioFrameData | undefined, field: string): void {
    const source = this.checkAudioDeclared();
    if (frame === undefined)
      throw invalidField('frame', '', 'is missing', { reason: 'ERR_AUDIO_DATA_ERROR', remedy: 'give a frame' });
    checkFrameId(frame);
    const durationMs = checkAudioChunk(field, frame.data, source);
    if (!this.#channel.isJoined) return this.audio.discard();
    if (durationMs > this.audio.capacity)
      throw refusal(
        'resource_exhausted',
        'ERR_AUDIO_BUFFER_FULL',
        `${durationMs} ms never fit into ${this.audio.capacity} ms`,
        {
          field,
          value: String(frame.data.byteLength),
          remedy: 'push smaller chunks, or use PushExternalAudioFrames',
        },
      );
    if (!this.audio.tryPush(durationMs)) throw full(field, frame.data, 'OnPushAudioFrameBufferFull');
    this.#sendAudio(frame, frame.data, frame.timestampMs, frame.isEndFrame);
  }

  /** One picture of a stream: waits for the channel and for room. */
  async streamVideo(source: VideoSource, frame: VideoDataSample, signal: AbortSignal): Promise<void> {
    this.checkVideoDeclared(source);
    const { fields, payload } = checkVideoFrame(source, frame);
    await this.#handOver(this.video[source], 1, signal, () => this.#engine.send('PUSH_VIDEO_FRAME', fields, payload));
    await this.#drained();
  }

  /** One chunk of a stream, of any length: waits for the channel and for room. */
  async streamAudio(frame: AudioFrameData, signal: AbortSignal): Promise<void> {
    const source = this.checkAudioDeclared();
    checkFrameId(frame);
    checkAudioChunk('frame.data', frame.data, source);
    for (const piece of splitAudio(frame.data, source, this.audio.capacity / 2)) {
      const timestampMs = Math.round(frame.timestampMs + piece.offsetMs);
      await this.#handOver(this.audio, piece.durationMs, signal, () =>
        this.#sendAudio(frame, piece.data, timestampMs, frame.isEndFrame && piece.isLast),
      );
    }
    await this.#drained();
  }

  /** Waits for the channel and for room; when the core dies meanwhile, for the next core to be there. */
  async #handOver(gate: PushGate, cost: number, signal: AbortSignal, send: () => void): Promise<void> {
    for (;;) {
      await this.#channel.whenJoined(signal);
      const hasRoom = await gate.push(cost, signal);
      if (!hasRoom) continue;
      // Left between the moment in which there was room and this one.
      if (!this.#channel.isJoined) {
        gate.giveBack(cost);
        continue;
      }
      try {
        return send();
      } catch (error) {
        if (!(error instanceof AlirtcError) || error.reason !== 'CORE_RESTARTING') throw error;
      }
      // The core is gone, which is told a moment later.
      if (this.#channel.isJoined)
        await this.#engine.log.waitFor({
          what: 'another core process',
          signal,
          match: (event) => (event.$case === 'engineStateChanged' ? true : undefined),
        });
    }
  }

  #sendAudio(frame: AudioFrameData, data: Uint8Array, timestamp: number, isEnd: boolean): void {
    const { frameId: frameID, sentenceId: sentenceID, sequenceId: sequenceID } = frame;
    const fields = { timestamp, isEndFrame: isEnd ? 1 : 0, frameID, sentenceID, sequenceID };
    this.#engine.send('PUSH_AUDIO_FRAME', fields, data);
  }
}

function checkFrameId({ frameId }: AudioFrameData): void {
  if (Buffer.byteLength(frameId) <= MAX_FRAME_ID_BYTES) return;
  throw invalidField('frame.frame_id', frameId, `has more than ${MAX_FRAME_ID_BYTES} bytes`, {
    reason: 'ERR_AUDIO_DATA_ERROR',
    remedy: 'shorten it',
  });
}

function full(field: string, data: Uint8Array, event: string): Error {
  return refusal(
    'resource_exhausted',
    'ERR_AUDIO_BUFFER_FULL',
    'pushed faster than it goes out; nothing of it was kept',
    {
      field,
      value: String(data.byteLength),
      remedy: `wait for ${event}(false), or use the push stream`,
    },
  );
}
