import {
  MediaServiceService,
  OnRemoteVideoEncodedSampleResponse,
  OnRemoteVideoSampleResponse,
  OnSubscribeAudioAacResponse,
  OnSubscribeAudioFrameResponse,
  OnSubscribeMixAudioFrameResponse,
  OnSubscribeMixedAudioAacResponse,
} from '../gen/alirtc/v1/media.js';
import type { FrameLane } from '../gen/alirtc/v1/media.js';
import type { FrameHeader, VideoTrackType } from '../gen/alirtc/v1/types.js';
import type { FrameOrLane } from './laned_call.js';
import type { Method } from './transport.js';

/** What every frame carries beside its content. */
export interface FrameInfo {
  /** Counts up by one for every frame of this selection that the engine made, delivered or not, from 1. */
  sequence: number;
  /** Unix time of the first sample or of the picture, by the sender's clock where it is known, else of the arrival. */
  captureTimeUs: number;
  /** How many frames were dropped between the frame delivered before and this one. */
  droppedBefore: number;
  /** True: the core process was replaced since the frame delivered before; how many frames are missing is not known. */
  discontinuity: boolean;
}

interface FrameMessage {
  header?: FrameHeader | undefined;
  lane?: FrameLane | undefined;
  data: Uint8Array;
}

/** A message of a frame stream with its header flattened. `data` is a view of the bytes as gRPC received them, not a copy. */
export type Frame<Message extends FrameMessage> = Omit<Message, 'header' | 'lane' | 'data'> &
  FrameInfo & { data: Buffer };

/** A picture, or where it lies in shared memory. */
export type PictureMessage = Frame<OnRemoteVideoSampleResponse>;
/** A decoded picture: I420, planes Y, U, V one after the other without padding. */
export type Picture = Omit<PictureMessage, 'localFrame'> & {
  /**
   * Gives the memory of `data` back for a later picture; `data` must not be used after it. Need not be called, but a program that reads every picture
   * saves more than half of its own cost by it.
   */
  release: () => void;
};
/** One access unit: H.264 Annex B with SPS and PPS in front of key frames, or a VP8 frame. */
export type EncodedPicture = Frame<OnRemoteVideoEncodedSampleResponse>;
/** 10 ms of one user's sound: signed 16-bit little-endian, interleaved. */
export type AudioFrame = Frame<OnSubscribeAudioFrameResponse>;
/** 10 ms of all users' sound mixed: signed 16-bit little-endian, interleaved. */
export type MixedAudioFrame = Frame<OnSubscribeMixAudioFrameResponse>;
/** One ADTS frame of one user's sound. */
export type AacFrame = Frame<OnSubscribeAudioAacResponse>;
/** One ADTS frame of the mixed sound. */
export type MixedAacFrame = Frame<OnSubscribeMixedAudioAacResponse>;

export interface StreamOptions {
  /** Aborting ends the iteration without an error. */
  signal?: AbortSignal | undefined;
  /** Frames that the daemon keeps while the reader is slow; each stream has its default and its limit. */
  queueFrames?: number | undefined;
  /** Frames kept in this process ahead of the reader; default 2 for pictures, 8 for all others. */
  readAheadFrames?: number | undefined;
  /**
   * Through a socket of their own beside gRPC, which costs less, where the daemon has it; default: when the client is connected by a Unix socket. Pictures in
   * shared memory come so from the engine's core process, without the daemon between.
   */
  localLane?: boolean | undefined;
}

export interface UserStreamOptions extends StreamOptions {
  /** Only of these users; left out or empty: all. */
  uids?: readonly string[] | undefined;
}

/** queueFrames: 60 by default. */
export interface EncodedPictureStreamOptions extends UserStreamOptions {
  /** Only of these tracks; left out or empty: all. */
  tracks?: readonly VideoTrackType[] | undefined;
}

/** queueFrames: 4 by default. */
export interface PictureStreamOptions extends EncodedPictureStreamOptions {
  /** Through shared memory where the daemon has it; default: when the client is connected by a Unix socket. */
  sharedMemory?: boolean | undefined;
}

