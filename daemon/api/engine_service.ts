import { AlirtcError } from '../../common/errors.js';
import type { Logger } from '../../common/logger.js';
import type { EngineServiceServer } from '../../gen/alirtc/v1/engine.js';
import { EngineState } from '../../gen/alirtc/v1/events.js';
import { bufferDataType } from '../conversions.js';
import type { EngineRegistry } from '../engine/engine_registry.js';
import type { EngineSession } from '../engine/engine_session.js';
import { coreRestarts } from '../refusals.js';
import type { Admission } from '../node/admission.js';
import { admitSubscription } from '../node/admitted_media.js';
import { onEngine } from './error_facts.js';
import { unary } from './handlers.js';

type Handle<Request, Response> = (
  engine: EngineSession,
  request: Request,
  signal: AbortSignal,
) => Promise<Response> | Response;

/** What does not fit an engine whose core process is just being replaced fits it a moment later. */
async function duringRestart<Response>(
  engine: EngineSession,
  act: () => Promise<Response> | Response,
): Promise<Response> {
  const restarts = engine.model.state === EngineState.RESTARTING;
  try {
    return await act();
  } catch (error) {
    throw restarts && error instanceof AlirtcError && error.class === 'failed_precondition'
      ? coreRestarts(error)
      : error;
  }
}

/** The calls of the interface. */
export function engineService(registry: EngineRegistry, admission: Admission, logger: Logger): EngineServiceServer {
  /** A call on a live engine. */
  const on = <Request extends { engineId: string }, Response>(handle: Handle<Request, Response>) =>
    unary<Request, Response>(logger, async (request, signal) => {
      try {
        const engine = registry.get(request.engineId);
        const letGo = engine.lease.hold();
        try {
          return await duringRestart(engine, () => handle(engine, request, signal));
        } finally {
          letGo();
        }
      } catch (error) {
        throw onEngine(error, request.engineId);
      }
    });
  /** A call that answers nothing. */
  const set = <Request extends { engineId: string }>(act: (engine: EngineSession, request: Request) => void) =>
    on<Request, Record<string, never>>((engine, request) => {
      act(engine, request);
      return {};
    });
  return {
    createAliRtcEngine: unary(logger, async (request, signal) => {
      const engine = await registry.create(request);
      const { engineId, corePort, coreProcessId, lease } = engine;
      // Who gave up meanwhile does not know the id.
      if (signal.aborted) await registry.release(engineId);
      return { engineId, corePort, coreProcessId, leaseSeconds: lease.seconds };
    }),
    release: unary(logger, async ({ engineId }) => {
      await registry.release(engineId);
      return {};
    }),
    renewLease: on((engine) => ({ leaseSeconds: engine.lease.seconds })),
    listEngines: unary(logger, () => ({ engines: registry.list().map((engine) => engine.snapshot()) })),
    getEngine: unary(logger, ({ engineId }) => ({ engine: registry.find(engineId).snapshot() })),
    joinChannel: on((engine, request, signal) => engine.channel.join(request, signal)),
    leaveChannel: on((engine, request, signal) => engine.channel.leave(request, signal)),
    isLocalVideoStreamPublished: on((engine) => ({ enabled: engine.publishing.isEnabled('camera') })),
    isLocalScreenPublishEnabled: on((engine) => ({ enabled: engine.publishing.isEnabled('screen') })),
    isLocalAudioStreamPublished: on((engine) => ({ enabled: engine.publishing.isEnabled('audio') })),
    isDualStreamPublished: on((engine) => ({ enabled: engine.publishing.isEnabled('dual') })),
    setExternalVideoSource: set((engine, request) => engine.push.declareVideo(request)),
    setExternalAudioSource: set((engine, request) => engine.push.declareAudio(request)),
    setAudioProfile: set((engine, request) => engine.settings.setAudioProfile(request)),
    setExternalAudioPublishVolume: set((engine, { volume }) => engine.push.setVolume(volume)),
    getExternalAudioPublishVolume: on((engine) => ({ volume: engine.push.volume })),
    sendMediaExtensionMsg: set((engine, request) => engine.messages.sendMediaExtension(request)),
    publishLocalDualStream: on((engine, request, signal) => engine.publishing.publish('dual', request, signal)),
    publishLocalVideoStream: on((engine, request, signal) => engine.publishing.publish('camera', request, signal)),
    publishLocalAudioStream: on((engine, request, signal) => engine.publishing.publish('audio', request, signal)),
    publishScreenShareStream: on((engine, request, signal) => engine.publishing.publish('screen', request, signal)),
    subscribeRemoteAudioStream: on((engine, request, signal) => engine.subscribing.subscribeAudio(request, signal)),
    subscribeRemoteVideoStream: on(async (engine, request, signal) => {
      const giveBack = admitSubscription(admission, engine, request);
      try {
        return await engine.subscribing.subscribeVideo(request, signal);
      } catch (error) {
        giveBack();
        throw error;
      }
    }),
    setVideoEncoderConfiguration: set((engine, request) => engine.settings.setVideoEncoder(request)),
    setScreenShareEncoderConfiguration: set((engine, request) => engine.settings.setScreenEncoder(request)),
    setRemoteVideoStreamType: set((engine, { uid, streamType }) =>
      engine.settings.setRemoteStreamType(uid, streamType),
    ),
    setRemoteDefaultVideoStreamType: set((engine, { streamType }) => engine.settings.setDefaultStreamType(streamType)),
    muteLocalCamera: set((engine, { mute }) => engine.settings.muteCamera(mute)),
    muteLocalMic: set((engine, { mute }) => engine.settings.muteMic(mute)),
    setClientRole: on(async (engine, request, signal) => {
      await engine.settings.setClientRole(request, signal);
      return {};
    }),
    leaveOnceNoStreamer: set((engine, { enable }) => engine.settings.leaveOnceNoStreamer(enable)),
    setPeriodForCheckPeople: set((engine, request) => engine.settings.setPeriodForCheckPeople(request)),
    setParameter: set((engine, { params }) => engine.settings.setParameter(params)),
    sendDataChannelMessage: set((engine, request) => engine.messages.sendData(request)),
    clearDataBuffer: set((engine) => engine.messages.clear()),
    getRemainDataBufferSize: on((engine, { dataType }) =>
      engine.answers.remainBuffer(bufferDataType.toIpc(dataType, 'data_type')),
    ),
    setVideoCallbackPeriod: set((engine, { periodMs }) => engine.settings.setVideoCallbackPeriod(periodMs)),
    getSdkVersion: on(async (engine) => ({ sdkVersion: await engine.answers.sdkVersion() })),
  };
}
