import type { EventEmitter } from 'node:events';

/**
 * The one seam to the WebRTC library: an ICE agent, DTLS, SRTP and data channels of one bundled connection. Session descriptions, RTP and RTCP are ours
 * and live above it, so that the library can be exchanged.
 */
export interface MediaTransport extends EventEmitter<MediaTransportEvents> {
  readonly state: 'new' | 'connecting' | 'connected' | 'failed' | 'closed';
  readonly local: LocalParameters;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Of the last connectivity or consent check; 0 before. */
  readonly roundTripMs: number;
  /** Takes sockets and reports local candidates. Once. */
  gather(): Promise<void>;
  /** Starts (or, called again with the same credentials, does nothing). Ends in "connected" or "failed". */
  connect(remote: RemoteParameters): void;
  /** The text behind "candidate:" or with it, as in trickle messages. Unusable ones are ignored. */
  addRemoteCandidate(candidate: string): void;
  /** A plain RTP packet. Dropped while not connected. */
  sendRtp(packet: Buffer): void;
  /** A plain compound RTCP packet. Dropped while not connected. */
  sendRtcp(packet: Buffer): void;
  createDataChannel(label: string, reliable: boolean): DataChannel;
  /** Bounded by a second. */
  close(): Promise<void>;
}

export interface MediaTransportEvents {
  connected: [];
  /** Once: no media can pass any more. */
  failed: [reason: string];
  candidate: [candidate: string];
  /** Plain packets. The buffer is the receiver's to keep. */
  rtp: [packet: Buffer];
  rtcp: [packet: Buffer];
  data_channel: [channel: DataChannel];
}

export interface LocalParameters {
  usernameFragment: string;
  password: string;
  fingerprint: { algorithm: string; value: string };
}

export interface RemoteParameters {
  usernameFragment: string;
  password: string;
  lite: boolean;
  fingerprints: { algorithm: string; value: string }[];
  /** We made the offer: the controlling ICE agent, unless the other is lite (RFC 8445 section 6.1.1). */
  weOffered: boolean;
  /** Which side sends the DTLS ClientHello. */
  dtlsRole: 'client' | 'server';
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
  /** The other side is on this machine: offer 127.0.0.1 too, ask no STUN server. */
  loopback: boolean;
  connectTimeoutMs: number;
  /** For tests of loss: true drops an RTP or RTCP datagram as if it had not come. */
  dropsInbound?: (datagram: Buffer) => boolean;
}

export interface MediaTransportFactory {
  /** What every transport needs and takes time to make; called while the server is being reached. */
  prepare(): Promise<void>;
  create(options: MediaTransportOptions): Promise<MediaTransport>;
}