export interface PcmOptions {
  /** 8000, 12000, 16000, 24000, 32000, 44100 or 48000; default 48000. */
  sampleRateHz?: number | undefined;
  /** 1 or 2; default 1. */
  channels?: number | undefined;
}

/** queueFrames: 50 by default. */
export interface AudioStreamOptions extends UserStreamOptions, PcmOptions {}
/** queueFrames: 50 by default. */
export interface MixedAudioStreamOptions extends StreamOptions, PcmOptions {}

/** The frame streams of the daemon, their messages decoded to frames. Field by field: a copy of "the rest" costs as much as to decode the message. */
export const FRAME_METHODS = {
  pictures: framed(MediaServiceService.onRemoteVideoSample, OnRemoteVideoSampleResponse, (info, message) => ({
    sequence: info.sequence,
    captureTimeUs: info.captureTimeUs,
    droppedBefore: info.droppedBefore,
    discontinuity: info.discontinuity,
    data: info.data,
    uid: message.uid,
    track: message.track,
    frameMs: message.frameMs,
    frameNum: message.frameNum,
    width: message.width,
    height: message.height,
    qp: message.qp,
    sliceType: message.sliceType,
    localFrame: message.localFrame,
  })),
  encodedPictures: framed(
    MediaServiceService.onRemoteVideoEncodedSample,
    OnRemoteVideoEncodedSampleResponse,
    (info, message) => ({ ...info, ...video(message), keyFrame: message.keyFrame, codec: message.codec }),
  ),
  audioFrames: framed(MediaServiceService.onSubscribeAudioFrame, OnSubscribeAudioFrameResponse, (info, message) => ({
    ...info,
    ...sound(message),
    uid: message.uid,
    sampleBits: message.sampleBits,
    samples: message.samples,
    streamIndex: message.streamIndex,
  })),
  mixedAudio: framed(
    MediaServiceService.onSubscribeMixAudioFrame,
    OnSubscribeMixAudioFrameResponse,
    (info, message) => ({
      ...info,
      ...sound(message),
      sampleBits: message.sampleBits,
      samples: message.samples,
    }),
  ),
  audioAac: framed(MediaServiceService.onSubscribeAudioAac, OnSubscribeAudioAacResponse, (info, message) => ({
    ...info,
    ...sound(message),
    uid: message.uid,
  })),
  mixedAudioAac: framed(
    MediaServiceService.onSubscribeMixedAudioAac,
    OnSubscribeMixedAudioAacResponse,
    (info, message) => ({ ...info, ...sound(message) }),
  ),
} as const;

const NO_BYTES = Buffer.alloc(0);

type Content = FrameInfo & { data: Buffer };

function video({ uid, track, frameMs, frameNum, width, height }: OnRemoteVideoEncodedSampleResponse) {
  return { uid, track, frameMs, frameNum, width, height };
}

function sound({ frameMs, sampleRateHz, channels }: { frameMs: number; sampleRateHz: number; channels: number }) {
  return { frameMs, sampleRateHz, channels };
}

function framed<Request, Message extends FrameMessage>(
  method: { readonly path: string; readonly requestSerialize: (request: Request) => Buffer },
  codec: { decode(bytes: Buffer): Message },
  toFrame: (content: Content, message: Message) => Frame<Message>,
): Method<Request, FrameOrLane<Frame<Message>>> {
  return {
    path: method.path,
    requestSerialize: method.requestSerialize,
    responseDeserialize: (bytes) => {
      const message = codec.decode(bytes);
      const { lane } = message;
      return lane === undefined ? { frame: toFrame(contentOf(message), message) } : { lane };
    },
  };
}

function contentOf({ header, data }: FrameMessage): Content {
  return {
    sequence: header?.sequence ?? 0,
    captureTimeUs: header?.captureTimeUs ?? 0,
    droppedBefore: header?.droppedBefore ?? 0,
    discontinuity: header?.discontinuity ?? false,
    data: asBuffer(data),
  };
}

/** The decoder gives a part of the received Buffer; only an absent field is another array. */
function asBuffer(data: Uint8Array): Buffer {
  if (data.length === 0) return NO_BYTES;
  return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
