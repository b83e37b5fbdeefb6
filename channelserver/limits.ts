/** What bounds the server; each refusal names its limit. */
export interface Limits {
  rooms: number;
  participantsPerRoom: number;
  participants: number;
  tracksPerParticipant: number;
  /** m-lines of one subscriber connection. */
  subscriptionsPerParticipant: number;
  /** Requests on one connection that were not yet worked off. */
  pendingRequests: number;
  /** One signalling message. */
  signalMessageBytes: number;
  /** What waits to be sent on one signalling connection. */
  signalQueueBytes: number;
  /** What waits to be sent on one data channel; lossy messages are dropped beyond it, a reliable receiver is removed. */
  dataQueueBytes: number;
  /** Name, metadata and all attributes of one participant. */
  metadataBytes: number;
  /** Body of a token exchange. */
  exchangeBodyBytes: number;
}

export const DEFAULT_LIMITS: Limits = {
  rooms: 1000,
  participantsPerRoom: 200,
  participants: 2000,
  tracksPerParticipant: 32,
  subscriptionsPerParticipant: 200,
  pendingRequests: 64,
  signalMessageBytes: 1024 * 1024,
  signalQueueBytes: 16 * 1024 * 1024,
  dataQueueBytes: 8 * 1024 * 1024,
  metadataBytes: 64 * 1024,
  exchangeBodyBytes: 16 * 1024,
};

export interface Timing {
  /** Told to clients; a client that is silent for timeoutMs is removed. */
  pingIntervalMs: number;
  pingTimeoutMs: number;
  /** From joining to a connected subscriber connection. */
  mediaConnectMs: number;
  /** For a client whose signalling connection was lost to come back to its place, while its media lives. */
  resumeMs: number;
  /** For an answer to one of our offers. */
  answerMs: number;
  /** For everybody's good-bye when the server ends. */
  shutdownMs: number;
}

export const DEFAULT_TIMING: Timing = {
  pingIntervalMs: 5_000,
  pingTimeoutMs: 15_000,
  mediaConnectMs: 20_000,
  resumeMs: 5_000,
  answerMs: 15_000,
  shutdownMs: 2_000,
};
