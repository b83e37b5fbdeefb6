import { status } from '@grpc/grpc-js';
import { EngineServiceService } from '../gen/alirtc/v1/engine.js';
import { MediaServiceService } from '../gen/alirtc/v1/media.js';
import type { PushExternalAudioFramesRequest, PushExternalVideoFramesRequest } from '../gen/alirtc/v1/media.js';
import { AudioFrameData, VideoDataSample } from '../gen/alirtc/v1/types.js';
import type { VideoSource } from '../gen/alirtc/v1/types.js';
import { EngineCalls } from './engine_calls.js';
import { given } from './engine_options.js';
import type { Deadlines, ExternalAudioFormat, Fields } from './engine_options.js';
import { EventListeners } from './event_listeners.js';
import type { ListenerEvents } from './event_listeners.js';
import { EventStream } from './event_stream.js';
import type { EventsOptions } from './event_stream.js';
import { FRAME_METHODS } from './frames.js';
import type * as frames from './frames.js';
import { LeaseRenewal } from './lease_renewal.js';
import type { MessageStream } from './message_stream.js';
import { openFrameStream } from './message_stream.js';
import type { FrameOrLane, NumberedFrame } from './laned_call.js';
import { PictureStream } from './picture_stream.js';
import type { PictureWays } from './picture_stream.js';
import { PUSH_AUDIO_STREAM, PUSH_VIDEO_FRAME, PUSH_VIDEO_STREAM } from './push_codec.js';
import { PushStream } from './push_stream.js';
import { AlirtcStatusError, invalidArgument } from './status_error.js';
import type { CallOptions, Method, Transport } from './transport.js';

/** One pushed picture; width, height, format and data at least. Strides: 0 means without padding. */
export type VideoFrameInput = Fields<VideoDataSample> & { data: Uint8Array };
/** One pushed chunk of sound: signed 16-bit little-endian, interleaved, a whole number of samples. */
export type AudioFrameInput = Fields<AudioFrameData> & { data: Uint8Array };

export type VideoPush = PushStream<VideoFrameInput, PushExternalVideoFramesRequest>;
export type AudioPush = PushStream<AudioFrameInput, PushExternalAudioFramesRequest>;

/** More pushes than these may not wait for credits; a caller that awaits its pushes never has more than one. */
const MAX_PENDING_PUSHES = 256;
const PICTURES_AHEAD = 2;
const FRAMES_AHEAD = 8;

/** One virtual user in at most one channel. */
export class Engine extends EngineCalls {
  /** The port between daemon and core process; 0 when this object was made by client.engine(). */
  readonly corePort: number;
  readonly coreProcessId: number;
  readonly #listeners: EventListeners;
  readonly #renewal: LeaseRenewal;
  #released: Promise<void> | undefined;

  constructor(
    transport: Transport,
    created: { engineId: string; corePort: number; coreProcessId: number; leaseSeconds?: number },
    deadlines: Deadlines,
  ) {
    super(transport, created.engineId, deadlines);
    this.corePort = created.corePort;
    this.coreProcessId = created.coreProcessId;
    this.#listeners = new EventListeners(() => this.events());
    this.#renewal = new LeaseRenewal(created.leaseSeconds ?? 0, () => this.renewLease());
  }

  /** The engine's callbacks in order, as an async iterator: a snapshot first, "ended" last. Resumes by itself. */
  events(options: EventsOptions = {}): EventStream {
    return new EventStream(this.transport, this.engineId, options);
  }

  /**
   * Calls the listener for every event of that name from now on; "end" tells that no more come, with the error if there was one. Returns what takes the
   * listener off again. All listeners share one event stream, which is open while there is any.
   */
  on<Type extends keyof ListenerEvents>(type: Type, listener: (event: ListenerEvents[Type]) => void): () => void {
    return this.#listeners.add(type, listener);
  }

  /** Decoded pictures of subscribed users. The stream is open at once, before the first next(). */
  pictures(options: frames.PictureStreamOptions = {}): PictureStream {
    const { sharedMemory = this.transport.isLocal, localLane = this.transport.isLocal } = options;
    const selection = pictureSelection(this.engineId, options);
    const open = (ways: PictureWays) =>
      this.#frames(FRAME_METHODS.pictures, { ...selection, ...ways }, options, PICTURES_AHEAD);
    return new PictureStream(open, { localFrames: sharedMemory, directLane: sharedMemory && localLane });
  }

  /** Access units of subscribed users, beginning with a key frame. */
  encodedPictures(options: frames.EncodedPictureStreamOptions = {}): MessageStream<frames.EncodedPicture> {
    return this.#frames(FRAME_METHODS.encodedPictures, pictureSelection(this.engineId, options), options);
  }

  /** Every subscribed user's sound before mixing. */
  audioFrames(options: frames.AudioStreamOptions = {}): MessageStream<frames.AudioFrame> {
    const { uids = [], sampleRateHz = 0, channels = 0, queueFrames = 0 } = options;
    const request = { engineId: this.engineId, uids: [...uids], sampleRateHz, channels, queueFrames };
    return this.#frames(FRAME_METHODS.audioFrames, request, options);
  }

  /** The mixed sound of all subscribed users: a frame every 10 ms from the join on. */
  mixedAudio(options: frames.MixedAudioStreamOptions = {}): MessageStream<frames.MixedAudioFrame> {
    const { sampleRateHz = 0, channels = 0, queueFrames = 0 } = options;
    const request = { engineId: this.engineId, sampleRateHz, channels, queueFrames };
    return this.#frames(FRAME_METHODS.mixedAudio, request, options);
  }

