import { EventEmitter } from 'node:events';
import {
  RTCDtlsTransport,
  RTCIceGatherer,
  RTCIceParameters,
  RTCIceTransport,
  RTCSctpTransport,
  RTCDataChannel,
  RTCDataChannelParameters,
  IceCandidate,
  parseIceServers,
  type RTCCertificate,
} from 'werift';
import type {
  DataChannel,
  LocalParameters,
  MediaTransport,
  MediaTransportEvents,
  MediaTransportOptions,
  RemoteParameters,
} from './media_transport.js';
import { WeriftDataChannel } from './werift_data_channel.js';
import { WeriftDtls } from './werift_dtls.js';
import { SrtpSession } from '../../../rtp/srtp.js';

/** SCTP's port inside DTLS, on both sides of every WebRTC implementation. */
const SCTP_PORT = 5000;
/** Larger ones are refused by name before SCTP sees them. */
const MAX_MESSAGE_BYTES = 262_144;
const CLOSE_TIMEOUT_MS = 1000;

/** MediaTransport by werift's ICE, DTLS and SCTP; its peer connection, RTP and SRTP parts are not used. */
export class WeriftTransport extends EventEmitter<MediaTransportEvents> implements MediaTransport {
  readonly local: LocalParameters;
  readonly #ice: RTCIceTransport;
  readonly #dtls: WeriftDtls;
  readonly #sctp: RTCSctpTransport;
  readonly #options: MediaTransportOptions;
  #state: MediaTransport['state'] = 'new';
  #srtp: SrtpSession | undefined;
  #deadline: NodeJS.Timeout | undefined;
  sentBytes = 0;
  receivedBytes = 0;

