import type { Callback, CallbackFields } from '../../coreservice/ipc/callbacks.js';
import { DEFAULT_LIMITS } from '../../coreservice/ipc/direction.js';
import type { PictureReference } from '../../common/picture_ring.js';
import type { FrameExtension } from '../../coreservice/ipc/extension.js';
import {
  OnRemoteVideoEncodedSampleResponse,
  OnRemoteVideoSampleResponse,
  OnSubscribeAudioAacResponse,
  OnSubscribeAudioFrameResponse,
  OnSubscribeMixAudioFrameResponse,
  OnSubscribeMixedAudioAacResponse,
  VideoCodec,
} from '../../gen/alirtc/v1/media.js';
import { videoTrackType } from '../conversions.js';
import { isAnnexBKeyFrame } from './annexb_key_frame.js';

export type FrameKind = 'pictures' | 'encoded' | 'audio' | 'mixed' | 'audioAac' | 'mixedAac';

/** One frame on its way from the core to every stream that wants it. Shared: nobody writes to it. */
export interface MediaFrame {
  kind: FrameKind;
  /** Empty: mixed. */
  uid: string;
  /** The IPC's VideoTrackType; -1: sound. */
  track: number;
  /** Of sound; 0 for pictures. */
  sampleRate: number;
  channels: number;
  /** The core's count of this kind, user and track, from 1; undefined: the core does not count. */
  coreSequence: number | undefined;
  /** Unix time in microseconds. */
  captureTimeUs: number;
  /** True for everything that can be understood without what came before. */
  keyFrame: boolean;
  /** The message's fields between the header and the data, encoded once for all streams. */
  body: Uint8Array;
  /** The data: the very buffer that the IPC filled. */
  payload: Buffer;
  /** The picture lies in shared memory: the payload has to be read from there. */
  ring?: PictureReference;
  /** The same frame for clients that read shared memory themselves. */
  local?: MediaFrame;
}

const EMPTY = new Uint8Array(0);
/** As a payload of the IPC. */
const MAX_PICTURE_BYTES = DEFAULT_LIMITS.maxPayloadBytes;

/** The frame of a callback, or undefined when the callback carries none. nowUs is the capture time of cores that tell none. */
export function frameOfCallback(callback: Callback, nowUs: number): MediaFrame | undefined {
  const payload = callback.payload ?? Buffer.alloc(0);
  switch (callback.name) {
    case 'DECODED_VIDEO_FRAME':
      return picture(callback.fields, payload, nowUs);
    case 'ENCODED_VIDEO_SAMPLE':
      return encoded(callback.fields, payload, nowUs);
    case 'REMOTE_AUDIO_FRAME':
      return userSound(callback.fields, payload, nowUs);
    case 'MIXED_AUDIO_FRAME':
      return mixedSound(callback.fields, payload, nowUs);
    case 'REMOTE_AUDIO_AAC':
      return userAac(callback.fields, payload, nowUs);
    case 'MIXED_AUDIO_AAC':
      return mixedAac(callback.fields, payload, nowUs);
    default:
      return undefined;
  }
}

