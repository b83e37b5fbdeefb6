import type { TransportState } from '../../webrtc/media_transport.js';
import type { DownTrack } from './down_track.js';
import type { Announcement } from './publisher_connection.js';
import type { UpTrack } from './up_track.js';

/** Who takes the tracks of others. */
export interface TrackOutlet {
  /** undefined: no m-line is left. Media begins when the client knows of it. */
  addTrack(source: UpTrack, participantSid: string, trackSid: string): DownTrack | undefined;
  removeTrack(down: DownTrack): void;
}

/** The media of one participant, by one connection or by two. */
export interface ParticipantMedia extends TrackOutlet {
  /** May speak to the client from now on. */
  start(): Promise<void>;
  /** The answer to an offer of the client. Rejects when there is none. */
  answer(sdp: string): Promise<{ sdp: string; midToTrackId: Record<string, string> }>;
  /** The answer has been sent. */
  answerSent(): void;
  /** The client's signalling connection is lost. */
  suspended(): void;
  /** The client is back on another signalling connection: what it may have missed is said again. */
  resumed(): Promise<void>;
  /** The client's answer to an offer of ours. */
  setAnswer(sdp: string, id: number): void;
  addCandidate(connection: 'publisher' | 'subscriber', candidate: string): void;
  /** False when the receiver is so slow that its queue is full; a lossy message is dropped then. */
  sendData(message: Buffer, reliable: boolean): boolean;
  close(): Promise<void>;
}

export interface ParticipantMediaEvents {
  claim(media: { kind: 'audio' | 'video'; mid: string; trackId: string }): Announcement | undefined;
  /** This m-line no longer sends. */
  ended(mid: string): void;
  data(label: string, message: Buffer): void;
  /** Primary: the connection by which the client is sent its media. */
  state(connection: { primary: boolean }, state: TransportState): void;
  /** To be sent to the client; an answer is expected. */
  offer(sdp: string, id: number): void;
  /** An offer with at least so many more m-lines to receive on is expected. */
  sectionsNeeded(audios: number, videos: number): void;
  /** The client cannot take the codec of this track. */
  refused(trackId: string): void;
  /** The client does not answer, or not sensibly. */
  stuck(reason: string): void;
}

export interface ParticipantMediaOptions {
  maxSlots: number;
  dataQueueBytes: number;
  /** For an answer to an offer, or an offer that was asked for. */
  answerMs: number;
}
