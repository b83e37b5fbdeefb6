/** What a test and its foreign participant (a process of its own with @livekit/rtc-node) say to each other: lines of JSON. */
export interface PeerCommands {
  connect: {
    params: { url: string; token: string; autoSubscribe?: boolean; dynacast?: boolean };
    result: { sid: string };
  };
  publish_video: {
    params: {
      name?: string;
      source?: 'camera' | 'screen';
      width: number;
      height: number;
      framesPerSecond: number;
      codec?: 'h264' | 'vp8' | 'av1';
      simulcast?: boolean;
      maxBitrate?: number;
      /** 0 to 1: how much there is to encode; default 1. */
      detail?: number;
    };
    result: { sid: string };
  };
  publish_audio: {
    params: {
      frequency: number;
      beepFrequency?: number;
      amplitude?: number;
      channels?: number;
      red?: boolean;
      dtx?: boolean;
    };
    result: { sid: string };
  };
  unpublish: { params: { sid: string }; result: Record<string, never> };
  set_attributes: { params: { attributes: Record<string, string> }; result: Record<string, never> };
  set_subscribed: {
    params: { identity: string; kind: 'audio' | 'video'; subscribed: boolean };
    result: Record<string, never>;
  };
  send_data: {
    params: { payload: string; topic: string; reliable: boolean; to?: string[] };
    result: Record<string, never>;
  };
  /** What was received so far, and zeroes the counters that say "since". */
  report: { params: Record<string, never>; result: PeerReport };
  disconnect: { params: Record<string, never>; result: Record<string, never> };
}

export type PeerCommandName = keyof PeerCommands;

export interface PeerReport {
  /** Of the own published track: the number of the last picture, pictures and samples since the last report. */
  sent: { pictures: number; lastNumber: number };
  participants: Record<string, ParticipantReport>;
}

export interface ParticipantReport {
  name: string;
  attributes: Record<string, string>;
  tracks: { sid: string; kind: 'audio' | 'video'; source: string; muted: boolean; mimeType: string }[];
  video: VideoReport[];
  audio: AudioReport[];
}

export interface VideoReport {
  sid: string;
  /** Pictures since the last report. */
  pictures: number;
  width: number;
  height: number;
  /** Pictures whose number could be read since the last report, the first and last of those numbers, and how often a number was not above the one before. */
  readable: number;
  firstNumber: number;
  lastNumber: number;
  outOfOrder: number;
}

export interface AudioReport {
  sid: string;
  /** Samples per channel at 48 kHz since the last report. */
  samples: number;
  /** Root mean square of the last second, 0 to 1. */
  level: number;
  /** Median share of the power in blocks of 50 ms of the last second, for each of the frequencies that a test of ours uses. */
  tones: Record<string, number>;
}

/** Frequencies that a peer looks for, Hz. */
export const KNOWN_TONES = [300, 440, 600, 880, 1000, 1500, 2000] as const;

export type PeerEvent =
  | { event: 'participant_connected' | 'participant_disconnected'; identity: string }
  | {
      event: 'track_subscribed' | 'track_unsubscribed' | 'track_published' | 'track_unpublished';
      identity: string;
      sid: string;
      kind: 'audio' | 'video';
    }
  | { event: 'track_muted' | 'track_unmuted'; identity: string; sid: string }
  | { event: 'subscription_failed'; sid: string; reason: string }
  | { event: 'attributes_changed'; identity: string; attributes: Record<string, string> }
  | { event: 'data'; identity: string; topic: string; payload: string; reliable: boolean }
  /** The first picture of a track with a readable number. */
  | { event: 'first_picture'; identity: string; sid: string; number: number; width: number; height: number }
  | { event: 'reconnecting' | 'reconnected' }
  | { event: 'disconnected'; reason: string };
