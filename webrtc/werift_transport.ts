import { EventEmitter } from 'node:events';
import {
  RTCDtlsTransport,
  RTCSctpTransport,
  RTCDataChannel,
  RTCDataChannelParameters,
  type RTCCertificate,
} from 'werift';
import { IceAgent } from './ice_agent.js';
import { MAX_MESSAGE_BYTES } from './media_transport.js';
import type {
  DataChannel,
  DataChannelKind,
  Fingerprint,
  LocalParameters,
  MediaTransport,
  MediaTransportEvents,
  MediaTransportOptions,
  RemoteParameters,
  TransportState,
} from './media_transport.js';
import { WeriftDataChannel } from './werift_data_channel.js';
import { WeriftDtls } from './werift_dtls.js';
import { SrtpSession } from '../rtp/srtp.js';

/** SCTP's port inside DTLS, on both sides of every WebRTC implementation. */
const SCTP_PORT = 5000;
const CLOSE_TIMEOUT_MS = 1000;

/** MediaTransport by werift's ICE, DTLS and SCTP; its peer connection, RTP and SRTP parts are not used. */
export class WeriftTransport extends EventEmitter<MediaTransportEvents> implements MediaTransport {
  readonly #fingerprint: Fingerprint;
  readonly #ice: IceAgent;
  readonly #dtls: WeriftDtls;
  readonly #sctp: RTCSctpTransport;
  readonly #options: MediaTransportOptions;
  #state: TransportState = 'new';
  #srtp: SrtpSession | undefined;
  #sctpPort: number | undefined;
  #hasStartedSctp = false;
  #deadline: NodeJS.Timeout | undefined;
  sentBytes = 0;
  receivedBytes = 0;

  private constructor(options: MediaTransportOptions, certificate: RTCCertificate) {
    super();
    this.#options = options;
    this.#ice = new IceAgent(options, {
      candidate: (text) => this.emit('candidate', text),
      datagram: (datagram) => this.#onDatagram(datagram),
      connected: () => this.#state === 'connecting' && this.#dtls.startHandshake(),
      failed: (reason) => this.#fail(reason),
      stalled: () => this.#state === 'connected' && this.emit('stalled'),
      recovered: () => this.#state === 'connected' && this.emit('recovered'),
    });
    this.#dtls = new WeriftDtls(this.#ice.transport, certificate, () => this.emit('peer_closed'));
    this.#sctp = new RTCSctpTransport(SCTP_PORT, MAX_MESSAGE_BYTES);
    this.#sctp.setDtlsTransport(this.#dtls.transport);
    this.#sctp.setRemoteMaxMessageSize(MAX_MESSAGE_BYTES);
    this.#sctp.onDataChannel.subscribe((channel) => this.emit('data_channel', new WeriftDataChannel(channel)));
    const fingerprint = certificate.getFingerprints()[0];
    this.#fingerprint = { algorithm: fingerprint?.algorithm ?? '', value: fingerprint?.value ?? '' };
  }

  /** Makes the certificate, which takes some milliseconds; a process has one. */
  static async prepare(): Promise<void> {
    await RTCDtlsTransport.SetupCertificate();
  }

  static async create(options: MediaTransportOptions): Promise<WeriftTransport> {
    return new WeriftTransport(options, await RTCDtlsTransport.SetupCertificate());
  }

  /** As create(), at once. Throws when prepare() has not been awaited. */
  static createPrepared(options: MediaTransportOptions): WeriftTransport {
    const certificate = RTCDtlsTransport.localCertificate;
    if (certificate === undefined) throw new Error('no certificate has been prepared');
    return new WeriftTransport(options, certificate);
  }

  get state(): TransportState {
    return this.#state;
  }

  get local(): LocalParameters {
    return { ...this.#ice.local, fingerprint: this.#fingerprint };
  }

  get remoteFragment(): string | undefined {
    return this.#ice.remoteFragment;
  }

  get roundTripMs(): number {
    return this.#ice.roundTripMs;
  }

  get localCandidates(): readonly string[] {
    return this.#ice.localCandidates;
  }

  configure(network: Pick<MediaTransportOptions, 'iceServers' | 'addresses' | 'relayOnly'>): void {
    this.#ice.configure(network);
  }

  gather(): Promise<void> {
    return this.#ice.gather();
  }

  connect(remote: RemoteParameters): void {
    if (this.#state !== 'new' && this.#state !== 'connecting' && this.#state !== 'connected') return;
    if (remote.sctp !== undefined) {
      this.#sctp.setRemoteMaxMessageSize(remote.sctp.maxMessageBytes);
      this.#sctpPort = remote.sctp.port;
      this.#startSctp();
    }
    this.#ice.connect(remote);
    if (this.#state !== 'new') return;
    this.#state = 'connecting';
    const { connectTimeoutMs } = this.#options;
    if (connectTimeoutMs !== undefined)
      this.#deadline = setTimeout(() => this.#fail(this.#lateText()), connectTimeoutMs);
    void this.#establish(remote).catch((error: unknown) => this.#fail(String(error)));
  }

  async #establish(remote: RemoteParameters): Promise<void> {
    // The other side may know earlier than we that ICE is connected: we listen for its ClientHello, and the handshake may even be over, before ICE is.
    const srtpKeys = await this.#dtls.prepare(remote.dtlsRole, remote.fingerprints);
    if (this.#state !== 'connecting') return;
    clearTimeout(this.#deadline);
    this.#srtp = new SrtpSession(srtpKeys);
    this.#state = 'connected';
    this.#startSctp();
    this.emit('connected');
  }

  #startSctp(): void {
    const port = this.#sctpPort;
    if (port === undefined || this.#state !== 'connected' || this.#hasStartedSctp) return;
    this.#hasStartedSctp = true;
    this.#sctp.setRemotePort(port);
    this.#sctp.start(port).catch((error: unknown) => this.#fail(`SCTP: ${String(error)}`));
  }

  addRemoteCandidate(text: string): void {
    if (this.#state !== 'closed' && this.#state !== 'failed') this.#ice.addRemoteCandidate(text);
  }

  restart(): void {
    if (this.#state === 'connecting' || this.#state === 'connected') this.#ice.restart();
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
    this.#ice.send(datagram);
  }

  createDataChannel(label: string, { reliable, ordered }: DataChannelKind): DataChannel {
    // Zero retransmissions would be taken for "not limited" by the library.
    const limits = reliable ? {} : { maxRetransmits: 1 };
    const parameters = new RTCDataChannelParameters({ label, ordered, protocol: '', ...limits });
    return new WeriftDataChannel(new RTCDataChannel(this.#sctp, parameters));
  }

  /** A relay that could not be had may be all that was missing. */
  #lateText(): string {
    return ['no connection in time', ...this.#ice.relayFailures].join('; ');
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
    this.#ice.close();
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_TIMEOUT_MS)));
    await Promise.race([limit, this.#release(wasConnected)]);
    clearTimeout(timer);
    this.removeAllListeners();
  }

  async #release(wasConnected: boolean): Promise<void> {
    if (wasConnected && this.#hasStartedSctp) {
      await this.#sctp.stop().catch(() => undefined);
      // The socket takes datagrams in the next turn: SCTP's ABORT goes out before it closes.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#dtls.close();
    await this.#ice.stop();
  }
}
