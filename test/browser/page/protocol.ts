/** What a test and its page, a participant with livekit-client in a browser, say to each other. */
export type PageCodec = 'vp8' | 'h264' | 'vp9' | 'av1';
export type PageSource = 'camera' | 'microphone' | 'screen';
export type PageQuality = 'low' | 'medium' | 'high';
type Nothing = Record<string, never>;

export interface PageCommands {
  connect: {
    params: {
      url: string;
      token: string;
      /** Which signalling path: true is /rtc/v1 (falls back by itself), false is /rtc. */
      singlePeerConnection: boolean;
      autoSubscribe?: boolean;
      /** The page sends video of this codec and of no other, as an SDK that has only that one. */
      onlyCodec?: PageCodec;
      adaptiveStream?: boolean;
      dynacast?: boolean;
    };
    result: { sid: string };
  };
  publish_camera: {
    params: {
      width: number;
      height: number;
      framesPerSecond: number;
      codec: PageCodec;
      simulcast: boolean;
      /** What it falls back to when somebody cannot take the first codec. */
      backup?: 'vp8' | 'h264';
      maxBitrate?: number;
    };
    result: { sid: string };
  };
  publish_microphone: { params: Nothing; result: { sid: string } };
  publish_screen: { params: { codec: PageCodec; framesPerSecond: number }; result: { sid: string } };
  unpublish: { params: { source: PageSource }; result: Nothing };
  set_muted: { params: { source: PageSource; muted: boolean }; result: Nothing };
  /** The payload in base64. */
  send_data: { params: { payload: string; topic: string; reliable: boolean }; result: Nothing };
  set_quality: { params: { identity: string; quality: PageQuality }; result: Nothing };
  /** Of the elements that show somebody's pictures, in CSS pixels: what adaptiveStream goes by. */
  set_element_size: { params: { identity: string; width: number; height: number }; result: Nothing };
  /** What was received so far, and zeroes the counters that say "since". */
  report: { params: Nothing; result: PageReport };
  disconnect: { params: Nothing; result: Nothing };
}

export type PageCommandName = keyof PageCommands;

export interface PageReport {
  /** A line for every stream that is sent, simulcast layers apart. */
  sent: SentStream[];
  participants: Record<string, PageParticipant>;
}

export interface SentStream {
  kind: 'audio' | 'video';
  /** Of a simulcast layer, else ''. */
  rid: string;
  /** "video/VP8" */
  mimeType: string;
  /** Whether the layer is on. */
  active: boolean;
  framesEncoded: number;
  width: number;
  height: number;
  bytes: number;
}

export interface PageParticipant {
  attributes: Record<string, string>;
  tracks: { sid: string; source: string; muted: boolean; mimeType: string; simulcast: boolean }[];
  video: PageVideo[];
  audio: PageAudio[];
}

export interface PageVideo {
  sid: string;
  source: string;
  /** By getStats, since the track came. */
  framesDecoded: number;
  /** Of the element, which shows what was decoded last. */
  width: number;
  height: number;
  /** Pictures drawn to the canvas since the last report; of these, how many had a readable number, and how often one was not above the one before. */
  pictures: number;
  readable: number;
  lastNumber: number;
  outOfOrder: number;
  /** How many of the pictures since the last report differ from the one before them. */
  changed: number;
  /** Of the last picture: its luma averaged over each of 8 by 8 fields, rows one after another. */
  thumbnail: number[];
}

export interface PageAudio {
  sid: string;
  /** Of the last 170 ms, 0 to 1 of full scale. */
  level: number;
  /** Share of the power, for each of the frequencies that tests use. */
  tones: Record<string, number>;
}

/** Frequencies that a page looks for, Hz. */
export const PAGE_TONES = [440, 600, 880, 1000, 1500] as const;

export type PageEvent =
  | { event: 'participant_connected' | 'participant_disconnected'; identity: string }
  | { event: 'track_subscribed' | 'track_unsubscribed'; identity: string; sid: string; source: string }
  | { event: 'track_muted' | 'track_unmuted'; identity: string; source: string }
  | { event: 'subscription_failed'; sid: string; reason: string }
  | { event: 'data'; identity: string; topic: string; payload: string }
  /** The first picture of a track that was drawn. */
  | { event: 'first_picture'; identity: string; sid: string; source: string }
  | { event: 'reconnecting' | 'reconnected' }
  | { event: 'disconnected'; reason: string };
