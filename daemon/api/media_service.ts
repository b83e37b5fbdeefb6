import { Metadata } from '@grpc/grpc-js';
import type { handleServerStreamingCall } from '@grpc/grpc-js';
import type { Logger } from '../../common/logger.js';
import { MediaServiceService } from '../../gen/alirtc/v1/media.js';
import type {
  MediaServiceServer,
  PushExternalAudioFrameRawDataRequest,
  PushExternalAudioFrameRequest,
  PushExternalVideoFrameRequest,
} from '../../gen/alirtc/v1/media.js';
import { AudioFrameData } from '../../gen/alirtc/v1/types.js';
import type { EngineRegistry } from '../engine/engine_registry.js';
import type { EngineSession } from '../engine/engine_session.js';
import type { FrameLanes } from '../../common/frame_lanes.js';
import { serializeMessage } from '../media/frame_message.js';
import type { FrameMessage, LaneMessage } from '../media/frame_message.js';
import { LaneSink } from '../media/lane_sink.js';
import type { FrameCall } from '../media/lane_sink.js';
import type { FrameKind } from '../media/media_frame.js';
import type { Admission } from '../node/admission.js';
import { admitStream } from '../node/admitted_media.js';
import { onEngine } from './error_facts.js';
import { failStream, signalOf, unary } from './handlers.js';
import { checkedRequest } from './malformed_request.js';
import { queueFramesOf, selectionOf } from './media_selection.js';
import type { StreamRequest } from './media_selection.js';
import { pushAudioStream, pushVideoStream } from './push_streams.js';

const FRAME_STREAMS = {
  onRemoteVideoSample: 'pictures',
  onRemoteVideoEncodedSample: 'encoded',
  onSubscribeAudioFrame: 'audio',
  onSubscribeMixAudioFrame: 'mixed',
  onSubscribeAudioAac: 'audioAac',
  onSubscribeMixedAudioAac: 'mixedAac',
} as const satisfies Partial<Record<keyof MediaServiceServer, FrameKind>>;

type FrameStreamName = keyof typeof FRAME_STREAMS;

/** The generated service, but frames are written by their own serializer. */
export const MEDIA_SERVICE = {
  ...MediaServiceService,
  ...mapFrameStreams((name) => ({ ...MediaServiceService[name], responseSerialize: serializeMessage })),
};

export interface MediaServiceOptions {
  registry: EngineRegistry;
  admission: Admission;
  lanes: FrameLanes;
  logger: Logger;
}

export function mediaService(options: MediaServiceOptions) {
  const { registry, logger } = options;
  const on = (engineId: string, act: (engine: EngineSession) => void): void => {
    try {
      const engine = registry.get(engineId);
      engine.lease.renew();
      act(engine);
    } catch (error) {
      throw onEngine(error, engineId);
    }
  };
  return {
    ...mapFrameStreams((name) => frameStream(FRAME_STREAMS[name], options)),
    pushExternalVideoFrame: unary(logger, ({ engineId, sourceType, frame }: PushExternalVideoFrameRequest) => {
      on(engineId, ({ push }) => push.pushVideo(sourceType, frame));
      return {};
    }),
    pushExternalAudioFrameRawData: unary(logger, (request: PushExternalAudioFrameRawDataRequest) => {
      const { engineId, timestampMs, audioSamples: data } = request;
      const frame = AudioFrameData.fromPartial({ timestampMs, data });
      on(engineId, ({ push }) => push.pushAudio(frame, 'audio_samples'));
      return {};
    }),
    pushExternalAudioFrame: unary(logger, ({ engineId, frame }: PushExternalAudioFrameRequest) => {
      on(engineId, ({ push }) => push.pushAudio(frame, 'frame.data'));
      return {};
    }),
    pushExternalVideoFrames: pushVideoStream(registry, logger),
    pushExternalAudioFrames: pushAudioStream(registry, logger),
  } satisfies Omit<MediaServiceServer, FrameStreamName> & Record<FrameStreamName, unknown>;
}

interface FrameStreamRequest extends StreamRequest {
  engineId: string;
  queueFrames: number;
  localLane: boolean;
}

function frameStream(
  kind: FrameKind,
  { registry, admission, lanes, logger }: MediaServiceOptions,
): handleServerStreamingCall<FrameStreamRequest, FrameMessage | LaneMessage> {
  return (call) => {
    let engineId = '';
    try {
      const request = checkedRequest(call.request);
      const { queueFrames, localLane } = request;
      ({ engineId } = request);
      const engine = registry.get(engineId);
      const { media, lease } = engine;
      const signal = signalOf(call);
      const selection = selectionOf(kind, request);
      const queue = queueFramesOf(kind, queueFrames);
      admitStream(admission, engine, selection);
      const answers: FrameCall = {
        write: (message, done) => void call.write(message, done),
        end: (error) => (error === undefined ? call.end() : failStream(call, error, logger)),
      };
      const sink = new LaneSink(answers);
      const close = media.open(selection, queue, sink);
      // The client sees at once that the stream is open, before there is a frame.
      call.sendMetadata(new Metadata());
      if (localLane && !(selection.direct === true && media.hasDirectLanes)) sink.offer(lanes);
      const letGo = lease.hold();
      const end = (): void => {
        close();
        sink.close();
        letGo();
      };
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    } catch (error) {
      failStream(call, onEngine(error, engineId), logger);
    }
  };
}

function mapFrameStreams<T>(make: (name: FrameStreamName) => T): Record<FrameStreamName, T> {
  const names = Object.keys(FRAME_STREAMS) as FrameStreamName[];
  return Object.fromEntries(names.map((name) => [name, make(name)])) as Record<FrameStreamName, T>;
}