  /** Every subscribed user's sound as AAC. */
  audioAac(options: frames.UserStreamOptions = {}): MessageStream<frames.AacFrame> {
    const { uids = [], queueFrames = 0 } = options;
    return this.#frames(FRAME_METHODS.audioAac, { engineId: this.engineId, uids: [...uids], queueFrames }, options);
  }

  /** The mixed sound as AAC. */
  mixedAudioAac(options: frames.StreamOptions = {}): MessageStream<frames.MixedAacFrame> {
    const { queueFrames = 0 } = options;
    return this.#frames(FRAME_METHODS.mixedAudioAac, { engineId: this.engineId, queueFrames }, options);
  }

  /** Pushes one picture; rejects with ERR_AUDIO_BUFFER_FULL when it came too fast. */
  async pushExternalVideoFrame(
    frame: VideoFrameInput,
    options: { sourceType?: VideoSource | undefined } & CallOptions = {},
  ): Promise<void> {
    const request = { engineId: this.engineId, sourceType: options.sourceType ?? 0, frame: videoSample(frame) };
    await this.call(PUSH_VIDEO_FRAME, request, options);
  }

  /** Pushes one chunk of sound; rejects with ERR_AUDIO_BUFFER_FULL when it came too fast. */
  async pushExternalAudioFrameRawData(audioSamples: Uint8Array, timestampMs = 0, call?: CallOptions): Promise<void> {
    const request = { engineId: this.engineId, timestampMs, audioSamples };
    await this.call(MediaServiceService.pushExternalAudioFrameRawData, request, call);
  }

  /** The same with frame, sentence and sequence ids. */
  async pushExternalAudioFrame(frame: AudioFrameInput, call?: CallOptions): Promise<void> {
    const request = { engineId: this.engineId, frame: audioData(frame) };
    await this.call(MediaServiceService.pushExternalAudioFrame, request, call);
  }

  /** Pushes pictures at full speed, of the camera by default. */
  videoPush(options: { source?: VideoSource | undefined; signal?: AbortSignal | undefined } = {}): VideoPush {
    return new PushStream({
      open: () => this.transport.bidiStream(PUSH_VIDEO_STREAM),
      first: { message: { $case: 'open', value: { engineId: this.engineId, sourceType: options.source ?? 0 } } },
      wrap: (frame: VideoFrameInput) => ({ message: { $case: 'frame', value: videoSample(frame) } }),
      cost: () => 1,
      maxPending: MAX_PENDING_PUSHES,
      signal: options.signal,
    });
  }

  /** Pushes sound at full speed. The format is that of setExternalAudioSource, or said here when another object called it. */
  audioPush(options: Partial<ExternalAudioFormat> & { signal?: AbortSignal | undefined } = {}): AudioPush {
    const sampleRateHz = options.sampleRateHz ?? this.externalAudioFormat?.sampleRateHz;
    const channels = options.channels ?? this.externalAudioFormat?.channels;
    if (sampleRateHz === undefined || channels === undefined)
      throw invalidArgument(
        'the rate and channels of the pushed sound are not known',
        'sample_rate_hz',
        'call setExternalAudioSource first, or give sampleRateHz and channels',
      );
    // One credit is 10 ms. Fractions add up exactly, so that chunks of odd lengths never ask for more than they are.
    const bytesPerCredit = (sampleRateHz * channels * 2) / 100;
    return new PushStream({
      open: () => this.transport.bidiStream(PUSH_AUDIO_STREAM),
      first: { message: { $case: 'open', value: { engineId: this.engineId } } },
      wrap: (frame: AudioFrameInput) => ({ message: { $case: 'frame', value: audioData(frame) } }),
      cost: (frame) => frame.data.length / bytesPerCredit,
      maxPending: MAX_PENDING_PUSHES,
      signal: options.signal,
    });
  }

  /** Leaves the channel and ends the core process. Idempotent, also for an engine that is gone already. */
  release(call?: CallOptions): Promise<void> {
    this.#released ??= this.#release(call).catch((error: unknown) => {
      this.#released = undefined;
      throw error;
    });
    return this.#released;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  async #release(call: CallOptions | undefined): Promise<void> {
    this.#renewal.stop();
    try {
      await this.call(EngineServiceService.release, { engineId: this.engineId }, call, this.deadlines.releaseMs);
    } catch (error) {
      if (!(error instanceof AlirtcStatusError) || error.code !== status.NOT_FOUND) throw error;
    } finally {
      this.#listeners.close();
    }
  }

  #frames<Request extends { localLane: boolean }, Response extends NumberedFrame>(
    method: Method<Request, FrameOrLane<Response>>,
    selection: Omit<Request, 'localLane'>,
    options: frames.StreamOptions,
    readAhead = FRAMES_AHEAD,
  ): MessageStream<Response> {
    const { localLane = this.transport.isLocal } = options;
    const request = { ...selection, localLane } as Request;
    return openFrameStream(this.transport, method, request, {
      readAhead: options.readAheadFrames ?? readAhead,
      signal: options.signal,
    });
  }
}

function pictureSelection(engineId: string, options: frames.EncodedPictureStreamOptions) {
  const { uids = [], tracks = [], queueFrames = 0 } = options;
  return { engineId, uids: [...uids], tracks: [...tracks], queueFrames };
}

function videoSample(frame: VideoFrameInput): VideoDataSample {
  const { data, ...rest } = frame;
  return { ...VideoDataSample.fromPartial(given(rest)), data };
}

function audioData(frame: AudioFrameInput): AudioFrameData {
  const { data, ...rest } = frame;
  return { ...AudioFrameData.fromPartial(given(rest)), data };
}
