import { EngineServiceService } from '../gen/alirtc/v1/engine.js';
import * as messages from '../gen/alirtc/v1/engine.js';
import type { EngineSnapshot } from '../gen/alirtc/v1/events.js';
import type { AudioQualityMode, AudioSceneMode, BufferDataType, ClientRole } from '../gen/alirtc/v1/types.js';
import type { DataChannelMsg, PublishState, VideoStreamType, VideoTrack } from '../gen/alirtc/v1/types.js';
import type { RenderMode, VideoSource } from '../gen/alirtc/v1/types.js';
import type { ScreenShareEncoderConfiguration, VideoEncoderConfiguration } from '../gen/alirtc/v1/types.js';
import { given } from './engine_options.js';
import type {
  Deadlines,
  ExternalAudioFormat,
  Fields,
  JoinChannelOptions,
  SendMediaExtensionMsgOptions,
  WaitOptions,
} from './engine_options.js';
import type { CallOptions, Method, Transport } from './transport.js';

/** The unary calls of one engine, by the interface's names. Each rejects with AlirtcStatusError. */
export abstract class EngineCalls {
  readonly engineId: string;
  protected readonly transport: Transport;
  protected readonly deadlines: Deadlines;
  #externalAudio: ExternalAudioFormat | undefined;

  constructor(transport: Transport, engineId: string, deadlines: Deadlines) {
    this.transport = transport;
    this.engineId = engineId;
    this.deadlines = deadlines;
  }

  /** What setExternalAudioSource declared by this object. */
  get externalAudioFormat(): ExternalAudioFormat | undefined {
    return this.#externalAudio;
  }

  /** Joins a channel and resolves with OnJoinChannelResult; a failed join rejects with its error. Leave before joining another. */
  joinChannel(options: JoinChannelOptions, call: WaitOptions = {}): Promise<messages.JoinChannelResponse> {
    const { token, authInfo, config, channelId, userId, userName } = options;
    const request = messages.JoinChannelRequest.fromPartial({
      engineId: this.engineId,
      ...given({ channelId, userId, userName }),
      ...(config === undefined ? {} : { config: given(config) }),
      ...(token === undefined ? {} : { credential: { $case: 'token', value: token } }),
      ...(authInfo === undefined ? {} : { credential: { $case: 'authInfo', value: given(authInfo) } }),
      wait: call.wait ?? true,
    });
    return this.outcome(EngineServiceService.joinChannel, request, call);
  }

