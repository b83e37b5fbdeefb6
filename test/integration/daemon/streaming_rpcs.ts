import type { ClientDuplexStream, ClientReadableStream } from '@grpc/grpc-js';
import type { CallbackName } from '../../../coreservice/ipc/callbacks.js';
import { GetEventHandlerRequest } from '../../../gen/alirtc/v1/events.js';
import * as media from '../../../gen/alirtc/v1/media.js';
import type { PushExternalAudioFramesRequest, PushExternalVideoFramesRequest } from '../../../gen/alirtc/v1/media.js';
import { VideoDataFormat } from '../../../gen/alirtc/v1/types.js';
import { rpc } from '../../support/rpc.js';
import type { ScriptedCore } from '../../support/scripted_core/scripted_cores.js';
import type { Scene } from './scene.js';

/** One open streaming call, whatever it carries. */
export interface OpenStream {
  call: ClientReadableStream<StreamMessage> | ClientDuplexStream<unknown, StreamMessage>;
  /** Makes so many messages happen, the first one numbered `first`. */
  feed(count: number, first?: number): void;
  /** Half-closes; of server streams nothing. */
  finish(): void;
}

/** What the rows look at; each RPC has a part of it. */
export interface StreamMessage {
  header?: { sequence: number; droppedBefore: number } | undefined;
  data?: Uint8Array;
  sequence?: number;
  event?: { $case: string; value: unknown } | undefined;
  acceptedFrames?: number;
  credits?: number;
}

export interface StreamingRpc {
  name: string;
  kind: 'frames' | 'events' | 'push';
  /** Opens it on an engine that need not exist. */
  open(scene: Scene, engineId: string, core: ScriptedCore | undefined): OpenStream;
  /** What the engine needs first. */
  prepare?(scene: Scene, engineId: string): Promise<void>;
}

const FRAME_BYTES = 200;

function frames(
  name: CallbackName,
  fields: Record<string, unknown>,
  start: (scene: Scene, engineId: string) => ClientReadableStream<StreamMessage>,
): StreamingRpc['open'] {
  return (scene, engineId, core) => ({
    call: start(scene, engineId),
    feed: (count, first = 1) =>
      core?.frames(name, fields, { count, first, payloadBytes: FRAME_BYTES, keyFrameEvery: 1 }),
    finish: () => undefined,
  });
}

const PICTURE = { uid: 'anna', track: 0, type: 0, frame_ms: 1, width: 16, height: 8, frame_num: 1 };
const SOUND = { type: 0, frame_ms: 10, sample_rates: 48000, samples: 480, channels: 1, sample_bits: 16 };
const AAC = { type: 1, frame_ms: 21, sample_rates: 48000, channels: 1 };

function push<Request>(
  call: ClientDuplexStream<Request, StreamMessage>,
  open: Request,
  frame: (number: number) => Request,
): OpenStream {
  call.write(open);
  return {
    call: call,
    feed: (count, first = 1) => {
      for (let number = first; number < first + count; number += 1) call.write(frame(number));
    },
    finish: () => call.end(),
  };
}

export const STREAMING_RPCS: readonly StreamingRpc[] = [
  {
    name: 'GetEventHandler',
    kind: 'events',
    open: (scene, engineId, core) => ({
      call: scene.daemon.events.getEventHandler(GetEventHandlerRequest.fromPartial({ engineId })),
      feed: (count, first = 1) => {
        for (let number = first; number < first + count; number += 1)
          core?.send('FIRST_AUDIO_PACKET', { uid: 'anna', timeCost: number });
      },
      finish: () => undefined,
    }),
  },
  {
    name: 'OnRemoteVideoSample',
    kind: 'frames',
    open: frames('DECODED_VIDEO_FRAME', { ...PICTURE, qp: 0, mv_infos: [], slice_type: 2 }, (scene, engineId) =>
      scene.daemon.media.onRemoteVideoSample(media.OnRemoteVideoSampleRequest.fromPartial({ engineId })),
    ),
  },
  {
    name: 'OnRemoteVideoEncodedSample',
    kind: 'frames',
    open: frames('ENCODED_VIDEO_SAMPLE', { ...PICTURE, type: 1 }, (scene, engineId) =>
      scene.daemon.media.onRemoteVideoEncodedSample(media.OnRemoteVideoEncodedSampleRequest.fromPartial({ engineId })),
    ),
  },
  {
    name: 'OnSubscribeAudioFrame',
    kind: 'frames',
    open: frames('REMOTE_AUDIO_FRAME', { ...SOUND, uid: 'anna', stream_index: 0 }, (scene, engineId) =>
      scene.daemon.media.onSubscribeAudioFrame(media.OnSubscribeAudioFrameRequest.fromPartial({ engineId })),
    ),
  },
  {
    name: 'OnSubscribeMixAudioFrame',
    kind: 'frames',
    open: frames('MIXED_AUDIO_FRAME', SOUND, (scene, engineId) =>
      scene.daemon.media.onSubscribeMixAudioFrame(media.OnSubscribeMixAudioFrameRequest.fromPartial({ engineId })),
    ),
  },
  {
    name: 'OnSubscribeAudioAac',
    kind: 'frames',
    open: frames('REMOTE_AUDIO_AAC', { ...AAC, uid: 'anna' }, (scene, engineId) =>
      scene.daemon.media.onSubscribeAudioAac(media.OnSubscribeAudioAacRequest.fromPartial({ engineId })),
    ),
  },
  {
    name: 'OnSubscribeMixedAudioAac',
    kind: 'frames',
    open: frames('MIXED_AUDIO_AAC', AAC, (scene, engineId) =>
      scene.daemon.media.onSubscribeMixedAudioAac(media.OnSubscribeMixedAudioAacRequest.fromPartial({ engineId })),
    ),
  },
  {
    name: 'PushExternalVideoFrames',
    kind: 'push',
    prepare: async (scene, engineId) => {
      const request = { engineId, enable: true, sourceType: 1, renderMode: 1 };
      await rpc((done) => scene.daemon.engines.setExternalVideoSource(request, done));
    },
    open: (scene, engineId) =>
      push<PushExternalVideoFramesRequest>(
        scene.daemon.media.pushExternalVideoFrames(),
        { message: { $case: 'open', value: { engineId, sourceType: 1 } } },
        (number) => ({
          message: {
            $case: 'frame',
            value: {
              format: VideoDataFormat.I420,
              bufferType: 0,
              width: 16,
              height: 8,
              strideY: 0,
              strideU: 0,
              strideV: 0,
              rotation: 0,
              timestampMs: number,
              data: Buffer.alloc((16 * 8 * 3) / 2, number & 255),
            },
          },
        }),
      ),
  },
  {
    name: 'PushExternalAudioFrames',
    kind: 'push',
    prepare: async (scene, engineId) => {
      const request = { engineId, enable: true, sampleRateHz: 16000, channelsPerFrame: 1 };
      await rpc((done) => scene.daemon.engines.setExternalAudioSource(request, done));
    },
    open: (scene, engineId) =>
      push<PushExternalAudioFramesRequest>(
        scene.daemon.media.pushExternalAudioFrames(),
        { message: { $case: 'open', value: { engineId } } },
        (number) => ({
          message: {
            $case: 'frame',
            value: {
              timestampMs: number * 10,
              frameId: '',
              sentenceId: 0,
              sequenceId: number,
              isEndFrame: false,
              data: Buffer.alloc(320, number & 255),
            },
          },
        }),
      ),
  },
];