  private constructor(options: MediaTransportOptions, certificate: RTCCertificate) {
    super();
    this.#options = options;
    const servers = options.loopback ? {} : parseIceServers(options.iceServers.map(toWeriftServer));
    const gatherer = new RTCIceGatherer({
      ...servers,
      useIpv6: !options.loopback,
      ...(options.loopback ? { additionalHostAddresses: ['127.0.0.1'] } : {}),
    });
    // Without this the library would ask a public STUN server when none is named.
    const connection = gatherer.connection as { stunServer?: unknown };
    if (servers.stunServer === undefined) delete connection.stunServer;
    this.#ice = new RTCIceTransport(gatherer);
    this.#dtls = new WeriftDtls(this.#ice, certificate);
    this.#sctp = new RTCSctpTransport(SCTP_PORT, MAX_MESSAGE_BYTES);
    this.#sctp.setDtlsTransport(this.#dtls.transport);
    this.#sctp.setRemoteMaxMessageSize(MAX_MESSAGE_BYTES);
    this.#sctp.onDataChannel.subscribe((channel) => this.emit('data_channel', new WeriftDataChannel(channel)));
    const fingerprint = certificate.getFingerprints()[0];
    this.local = {
      usernameFragment: this.#ice.localParameters.usernameFragment,
      password: this.#ice.localParameters.password,
      fingerprint: { algorithm: fingerprint?.algorithm ?? '', value: fingerprint?.value ?? '' },
    };
    this.#ice.onIceCandidate.subscribe((candidate) => {
      const text = candidate?.toJSON().candidate;
      if (text !== undefined && text !== '') this.emit('candidate', text);
    });
    this.#ice.connection.onData.subscribe((datagram) => this.#onDatagram(datagram));
    this.#ice.connection.stateChanged.subscribe((state) => {
      if (state === 'failed') this.#fail('the ICE connection failed');
    });
  }

  /** Makes the certificate, which takes some milliseconds; a process has one. */
  static async prepare(): Promise<void> {
    await RTCDtlsTransport.SetupCertificate();
  }

  static async create(options: MediaTransportOptions): Promise<WeriftTransport> {
    return new WeriftTransport(options, await RTCDtlsTransport.SetupCertificate());
  }

  get state(): MediaTransport['state'] {
    return this.#state;
  }

  get roundTripMs(): number {
    return (this.#ice.connection.nominated?.rtt ?? 0) * 1000;
  }

  async gather(): Promise<void> {
    await this.#ice.gather();
  }

  connect(remote: RemoteParameters): void {
    if (this.#state !== 'new') return;
    this.#state = 'connecting';
    this.#ice.connection.iceControlling = remote.weOffered || remote.lite;
    this.#ice.setRemoteParams(
      new RTCIceParameters({
        usernameFragment: remote.usernameFragment,
        password: remote.password,
        iceLite: remote.lite,
      }),
    );
    this.#deadline = setTimeout(() => this.#fail('no connection in time'), this.#options.connectTimeoutMs);
    void this.#establish(remote).catch((error: unknown) => this.#fail(String(error)));
  }

  async #establish(remote: RemoteParameters): Promise<void> {
    // The other side knows earlier than we that ICE is connected: its ClientHello is answered, and the handshake may even be over, before start() returns.
    const keys = this.#dtls.prepare(remote.dtlsRole, remote.fingerprints);
    const checked = this.#ice.start().then(() => this.#dtls.startHandshake());
    checked.catch((error: unknown) => this.#fail(`ICE: ${String(error)}`));
    const srtpKeys = await keys;
    if (this.#state !== 'connecting') return;
    clearTimeout(this.#deadline);
    this.#srtp = new SrtpSession(srtpKeys);
    this.#state = 'connected';
    void this.#sctp.start(SCTP_PORT).catch((error: unknown) => this.#fail(`SCTP: ${String(error)}`));
    this.emit('connected');
  }

  addRemoteCandidate(candidate: string): void {
    if (this.#state === 'closed' || this.#state === 'failed') return;
    const parsed = parseCandidate(candidate);
    if (parsed !== undefined) void this.#ice.addRemoteCandidate(parsed)?.catch(() => undefined);
  }

  /** RFC 7983: the first octet tells DTLS (20-63) from RTP and RTCP (128-191). */
  #onDatagram(datagram: Buffer): void {
    const first = datagram[0] ?? 0;
    if (first >= 20 && first <= 63) this.#dtls.onDatagram(datagram);
    else if (first >= 128 && first <= 191 && this.#srtp !== undefined) this.#onMedia(datagram, this.#srtp);
  }

  #onMedia(datagram: Buffer, srtp: SrtpSession): void {
    if (this.#options.dropsInbound?.(datagram) === true) return;
    this.receivedBytes += datagram.length;
    // RFC 5761 section 4: payload types 64-95 are not used with RTP, they are RTCP's 192-223.
    const type = (datagram[1] ?? 0) & 0x7f;
    const isRtcp = type >= 64 && type <= 95;
    const plain = isRtcp ? srtp.unprotectRtcp(datagram) : srtp.unprotectRtp(datagram);
    if (plain !== undefined) this.emit(isRtcp ? 'rtcp' : 'rtp', plain);
  }

  sendRtp(packet: Buffer): void {
    if (this.#srtp !== undefined && this.#state === 'connected') this.#send(this.#srtp.protectRtp(packet));
  }

  sendRtcp(packet: Buffer): void {
    if (this.#srtp !== undefined && this.#state === 'connected') this.#send(this.#srtp.protectRtcp(packet));
  }

  #send(datagram: Buffer): void {
    this.sentBytes += datagram.length;
    // A full socket buffer is a lost packet, as on the way; NACK asks again.
    this.#ice.connection.send(datagram).catch(() => undefined);
  }

  createDataChannel(label: string, reliable: boolean): DataChannel {
    // Zero retransmissions would be taken for "not limited" by the library.
    const limits = reliable ? {} : { maxRetransmits: 1 };
    const parameters = new RTCDataChannelParameters({ label, ordered: true, protocol: '', ...limits });
    return new WeriftDataChannel(new RTCDataChannel(this.#sctp, parameters));
  }

  #fail(reason: string): void {
    if (this.#state === 'failed' || this.#state === 'closed') return;
    this.#state = 'failed';
    clearTimeout(this.#deadline);
    this.emit('failed', reason);
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    const wasConnected = this.#state === 'connected';
    this.#state = 'closed';
    clearTimeout(this.#deadline);
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_TIMEOUT_MS)));
    await Promise.race([limit, this.#release(wasConnected)]);
    clearTimeout(timer);
    this.removeAllListeners();
  }

  async #release(wasConnected: boolean): Promise<void> {
    if (wasConnected) await this.#sctp.stop().catch(() => undefined);
    this.#dtls.close();
    await this.#ice.stop().catch(() => undefined);
  }
}

function toWeriftServer(server: { urls: string[]; username: string; credential: string }): {
  urls: string[];
  username?: string;
  credential?: string;
} {
  const { urls, username, credential } = server;
  return username === '' ? { urls } : { urls, username, credential };
}

/** A candidate line of a trickle message or a session description. */
function parseCandidate(text: string): IceCandidate | undefined {
  const line = text.startsWith('candidate:') ? text : `candidate:${text}`;
  try {
    return IceCandidate.fromJSON({ candidate: line, sdpMid: '0', sdpMLineIndex: 0 });
  } catch {
    return undefined;
  }
}