  /** Resolves when the channel is left; nothing happens when not joined. */
  async leaveChannel(call: WaitOptions = {}): Promise<void> {
    await this.outcome(EngineServiceService.leaveChannel, this.#waiting(call), call);
  }

  async isLocalVideoStreamPublished(call?: CallOptions): Promise<boolean> {
    return (await this.call(EngineServiceService.isLocalVideoStreamPublished, this.#me, call)).enabled;
  }

  async isLocalScreenPublishEnabled(call?: CallOptions): Promise<boolean> {
    return (await this.call(EngineServiceService.isLocalScreenPublishEnabled, this.#me, call)).enabled;
  }

  async isLocalAudioStreamPublished(call?: CallOptions): Promise<boolean> {
    return (await this.call(EngineServiceService.isLocalAudioStreamPublished, this.#me, call)).enabled;
  }

  async isDualStreamPublished(call?: CallOptions): Promise<boolean> {
    return (await this.call(EngineServiceService.isDualStreamPublished, this.#me, call)).enabled;
  }

  /** Declares that pictures are pushed; before the first push. sourceType is CAMERA, renderMode AUTO by default. */
  async setExternalVideoSource(
    enable: boolean,
    options: { sourceType?: VideoSource | undefined; renderMode?: RenderMode | undefined } = {},
    call?: CallOptions,
  ): Promise<void> {
    const { sourceType = 0, renderMode = 0 } = options;
    const request = { ...this.#me, enable, sourceType, renderMode };
    await this.call(EngineServiceService.setExternalVideoSource, request, call);
  }

  /** Declares that sound is pushed, and how; before the first push. 48 kHz mono by default. */
  async setExternalAudioSource(
    enable: boolean,
    options: { sampleRateHz?: number | undefined; channels?: number | undefined } = {},
    call?: CallOptions,
  ): Promise<void> {
    const { sampleRateHz = 48_000, channels = 1 } = options;
    const request = { ...this.#me, enable, sampleRateHz, channelsPerFrame: channels };
    await this.call(EngineServiceService.setExternalAudioSource, request, call);
    this.#externalAudio = enable ? { sampleRateHz, channels } : undefined;
  }

  /** BASIC and DEFAULT until set. */
  async setAudioProfile(
    audioProfile: AudioQualityMode,
    audioScene: AudioSceneMode = 0,
    call?: CallOptions,
  ): Promise<void> {
    await this.call(EngineServiceService.setAudioProfile, { ...this.#me, audioProfile, audioScene }, call);
  }

  /** 0 to 100; 100 leaves the pushed sound as it is. */
  async setExternalAudioPublishVolume(volume: number, call?: CallOptions): Promise<void> {
    await this.call(EngineServiceService.setExternalAudioPublishVolume, { ...this.#me, volume }, call);
  }

  async getExternalAudioPublishVolume(call?: CallOptions): Promise<number> {
    return (await this.call(EngineServiceService.getExternalAudioPublishVolume, this.#me, call)).volume;
  }

  /** Sends 1 to 4096 bytes with the encoded pictures of the camera stream. */
  async sendMediaExtensionMsg(
    message: Uint8Array,
    options: SendMediaExtensionMsgOptions = {},
    call?: CallOptions,
  ): Promise<void> {
    const { repeatCount = 1, delayMs = 0, isKeyFrame = false } = options;
    const request = { ...this.#me, message, repeatCount, delayMs, isKeyFrame };
    await this.call(EngineServiceService.sendMediaExtensionMsg, request, call);
  }

  publishLocalDualStream(enabled: boolean, call: WaitOptions = {}): Promise<PublishState> {
    return this.#publish(EngineServiceService.publishLocalDualStream, enabled, call);
  }

  /** Resolves with PUBLISHED or NO_PUBLISH. Before the join: with wait false, it takes effect with the join. */
  publishLocalVideoStream(enabled: boolean, call: WaitOptions = {}): Promise<PublishState> {
    return this.#publish(EngineServiceService.publishLocalVideoStream, enabled, call);
  }

  publishLocalAudioStream(enabled: boolean, call: WaitOptions = {}): Promise<PublishState> {
    return this.#publish(EngineServiceService.publishLocalAudioStream, enabled, call);
  }

  publishScreenShareStream(enabled: boolean, call: WaitOptions = {}): Promise<PublishState> {
    return this.#publish(EngineServiceService.publishScreenShareStream, enabled, call);
  }

  /** Resolves when the user's sound arrives, or has stopped. */
  async subscribeRemoteAudioStream(
    uid: string,
    sub: boolean,
    call: WaitOptions = {},
  ): Promise<messages.SubscribeRemoteAudioStreamResponse> {
    return this.outcome(EngineServiceService.subscribeRemoteAudioStream, { ...this.#waiting(call), uid, sub }, call);
  }

  /** Resolves when the user's pictures arrive, or have stopped. */
  async subscribeRemoteVideoStream(
    uid: string,
    videoTrack: VideoTrack,
    sub: boolean,
    call: WaitOptions = {},
  ): Promise<messages.SubscribeRemoteVideoStreamResponse> {
    return this.outcome(
      EngineServiceService.subscribeRemoteVideoStream,
      { ...this.#waiting(call), uid, videoTrack, sub },
      call,
    );
  }

  /** Of the camera stream. Default 640 by 480, 15 fps, 512 kbit/s. Corrections are told by onWarning. */
  async setVideoEncoderConfiguration(config: Fields<VideoEncoderConfiguration>, call?: CallOptions): Promise<void> {
    const request = messages.SetVideoEncoderConfigurationRequest.fromPartial({ ...this.#me, config: given(config) });
    await this.call(EngineServiceService.setVideoEncoderConfiguration, request, call);
  }

  /** Of the screen stream. Default as captured, 5 fps, 512 kbit/s. */
  async setScreenShareEncoderConfiguration(
    config: Fields<ScreenShareEncoderConfiguration>,
    call?: CallOptions,
  ): Promise<void> {
    const request = messages.SetScreenShareEncoderConfigurationRequest.fromPartial({
      ...this.#me,
      config: given(config),
    });
    await this.call(EngineServiceService.setScreenShareEncoderConfiguration, request, call);
  }

  /** The large or the small stream of one user. HIGH until set. */
  async setRemoteVideoStreamType(uid: string, streamType: VideoStreamType, call?: CallOptions): Promise<void> {
    await this.call(EngineServiceService.setRemoteVideoStreamType, { ...this.#me, uid, streamType }, call);
  }

  /** The large or the small stream of users without a choice of their own. HIGH until set. */
  async setRemoteDefaultVideoStreamType(streamType: VideoStreamType, call?: CallOptions): Promise<void> {
    await this.call(EngineServiceService.setRemoteDefaultVideoStreamType, { ...this.#me, streamType }, call);
  }

  /** Black pictures; the stream stays published. */
  async muteLocalCamera(mute: boolean, call?: CallOptions): Promise<void> {
    await this.call(EngineServiceService.muteLocalCamera, { ...this.#me, mute }, call);
  }

  /** Silence; the stream stays published. */
  async muteLocalMic(mute: boolean, call?: CallOptions): Promise<void> {
    await this.call(EngineServiceService.muteLocalMic, { ...this.#me, mute }, call);
  }

  /** INTERACTIVE (streamer) or LIVE (audience). In a channel it resolves with onUpdateRoleNotify. */
  async setClientRole(clientRole: ClientRole, call: WaitOptions = {}): Promise<void> {
    await this.outcome(EngineServiceService.setClientRole, { ...this.#waiting(call), clientRole }, call);
  }

  async leaveOnceNoStreamer(enable: boolean, call?: CallOptions): Promise<void> {
    await this.call(EngineServiceService.leaveOnceNoStreamer, { ...this.#me, enable }, call);
  }

  /** Before the join. 0 or less: off. Default 5 s. */
  async setPeriodForCheckPeople(seconds = 5, call?: CallOptions): Promise<void> {
    await this.call(EngineServiceService.setPeriodForCheckPeople, { ...this.#me, seconds }, call);
  }

  /** Further settings: an object, or a JSON object as text. */
  async setParameter(params: string | Readonly<Record<string, unknown>>, call?: CallOptions): Promise<void> {
    const text = typeof params === 'string' ? params : JSON.stringify(params);
    await this.call(EngineServiceService.setParameter, { ...this.#me, params: text }, call);
  }

  /** Streamers only, after setParameter({data: {enablePubDataChannel: true}}). */
  async sendDataChannelMessage(message: Fields<DataChannelMsg>, call?: CallOptions): Promise<void> {
    const request = messages.SendDataChannelMessageRequest.fromPartial({ ...this.#me, ctrlMsg: given(message) });
    await this.call(EngineServiceService.sendDataChannelMessage, request, call);
  }

  /** Drops what is queued of pushed sound and pictures. */
  async clearDataBuffer(call?: CallOptions): Promise<void> {
    await this.call(EngineServiceService.clearDataBuffer, this.#me, call);
  }

  /** Of both kinds by default. */
  getRemainDataBufferSize(
    dataType: BufferDataType = 0,
    call?: CallOptions,
  ): Promise<messages.GetRemainDataBufferSizeResponse> {
    return this.call(EngineServiceService.getRemainDataBufferSize, { ...this.#me, dataType }, call);
  }

  /** At most one decoded picture per period; 0, the default, delivers all. */
  async setVideoCallbackPeriod(periodMs: number, call?: CallOptions): Promise<void> {
    await this.call(EngineServiceService.setVideoCallbackPeriod, { ...this.#me, periodMs }, call);
  }

  async getSdkVersion(call?: CallOptions): Promise<string> {
    return (await this.call(EngineServiceService.getSdkVersion, this.#me, call)).sdkVersion;
  }

  /** The engine's lease begins anew; what createEngine gave renews it by itself. Resolves with the lease in seconds, 0: there is none. */
  async renewLease(call?: CallOptions): Promise<number> {
    return (await this.call(EngineServiceService.renewLease, this.#me, call)).leaseSeconds;
  }

  /** The engine as it is now. */
  async snapshot(call?: CallOptions): Promise<EngineSnapshot | undefined> {
    return (await this.call(EngineServiceService.getEngine, this.#me, call)).engine;
  }

  protected call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions = {},
    deadlineMs = this.deadlines.callMs,
  ): Promise<Response> {
    return this.transport.unary(method, request, {
      deadlineMs: options.deadlineMs ?? deadlineMs,
      signal: options.signal,
    });
  }

  protected outcome<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: WaitOptions,
  ): Promise<Response> {
    return this.call(method, request, options, (options.wait ?? true) ? this.deadlines.outcomeMs : undefined);
  }

  get #me(): { engineId: string } {
    return { engineId: this.engineId };
  }

  #waiting(call: WaitOptions): { engineId: string; wait: boolean } {
    return { engineId: this.engineId, wait: call.wait ?? true };
  }

  async #publish(
    method: Method<{ engineId: string; enabled: boolean; wait: boolean }, { state: PublishState }>,
    enabled: boolean,
    call: WaitOptions,
  ): Promise<PublishState> {
    return (await this.outcome(method, { ...this.#waiting(call), enabled }, call)).state;
  }
}
