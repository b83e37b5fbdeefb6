import type { EventEmitter } from 'node:events';

/**
 * The one seam to the WebRTC library, for clients and servers: an ICE agent, DTLS, SRTP and data channels of one bundled connection. Session
 * descriptions, RTP and RTCP are ours and live above it, so that the library can be exchanged.
 */
export interface MediaTransport extends EventEmitter<MediaTransportEvents> {
  readonly state: TransportState;
  /** Those of the next description: restart() changes them. */
  readonly local: LocalParameters;
  /** Of the description that connect() was called with last; undefined before it, and after restart(). */
  readonly remoteFragment: string | undefined;
  /** Values of a=candidate lines, without "candidate:"; complete when gather() has resolved. */
  readonly localCandidates: readonly string[];
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Of the last connectivity or consent check; 0 before. */
  readonly roundTripMs: number;
  /** Before gather(): what became known after an offer had to be made. */
  configure(network: Pick<MediaTransportOptions, 'iceServers' | 'addresses' | 'relayOnly'>): void;
  /** Takes sockets and reports local candidates. Acts once. */
  gather(): Promise<void>;
  /**
   * Starts, and ends in "connected" or "failed". Called again, it only takes over what is said of data channels; after restart(), also the peer's new ICE
   * credentials. gather() has been called before.
   */
  connect(remote: RemoteParameters): void;
  /** The text behind "candidate:" or with it, as in trickle messages; before connect() too. Unusable ones are ignored. */
  addRemoteCandidate(candidate: string): void;
  /** An ICE restart (RFC 8445 section 9): new local credentials, for a new description. DTLS and data channels stay. gather() and connect() follow. */
  restart(): void;
  /** A plain RTP packet. Dropped while not connected. */
  sendRtp(packet: Buffer): void;
  /** A plain compound RTCP packet. Dropped while not connected. */
  sendRtcp(packet: Buffer): void;
  createDataChannel(label: string, kind: DataChannelKind): DataChannel;
  /** Bounded by a second. */
  close(): Promise<void>;
}

export type TransportState =
  | 'new' // nothing known of the peer yet
  | 'connecting' // ICE checks, then the DTLS handshake
  | 'connected' // SRTP keys are there
  | 'failed' // no candidate pair, a refused handshake, no consent any more, or not in time
  | 'closed';

/** Largest data channel message either way: what browsers announce. */
export const MAX_MESSAGE_BYTES = 262_144;

/** What every WebRTC implementation has, for descriptions that say nothing else. */
export const SCTP = { port: 5000, maxMessageBytes: MAX_MESSAGE_BYTES } as const;

export interface DataChannelKind {
  /** Sent again until it has arrived; else at most once more. */
  reliable: boolean;
  ordered: boolean;
}

export interface MediaTransportEvents {
  connected: [];
  /** Once: no media can pass any more. */
  failed: [reason: string];
  /** Only with stallMs: nothing has been heard of the peer for so long, or consent is gone. A restart may help. */
  stalled: [];
  /** After "stalled": the peer is heard again. */
  recovered: [];
  /** The peer ended DTLS. Nothing else follows from it: a client may know the reason by other ways. */
  peer_closed: [];
  candidate: [candidate: string];
  /** Plain packets. The buffer is the receiver's to keep. */
  rtp: [packet: Buffer];
  rtcp: [packet: Buffer];
  data_channel: [channel: DataChannel];
}

/** e.g. {algorithm: "sha-256", value: "AB:CD:..."} */
export interface Fingerprint {
  algorithm: string;
  value: string;
}

export interface LocalParameters {
  usernameFragment: string;
  password: string;
  fingerprint: Fingerprint;
}

export interface RemoteParameters {
  usernameFragment: string;
  password: string;
  lite: boolean;
  fingerprints: readonly Fingerprint[];
  /** We made the offer: the controlling ICE agent, unless the other is lite (RFC 8445 section 6.1.1). */
  weOffered: boolean;
  /** Which side sends the DTLS ClientHello. */
  dtlsRole: 'client' | 'server';
  /** Of the data section; absent while the description has none. */
  sctp?: { port: number; maxMessageBytes: number };
}

export interface DataChannel extends EventEmitter<{ message: [data: Buffer]; open: []; close: [] }> {
  readonly label: string;
  readonly isOpen: boolean;
  /** Octets handed over and not sent. */
  readonly bufferedBytes: number;
  /** Throws when the channel is closed. */
  send(data: Buffer): void;
}

export interface IceServer {
  urls: string[];
  username: string;
  credential: string;
}

export interface MediaTransportOptions {
  iceServers: readonly IceServer[];
  /** Where we can be reached. */
  addresses: 'any' | 'any-and-loopback' | { host: string };
  /** From connect(); absent: somebody else has a deadline. */
  connectTimeoutMs?: number;
  /** Without a sign of the peer for so long, "stalled" tells so. Absent: lost consent is "failed", after half a minute. */
  stallMs?: number;
  /** Only by way of a TURN server. */
  relayOnly?: boolean;
  /** The peer's passive TCP candidates are dialled (RFC 6544) when UDP finds no path at once. */
  tcp?: boolean;
  /** For tests of loss: true drops an RTP or RTCP datagram as if it had not come. */
  dropsInbound?: (datagram: Buffer) => boolean;
}

export interface MediaTransportFactory {
  /** What every transport needs and takes time to make; called while the server is being reached. */
  prepare(): Promise<void>;
  create(options: MediaTransportOptions): Promise<MediaTransport>;
}
