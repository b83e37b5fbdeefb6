import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { MediaServiceService, PushExternalVideoFrameRequest } from '../gen/alirtc/v1/media.js';
import { AudioFrameData, VideoDataSample } from '../gen/alirtc/v1/types.js';
import type { Method } from './transport.js';
import type {
  PushExternalVideoFrameResponse,
  PushExternalAudioFramesRequest,
  PushExternalVideoFramesRequest,
} from '../gen/alirtc/v1/media.js';

/**
 * Serializers of the pushes. The generated ones would grow, zero and move a buffer around each picture, about five copies of it; these
 * copy the picture once, into the message. The proto gives `data` the highest number, so it can follow everything else.
 */
const DATA_TAG = tag(15);
const NO_BYTES = Buffer.alloc(0);

export const PUSH_VIDEO_STREAM = {
  ...MediaServiceService.pushExternalVideoFrames,
  requestSerialize: (request: PushExternalVideoFramesRequest): Buffer =>
    request.message?.$case === 'frame'
      ? nest(NO_BYTES, 2, sampleHead(request.message.value), request.message.value.data)
      : MediaServiceService.pushExternalVideoFrames.requestSerialize(request),
};

export const PUSH_AUDIO_STREAM = {
  ...MediaServiceService.pushExternalAudioFrames,
  requestSerialize: (request: PushExternalAudioFramesRequest): Buffer => {
    if (request.message?.$case !== 'frame')
      return MediaServiceService.pushExternalAudioFrames.requestSerialize(request);
    const frame = request.message.value;
    return nest(NO_BYTES, 2, AudioFrameData.encode({ ...frame, data: NO_BYTES }).finish(), frame.data);
  },
};

export const PUSH_VIDEO_FRAME: Method<PushExternalVideoFrameRequest, PushExternalVideoFrameResponse> = {
  ...MediaServiceService.pushExternalVideoFrame,
  requestSerialize: (request) => {
    if (request.frame === undefined) return MediaServiceService.pushExternalVideoFrame.requestSerialize(request);
    const outer = PushExternalVideoFrameRequest.encode({ ...request, frame: undefined }).finish();
    return nest(outer, 3, sampleHead(request.frame), request.frame.data);
  },
};

function sampleHead(sample: VideoDataSample): Uint8Array {
  return VideoDataSample.encode({ ...sample, data: NO_BYTES }).finish();
}

/** `outer`, then field `field`: a message that is `head` followed by the data field. */
function nest(outer: Uint8Array, field: number, head: Uint8Array, data: Uint8Array): Buffer {
  const dataHead = data.length === 0 ? NO_BYTES : new BinaryWriter().uint32(DATA_TAG).uint32(data.length).finish();
  const innerLength = head.length + dataHead.length + data.length;
  const wrapper = new BinaryWriter().uint32(tag(field)).uint32(innerLength).finish();
  const message = Buffer.allocUnsafe(outer.length + wrapper.length + innerLength);
  let at = 0;
  for (const part of [outer, wrapper, head, dataHead, data]) {
    message.set(part, at);
    at += part.length;
  }
  return message;
}

/** Wire type 2: length-delimited. */
function tag(field: number): number {
  return (field << 3) | 2;
}