function common(fields: { alirtcd?: Record<string, unknown> }, nowUs: number) {
  const extension = fields.alirtcd as Partial<FrameExtension> | undefined;
  const captureTimeUs = Math.floor(Number(extension?.captureTimeUs));
  return {
    coreSequence: isCount(extension?.sequence) ? extension?.sequence : undefined,
    captureTimeUs: Number.isSafeInteger(captureTimeUs) ? captureTimeUs : nowUs,
    extension,
  };
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** What a core of ours says, as far as it can be true. */
function ringOf(value: PictureReference | undefined): PictureReference | undefined {
  if (typeof value !== 'object' || value === null || typeof value.path !== 'string') return undefined;
  const { path, offset, length, generation } = value;
  const isWhole = [offset, length, generation].every(isCount) && length <= MAX_PICTURE_BYTES;
  return isWhole ? { path, offset, length, generation } : undefined;
}

function picture(fields: CallbackFields<'DECODED_VIDEO_FRAME'>, payload: Buffer, nowUs: number): MediaFrame {
  const { coreSequence, captureTimeUs, extension } = common(fields, nowUs);
  const { uid, track } = fields;
  const shared = { kind: 'pictures', uid, track, sampleRate: 0, channels: 0, coreSequence, captureTimeUs } as const;
  const message = {
    header: undefined,
    uid,
    track: videoTrackType.toProto(track),
    frameMs: fields.frame_ms,
    frameNum: fields.frame_num,
    width: fields.width,
    height: fields.height,
    qp: fields.qp,
    sliceType: fields.slice_type,
    localFrame: undefined,
    lane: undefined,
    data: EMPTY,
  };
  const body = OnRemoteVideoSampleResponse.encode(message).finish();
  const frame: MediaFrame = { ...shared, keyFrame: true, body, payload };
  const ring = ringOf(extension?.ring);
  if (ring === undefined || payload.byteLength > 0) return frame;
  const localBody = OnRemoteVideoSampleResponse.encode({ ...message, localFrame: ring }).finish();
  return { ...frame, ring, local: { ...frame, body: localBody } };
}

function encoded(fields: CallbackFields<'ENCODED_VIDEO_SAMPLE'>, payload: Buffer, nowUs: number): MediaFrame {
  const { coreSequence, captureTimeUs, extension } = common(fields, nowUs);
  const codec = extension?.codec === 'vp8' ? VideoCodec.VP8 : VideoCodec.H264;
  // A core that does not say which pictures are key frames sends H.264.
  const keyFrame = typeof extension?.keyFrame === 'boolean' ? extension.keyFrame : isAnnexBKeyFrame(payload);
  const body = OnRemoteVideoEncodedSampleResponse.encode({
    header: undefined,
    uid: fields.uid,
    track: videoTrackType.toProto(fields.track),
    frameMs: fields.frame_ms,
    frameNum: fields.frame_num,
    width: fields.width,
    height: fields.height,
    keyFrame,
    codec,
    lane: undefined,
    data: EMPTY,
  }).finish();
  const { uid, track } = fields;
  return {
    kind: 'encoded',
    uid,
    track,
    sampleRate: 0,
    channels: 0,
    coreSequence,
    captureTimeUs,
    keyFrame,
    body,
    payload,
  };
}

function sound(
  kind: FrameKind,
  fields: { uid?: string; sample_rates: number; channels: number; alirtcd?: Record<string, unknown> },
  payload: Buffer,
  nowUs: number,
  body: Uint8Array,
): MediaFrame {
  const { coreSequence, captureTimeUs } = common(fields, nowUs);
  return {
    kind,
    uid: fields.uid ?? '',
    track: -1,
    sampleRate: fields.sample_rates,
    channels: fields.channels,
    coreSequence,
    captureTimeUs,
    keyFrame: true,
    body,
    payload,
  };
}

function userSound(fields: CallbackFields<'REMOTE_AUDIO_FRAME'>, payload: Buffer, nowUs: number): MediaFrame {
  const body = OnSubscribeAudioFrameResponse.encode({
    header: undefined,
    uid: fields.uid,
    frameMs: fields.frame_ms,
    sampleRateHz: fields.sample_rates,
    channels: fields.channels,
    sampleBits: fields.sample_bits,
    samples: fields.samples,
    streamIndex: fields.stream_index,
    lane: undefined,
    data: EMPTY,
  }).finish();
  return sound('audio', fields, payload, nowUs, body);
}

function mixedSound(fields: CallbackFields<'MIXED_AUDIO_FRAME'>, payload: Buffer, nowUs: number): MediaFrame {
  const body = OnSubscribeMixAudioFrameResponse.encode({
    header: undefined,
    frameMs: fields.frame_ms,
    sampleRateHz: fields.sample_rates,
    channels: fields.channels,
    sampleBits: fields.sample_bits,
    samples: fields.samples,
    lane: undefined,
    data: EMPTY,
  }).finish();
  return sound('mixed', fields, payload, nowUs, body);
}

function userAac(fields: CallbackFields<'REMOTE_AUDIO_AAC'>, payload: Buffer, nowUs: number): MediaFrame {
  const body = OnSubscribeAudioAacResponse.encode({
    header: undefined,
    uid: fields.uid,
    frameMs: fields.frame_ms,
    sampleRateHz: fields.sample_rates,
    channels: fields.channels,
    lane: undefined,
    data: EMPTY,
  }).finish();
  return sound('audioAac', fields, payload, nowUs, body);
}

function mixedAac(fields: CallbackFields<'MIXED_AUDIO_AAC'>, payload: Buffer, nowUs: number): MediaFrame {
  const body = OnSubscribeMixedAudioAacResponse.encode({
    header: undefined,
    frameMs: fields.frame_ms,
    sampleRateHz: fields.sample_rates,
    channels: fields.channels,
    lane: undefined,
    data: EMPTY,
  }).finish();
  return sound('mixedAac', fields, payload, nowUs, body);
}
