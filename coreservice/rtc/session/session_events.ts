import type { LeaveRequest, ParticipantInfo } from '@livekit/protocol';
import type { ReceivedTrack } from '../receive/incoming_tracks.js';
import type { DataMessage } from '../types.js';

/** What a stay tells its room. */
export interface SessionEvents {
  participants: [infos: ParticipantInfo[]];
  track_added: [track: ReceivedTrack];
  track_removed: [track: ReceivedTrack];
  subscription_failed: [trackSid: string, reason: string];
  /** The server ended a track of ours. */
  own_track_ended: [trackSid: string];
  data: [message: DataMessage];
  /** A fresh token for a rejoin. Never logged. */
  token: [token: string];
  /** Once until resume(): the server or its media cannot be reached. */
  lost: [reason: 'signal' | 'media', detail: string];
  /** Once: the server said Leave. */
  left: [request: LeaveRequest];
}
