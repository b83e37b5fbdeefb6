import type { PictureReference } from '../../common/picture_ring.js';

/**
 * What our daemon and our core service say to each other beyond the vendor's protocol. It travels as the unknown JSON key "alirtcd" of the vendor's own
 * messages, or as the key "alirtcd" inside SET_PARAMETER's JSON; a vendor's end ignores it, and ours works (with less) without it.
 */

/** In CREATE_RTC_ENGINE. */
export interface CreateExtension {
  engineId?: string;
  /** Where to join when the join does not say: ws://host:port. The environment variable ALIRTC_CHANNEL_SERVER_URL serves hosts that are not ours. */
  url?: string;
  /** All nodes of the cluster in the order to try, `url` the first: the next one is taken when one does not answer. */
  urls?: string[];
}

/** In JOIN_CHANNEL, JOIN_CHANNEL_V2 and JOIN_CHANNEL_V3: the daemon checked the token and exchanged it. */
export interface JoinExtension {
  url: string;
  /** As in CreateExtension. */
  urls?: string[];
  /** A LiveKit access token. Never logged. */
  token: string;
}

/** In JOIN_RESULT, ERROR and WARNING. */
export interface OutcomeExtension {
  /** The error's name where its number is not in the closed list. */
  reason?: string;
  /** For people: the field that differs, the expiry, the server's words. */
  text?: string;
  /** ERROR: the number the closed list does not have. */
  number?: number;
}

/** In every callback that carries a frame. */
export interface FrameExtension {
  /** Counts the frames of this kind, user and track that the core made, from 1; gaps are frames dropped before the socket. */
  sequence: number;
  /** Unix time in microseconds; the sender's clock when its reports say it, else the arrival. */
  captureTimeUs: number;
  /** DECODED_VIDEO_FRAME without a payload: where the picture lies (common/picture_ring.ts). */
  ring?: PictureReference;
  /** ENCODED_VIDEO_SAMPLE. */
  keyFrame?: boolean;
  /** ENCODED_VIDEO_SAMPLE. */
  codec?: 'h264' | 'vp8';
}

/** In REMAIN_BUFFER, sent unasked whenever pushed media left the queue, once credits were switched on. Totals since the engine was created. */
export interface ConsumedExtension {
  /** Milliseconds of pushed audio that left the queue or was cleared. */
  audioConsumedMs: number;
  /** Pictures that left the queue, were dropped by the encoder, or were cleared. */
  cameraConsumed: number;
  screenConsumed: number;
}

/** The key "alirtcd" of SET_PARAMETER. Every part is optional; one that is present replaces what was set before. */
export interface ParameterExtension {
  demand?: Demand;
  /** True: send ConsumedExtension. */
  credits?: boolean;
  /** True: decoded pictures go through shared memory where the machine has it (FrameExtension.ring), and through the socket where not. */
  pictureRing?: boolean;
  /** Who gets decoded pictures from the core itself, beside what `demand` asks for. One that is missing here ends. */
  pictureLanes?: PictureLanes;
  /** Ask the sender for a key frame now. */
  requestKeyFrame?: { uid: string; track: number };
  /** Milliseconds before a lost connection fails; 100,000 by default. */
  reconnectLimitMs?: number;
  /** Of what the core logs: trace, debug, info, warn, error, fatal, silent. */
  logLevel?: string;
  /** Peer connections to the channel server, from the next join on: as it has it (the default), one by /rtc/v1, or two by /rtc. */
  connections?: 'auto' | 'single' | 'dual';
}

/** Unix socket connections by which clients fetch pictures (media.proto, FrameLane with `direct`). The socket is made with the first lane, and stays. */
export interface PictureLanes {
  /** Of the socket, in a folder of the daemon's. The same as long as this core process lives. */
  path: string;
  lanes: PictureLane[];
}

/** Never changed: another wish is another lane. */
export interface PictureLane {
  /** The daemon's number for it. */
  id: number;
  /** 32 bytes in hexadecimal. Never logged. */
  secret: string;
  /** Empty: everybody. */
  uids: string[];
  /** VideoTrackType; empty: every track. */
  tracks: number[];
}

/**
 * In SDK_VERSION: a core that says this knows picture lanes. Unasked when lanes can be connected to (nobody is to be told of a lane before), when one opens or
 * closes, and every second while pictures go through one.
 */
export interface VersionExtension {
  /** Those of the last list that can be connected to, and those that closed since the last of these messages. */
  pictureLanes: PictureLaneReport[];
}

export interface PictureLaneReport {
  id: number;
  /** Closed, said once: the client went, the core cannot have the socket, or the lane is missing in the new list. */
  state: 'offered' | 'open' | 'closed';
  /** Pictures since it opened. */
  delivered: number;
  dropped: number;
}

/**
 * What some open stream asked for. Before the first demand arrives (a vendor's host never sends one) the join's config and the codec keys of `extra` decide;
 * from the first one on only the demand does.
 */
export interface Demand {
  pictures: VideoDemand[];
  encoded: VideoDemand[];
  /** Before mixing, 10 ms frames; one entry for each distinct user and shape. */
  audio: (AudioShape & { uid: string })[];
  /** 10 ms frames; one entry for each distinct shape. */
  mixed: AudioShape[];
  audioAac: { uid: string }[];
  mixedAac: boolean;
}

/** uid "*" is everybody, track -1 is every track. */
export interface VideoDemand {
  uid: string;
  track: number;
}

export interface AudioShape {
  sampleRate: number;
  channels: number;
}

export const EMPTY_DEMAND: Readonly<Demand> = {
  pictures: [],
  encoded: [],
  audio: [],
  mixed: [],
  audioAac: [],
  mixedAac: false,
};
