import { VideoTrackType, type Engine } from '../../../client/index.js';
import type { CallbackName } from '../../../coreservice/ipc/callbacks.js';
import type { InterfaceName } from '../support/interface.js';

const uid = 'anna';

type Frames = AsyncIterable<{ data: Buffer }> & { cancel: () => void };

export interface FrameRow {
  covers: InterfaceName;
  name: CallbackName;
  fields: Record<string, unknown>;
  payloadBytes: number;
  open: (engine: Engine) => Frames;
  wanted: unknown;
}

const pcm = { type: 0, frame_ms: 10, sample_rates: 48_000, samples: 480, channels: 1, sample_bits: 16 };
const pcmWanted = { frameMs: 10, sampleRateHz: 48_000, samples: 480, channels: 1, sampleBits: 16 };
const aac = { type: 1, frame_ms: 21, sample_rates: 48_000, channels: 1 };
const aacWanted = { frameMs: 21, sampleRateHz: 48_000, channels: 1 };

/** The six callbacks with frames. */
export const FRAME_SCRIPT: readonly FrameRow[] = [
  {
    covers: 'OnRemoteVideoSample',
    name: 'DECODED_VIDEO_FRAME',
    fields: {
      uid,
      track: 3,
      type: 0,
      frame_ms: 40,
      width: 640,
      height: 480,
      frame_num: 9,
      qp: 30,
      mv_infos: [[1, 2]],
      slice_type: 2,
    },
    payloadBytes: 640 * 480 * 1.5,
    open: (engine) => engine.pictures({ sharedMemory: false }),
    wanted: {
      uid,
      track: VideoTrackType.SCREEN_SHARE,
      frameMs: 40,
      frameNum: 9,
      width: 640,
      height: 480,
      qp: 30,
      sliceType: 2,
    },
  },
  {
    covers: 'OnRemoteVideoEncodedSample',
    name: 'ENCODED_VIDEO_SAMPLE',
    fields: { uid, track: 0, type: 1, frame_ms: 80, width: 1280, height: 720, frame_num: 3 },
    payloadBytes: 200_000,
    open: (engine) => engine.encodedPictures(),
    wanted: {
      uid,
      track: VideoTrackType.CAMERA_LARGE,
      frameMs: 80,
      frameNum: 3,
      width: 1280,
      height: 720,
      keyFrame: true,
      codec: 1,
    },
  },
  {
    covers: 'OnSubscribeAudioFrame',
    name: 'REMOTE_AUDIO_FRAME',
    fields: { uid, ...pcm, stream_index: 1 },
    payloadBytes: 960,
    open: (engine) => engine.audioFrames(),
    wanted: { uid, ...pcmWanted, streamIndex: 1 },
  },
  {
    covers: 'OnSubscribeMixAudioFrame',
    name: 'MIXED_AUDIO_FRAME',
    fields: pcm,
    payloadBytes: 960,
    open: (engine) => engine.mixedAudio(),
    wanted: pcmWanted,
  },
  {
    covers: 'OnSubscribeAudioAac',
    name: 'REMOTE_AUDIO_AAC',
    fields: { uid, ...aac },
    payloadBytes: 333,
    open: (engine) => engine.audioAac(),
    wanted: { uid, ...aacWanted },
  },
  {
    covers: 'OnSubscribeMixedAudioAac',
    name: 'MIXED_AUDIO_AAC',
    fields: aac,
    payloadBytes: 334,
    open: (engine) => engine.mixedAudioAac(),
    wanted: aacWanted,
  },
];
