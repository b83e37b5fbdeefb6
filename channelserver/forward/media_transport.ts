/**
 * What the channel server needs of a WebRTC library, and nothing more: one ICE, DTLS, SRTP and SCTP association for everything that one
 * peer connection bundles. Descriptions (SDP) are made by us, so the library behind this can be exchanged.
 */

export type TransportState =
  | 'new' // nothing known of the peer yet
  | 'connecting' // ICE checks, then the DTLS handshake
  | 'connected' // SRTP keys are there
  | 'failed' // no candidate pair, a refused handshake, or no consent for 30 s
  | 'closed';

export interface LocalParameters {
  usernameFragment: string;
  password: string;
  /** e.g. {algorithm: "sha-256", value: "AB:CD:..."} */
  fingerprint: Fingerprint;
  /** Values of a=candidate lines, without "candidate:"; complete, there is no trickling from our side. */
  candidates: readonly string[];
}

export interface RemoteParameters {
  usernameFragment: string;
  password: string;
  fingerprint: Fingerprint;
  /** The DTLS role that the peer takes; ours is the other one. */
  setup: 'active' | 'passive' | 'actpass';
  /** When the description has a data section. */
  sctpPort?: number;
  maxMessageBytes?: number;
}

export interface Fingerprint {
  algorithm: string;
  value: string;
}

/** Largest data channel message either way: what browsers announce. */
export const MAX_MESSAGE_BYTES = 262_144;

/** Called on the hot path; they must not throw. */
export interface TransportHandlers {
  /** A decrypted RTP packet; the buffer is the handler's. */
  onRtp(packet: Buffer): void;
  /** A decrypted compound RTCP packet. */
  onRtcp(packet: Buffer): void;
  onData(label: string, message: Buffer): void;
  onState(state: TransportState): void;
}

export interface DataChannelOptions {
  label: string;
  reliable: boolean;
}

export interface OutgoingDataChannel {
  readonly label: string;
  readonly open: boolean;
  /** What is handed over but not yet acknowledged by the send queue. */
  readonly bufferedBytes: number;
  /** Throws when the message is larger than the peer accepts. */
  send(message: Buffer): void;
}

export interface MediaTransport {
  readonly state: TransportState;
  readonly local: LocalParameters;
  /** Opens the socket and gathers candidates. Before everything else. */
  open(): Promise<void>;
  /** The first call connects; a later one only adds what is new (data section). */
  setRemote(remote: RemoteParameters): void;
  /** The value of an a=candidate line or of a trickled candidate; ignored when it cannot be used. */
  addRemoteCandidate(candidate: string): void;
  createDataChannel(options: DataChannelOptions): OutgoingDataChannel;
  /** A plain RTP packet. Dropped unless connected. */
  sendRtp(packet: Buffer): void;
  /** A compound RTCP packet. Dropped unless connected. */
  sendRtcp(packet: Buffer): void;
  stats(): { sentBytes: number; receivedBytes: number };
  close(): Promise<void>;
}

/** controlling: we send the offers. */
export type IceRole = 'controlling' | 'controlled';

export type TransportFactory = (role: IceRole, handlers: TransportHandlers) => MediaTransport;
