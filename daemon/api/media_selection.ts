import type { VideoTrackType } from '../../gen/alirtc/v1/types.js';
import { videoTrackType } from '../conversions.js';
import { checkOneOf, checkRange, checkRemoteUser } from '../engine/checks.js';
import type { Selection } from '../media/demand.js';
import type { FrameKind } from '../media/media_frame.js';

const RATES_HZ = [8000, 12000, 16000, 24000, 32000, 44100, 48000];
const DEFAULT_RATE_HZ = 48_000;
const MAX_NAMED_USERS = 256;
/** There are four; some may be named twice. */
const MAX_NAMED_TRACKS = 16;

/** What the requests of the frame streams have in common; each has a part of it. */
export interface StreamRequest {
  uids?: string[];
  tracks?: VideoTrackType[];
  sampleRateHz?: number;
  channels?: number;
  localFrames?: boolean;
  directLane?: boolean;
}

/** What a stream asks for. Throws INVALID_ARGUMENT. */
export function selectionOf(kind: FrameKind, request: StreamRequest): Selection {
  const { uids = [], tracks = [], sampleRateHz = 0, channels = 0, localFrames: local = false } = request;
  const direct = local && request.directLane === true;
  checkRange('uids', uids.length, 0, MAX_NAMED_USERS);
  checkRange('tracks', tracks.length, 0, MAX_NAMED_TRACKS);
  return {
    kind,
    local,
    direct,
    uids: new Set(uids.map((uid) => checkRemoteUser('uids', uid))),
    tracks: new Set(tracks.map((track) => videoTrackType.toIpc(track, 'tracks'))),
    shape: {
      sampleRate: checkOneOf('sample_rate_hz', sampleRateHz === 0 ? DEFAULT_RATE_HZ : sampleRateHz, RATES_HZ),
      channels: checkRange('channels', channels === 0 ? 1 : channels, 1, 2),
    },
  };
}

/** media.proto, the queue_frames fields. */
const QUEUES: Readonly<Record<FrameKind, { frames: number; most: number }>> = {
  pictures: { frames: 4, most: 64 },
  encoded: { frames: 60, most: 600 },
  audio: { frames: 50, most: 500 },
  mixed: { frames: 50, most: 500 },
  audioAac: { frames: 50, most: 500 },
  mixedAac: { frames: 50, most: 500 },
};

export function queueFramesOf(kind: FrameKind, wanted: number): number {
  const { frames, most } = QUEUES[kind];
  return wanted === 0 ? frames : checkRange('queue_frames', wanted, 1, most);
}
