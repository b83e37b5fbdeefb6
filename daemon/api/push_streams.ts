import type { handleBidiStreamingCall, ServerDuplexStream } from '@grpc/grpc-js';
import { AlirtcError } from '../../common/errors.js';
import type { Logger } from '../../common/logger.js';
import type {
  PushExternalAudioFramesRequest,
  PushExternalAudioFramesResponse,
  PushExternalVideoFramesRequest,
  PushExternalVideoFramesResponse,
} from '../../gen/alirtc/v1/media.js';
import type { AudioFrameData, VideoDataSample } from '../../gen/alirtc/v1/types.js';
import { videoSource } from '../conversions.js';
import type { EngineRegistry } from '../engine/engine_registry.js';
import { checkAudioChunk } from '../media/audio_checks.js';
import { CreditWindow } from '../media/credit_window.js';
import { invalidField, refusal } from '../refusals.js';
import { onEngine, withFacts } from './error_facts.js';
import { failStream, signalOf, writeMessage } from './handlers.js';
import { checkedRequest } from './malformed_request.js';

const AUDIO_CREDIT_MS = 10;

/** A push stream once it is open. */
interface OpenPush<Frame> {
  credits: CreditWindow;
  /** Calls the listener when the engine has ended, until the returned function is called. */
  onEngineEnd: (listener: () => void) => () => void;
  /** Somebody is there, until the returned function is called. */
  hold: () => () => void;
  /** Hands one frame over, and answers what it cost in credits. Waits for room. */
  push(frame: Frame): Promise<number>;
}

interface PushResponse {
  acceptedFrames: number;
  credits: number;
}

type PushRequest<Open, Frame> = {
  message?: { $case: 'open'; value: Open } | { $case: 'frame'; value: Frame } | undefined;
};

export function pushVideoStream(
  registry: EngineRegistry,
  logger: Logger,
): handleBidiStreamingCall<PushExternalVideoFramesRequest, PushExternalVideoFramesResponse> {
  return pushStream(logger, ({ engineId, sourceType }: { engineId: string; sourceType: number }, signal) => {
    const { push, lease, ends } = registry.get(engineId);
    const source = push.checkVideoDeclared(videoSource.toIpc(sourceType, 'source_type'));
    return {
      onEngineEnd: (listener) => ends.add(listener),
      hold: () => lease.hold(),
      credits: new CreditWindow(push.video[source].capacity),
      push: async (frame: VideoDataSample) => {
        await push.streamVideo(source, frame, signal);
        return 1;
      },
    };
  });
}

export function pushAudioStream(
  registry: EngineRegistry,
  logger: Logger,
): handleBidiStreamingCall<PushExternalAudioFramesRequest, PushExternalAudioFramesResponse> {
  return pushStream(logger, ({ engineId }: { engineId: string }, signal) => {
    const { push, lease, ends } = registry.get(engineId);
    push.checkAudioDeclared();
    return {
      onEngineEnd: (listener) => ends.add(listener),
      hold: () => lease.hold(),
      credits: new CreditWindow(push.audio.capacity / AUDIO_CREDIT_MS),
      push: async (frame: AudioFrameData) => {
        const durationMs = checkAudioChunk('frame.data', frame.data, push.checkAudioDeclared());
        await push.streamAudio(frame, signal);
        return durationMs / AUDIO_CREDIT_MS;
      },
    };
  });
}

/**
 * The way of every push stream: open, frames, half-close. The next frame is read when the one before was handed over: what comes faster than its credits
 * waits in the transport.
 */
function pushStream<Open extends { engineId: string }, Frame, Request extends PushRequest<Open, Frame>>(
  logger: Logger,
  open: (request: Open, signal: AbortSignal) => OpenPush<Frame>,
): handleBidiStreamingCall<Request, PushResponse> {
  return (call) => {
    const signal = signalOf(call);
    const fail = (error: unknown): void => {
      if (!signal.aborted && !call.writableEnded) failStream(call, error, logger);
    };
    runPushStream(call, signal, open, fail).then(() => call.end(), fail);
  };
}

async function runPushStream<Open extends { engineId: string }, Frame, Request extends PushRequest<Open, Frame>>(
  call: ServerDuplexStream<Request, PushResponse>,
  signal: AbortSignal,
  open: (request: Open, signal: AbortSignal) => OpenPush<Frame>,
  onEnd: (error: Error) => void,
): Promise<void> {
  let stream: OpenPush<Frame> | undefined;
  let letGo = (): void => undefined;
  // Also when the stream fails, or the client goes while a frame waits.
  call.once('close', () => letGo());
  signal.addEventListener('abort', () => letGo(), { once: true });
  // destroyOnReturn would take the error's status away with the stream.
  for await (const request of call.iterator({ destroyOnReturn: false }) as AsyncIterable<Request>) {
    const { message } = readable(stream, request);
    if (stream === undefined) {
      if (message?.$case !== 'open')
        throw invalidField('open', '', 'has to be the first message', { remedy: 'send open first' });
      const { engineId } = message.value;
      stream = opened(() => open(message.value, signal), engineId);
      const release = stream.hold();
      // A producer that is not sending just now has to hear of it too.
      const stopListening = stream.onEngineEnd(() => onEnd(engineEnded(engineId)));
      letGo = () => {
        release();
        stopListening();
      };
      if (signal.aborted) letGo();
      const { initial: credits } = stream.credits;
      await writeMessage(call, { acceptedFrames: 0, credits }, signal);
      continue;
    }
    if (message?.$case !== 'frame')
      throw atFrame(
        stream,
        invalidField('frame', '', 'has to be every further message', { remedy: 'send frames only' }),
      );
    const cost = await stream.push(message.value).catch((error: unknown) => Promise.reject(atFrame(stream, error)));
    stream.credits.accept(cost);
    const credits = stream.credits.take();
    if (credits > 0) await writeMessage(call, { acceptedFrames: stream.credits.acceptedFrames, credits }, signal);
  }
  if (stream !== undefined)
    await writeMessage(call, { acceptedFrames: stream.credits.acceptedFrames, credits: 0 }, signal);
}

/** The stream, or an error that names the engine. */
function opened<Frame>(open: () => OpenPush<Frame>, engineId: string): OpenPush<Frame> {
  try {
    const stream = open();
    const push = (frame: Frame): Promise<number> =>
      stream.push(frame).catch((error: unknown) => Promise.reject(asError(onEngine(error, engineId))));
    return { ...stream, push };
  } catch (error) {
    throw onEngine(error, engineId);
  }
}

function engineEnded(engineId: string): Error {
  return refusal('unavailable', 'ENGINE_ENDED', 'the engine ended while frames were pushed', {
    field: 'engine_id',
    value: engineId,
    remedy: 'create a new engine',
  });
}

function readable<Request>(stream: OpenPush<unknown> | undefined, request: Request): Request {
  try {
    return checkedRequest(request);
  } catch (error) {
    throw stream === undefined ? error : atFrame(stream, error);
  }
}

/** The same error, with the frame at fault: counted from 1, the opening message aside. */
function atFrame<Frame>(stream: OpenPush<Frame> | undefined, error: unknown): Error {
  if (!(error instanceof AlirtcError)) return asError(error);
  const sequence = String((stream?.credits.acceptedFrames ?? 0) + 1);
  return withFacts(error, { metadata: { sequence } });
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
