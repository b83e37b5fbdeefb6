import {
  IceCandidate,
  RTCDataChannel,
  RTCDataChannelParameters,
  RTCDtlsFingerprint,
  RTCDtlsParameters,
  RTCIceGatherer,
  RTCIceParameters,
  RTCIceTransport,
  RTCSctpTransport,
  candidateToSdp,
} from 'werift';
import type {
  DataChannelOptions,
  IceRole,
  LocalParameters,
  MediaTransport,
  OutgoingDataChannel,
  RemoteParameters,
  TransportFactory,
  TransportHandlers,
  TransportState,
} from './media_transport.js';
import { MAX_MESSAGE_BYTES } from './media_transport.js';
import type { Logger } from '../../common/logger.js';
import { isLoopbackHost } from './loopback.js';
import { RawDtlsTransport } from './raw_dtls_transport.js';

const SCTP_PORT = 5000;
/** Content type of a record: RFC 5246, 6.2.1. */
const DTLS_HANDSHAKE = 22;

export class WeriftTransport implements MediaTransport {
  readonly #role: IceRole;
  readonly #handlers: TransportHandlers;
  readonly #logger: Logger;
  readonly #ice: RTCIceTransport;
  readonly #dtls: RawDtlsTransport;
  readonly #sctp = new RTCSctpTransport(SCTP_PORT, MAX_MESSAGE_BYTES);
  #state: TransportState = 'new';
  #local: LocalParameters | undefined;
  #opening: Promise<void> | undefined;
  #connecting = false;
  #started = false;
  #sctpPort: number | undefined;
  #sctpStarted = false;
  #sentBytes = 0;
  #candidatesBeforeRemote: string[] = [];

  constructor(role: IceRole, handlers: TransportHandlers, host: string, logger: Logger) {
    this.#role = role;
    this.#handlers = handlers;
    this.#logger = logger;
    const gatherer = new RTCIceGatherer(iceOptions(host));
    // Left out, it is a public STUN server.
    delete gatherer.connection.stunServer;
    this.#ice = new RTCIceTransport(gatherer);
    this.#ice.connection.iceControlling = role === 'controlling';
    this.#dtls = new RawDtlsTransport(this.#ice, handlers);
    this.#sctp.setDtlsTransport(this.#dtls);
    this.#sctp.onDataChannel.subscribe((channel) => {
      channel.onMessage.subscribe((message) => {
        handlers.onData(channel.label, typeof message === 'string' ? Buffer.from(message) : message);
      });
    });
    this.#dtls.onStateChange.subscribe((state) => this.#onDtlsState(state));
    this.#ice.onStateChange.subscribe((state) => {
      if (state === 'failed') this.#setState('failed');
    });
  }

  get state(): TransportState {
    return this.#state;
  }

  get local(): LocalParameters {
    if (this.#local === undefined) throw new Error('the transport is not open');
    return this.#local;
  }

  open(): Promise<void> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open(): Promise<void> {
    this.#dtls.localCertificate = await RawDtlsTransport.SetupCertificate();
    await this.#ice.gather();
    const fingerprint = this.#dtls.localCertificate.getFingerprints()[0];
    if (fingerprint === undefined) throw new Error('the certificate has no fingerprint');
    const { usernameFragment, password } = this.#ice.localParameters;
    this.#local = {
      usernameFragment,
      password,
      fingerprint: { algorithm: fingerprint.algorithm, value: fingerprint.value },
      candidates: this.#ice.localCandidates.map((candidate) => candidateToSdp(candidate)),
    };
  }

  setRemote(remote: RemoteParameters): void {
    if (this.#state === 'closed') return;
    if (remote.sctpPort !== undefined) {
      this.#sctp.setRemoteMaxMessageSize(remote.maxMessageBytes ?? MAX_MESSAGE_BYTES);
      this.#sctpPort = remote.sctpPort;
      if (this.#state === 'connected') this.#startSctp(remote.sctpPort);
    }
    if (this.#connecting) return;
    this.#connecting = true;
    // "active" sends the ClientHello. An offer's actpass leaves the choice to us: being the server spares a round trip.
    this.#dtls.role = remote.setup === 'passive' ? 'client' : 'server';
    this.#dtls.setRemoteParams(
      new RTCDtlsParameters([new RTCDtlsFingerprint(remote.fingerprint.algorithm, remote.fingerprint.value)], 'auto'),
    );
    this.#ice.setRemoteParams(
      new RTCIceParameters({ usernameFragment: remote.usernameFragment, password: remote.password, iceLite: false }),
    );
    this.#ice.connection.iceControlling = this.#role === 'controlling';
    this.#setState('connecting');
    const early = this.#candidatesBeforeRemote;
    this.#candidatesBeforeRemote = [];
    for (const candidate of early) this.#addCandidate(candidate);
  }

  addRemoteCandidate(candidate: string): void {
    if (this.#connecting) this.#addCandidate(candidate);
    else if (this.#candidatesBeforeRemote.length < 64) this.#candidatesBeforeRemote.push(candidate);
  }

  createDataChannel(options: DataChannelOptions): OutgoingDataChannel {
    const channel = new RTCDataChannel(
      this.#sctp,
      new RTCDataChannelParameters({
        label: options.label,
        ordered: options.reliable,
        // The library takes 0 for "not set", which would be reliable.
        ...(options.reliable ? {} : { maxRetransmits: 1 }),
      }),
    );
    return {
      label: options.label,
      get open() {
        return channel.readyState === 'open';
      },
      get bufferedBytes() {
        return channel.bufferedAmount;
      },
      send: (message) => channel.send(message),
    };
  }

  sendRtp(packet: Buffer): void {
    const srtp = this.#dtls.session;
    if (this.#state === 'connected' && srtp !== undefined) this.#sendDatagram(srtp.protectRtp(packet));
  }

  sendRtcp(packet: Buffer): void {
    const srtp = this.#dtls.session;
    if (this.#state === 'connected' && srtp !== undefined) this.#sendDatagram(srtp.protectRtcp(packet));
  }

  stats(): { sentBytes: number; receivedBytes: number } {
    return { sentBytes: this.#sentBytes, receivedBytes: this.#dtls.bytesReceived };
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#setState('closed');
    // A socket that is just being bound would stay open.
    await this.#opening?.catch(() => undefined);
    try {
      if (this.#sctpStarted) await this.#sctp.stop();
      // The socket takes datagrams in the next turn: let SCTP's ABORT out before it closes.
      await new Promise((resolve) => setImmediate(resolve));
      this.#dtls.dtls?.close();
    } catch (error) {
      this.#logger.debug({ error }, 'closing the data association failed');
    }
    await this.#dtls.stop();
    await this.#ice.stop();
  }

  async #connect(): Promise<void> {
    // The peer may know that ICE is connected before we do. Its ClientHello would be lost, and come again only after half a second.
    let hello: Buffer | undefined;
    const early = this.#ice.connection.onData.subscribe((datagram) => {
      if (datagram[0] === DTLS_HANDSHAKE) hello = datagram;
    });
    try {
      await this.#ice.start();
      early.unSubscribe();
      // close() may have come meanwhile; then there is nobody to shake hands with.
      if (this.state !== 'connecting') return;
      const handshake = this.#dtls.start();
      if (hello !== undefined) this.#ice.connection.onData.execute(hello);
      await handshake;
    } catch (error) {
      early.unSubscribe();
      this.#logger.info({ reason: String(error) }, 'a media connection could not be made');
      this.#setState('failed');
    }
  }

  #onDtlsState(state: string): void {
    if (state === 'connected') {
      // The record sequence restarts after Finished; the peer takes an early record for a replay and drops it.
      if (this.#dtls.dtls !== undefined) this.#dtls.dtls.dtls.recordSequenceNumber += 64;
      this.#setState('connected');
      if (this.#sctpPort !== undefined) this.#startSctp(this.#sctpPort);
    } else if (state === 'failed' || state === 'closed') {
      this.#setState('failed');
    }
  }

  #startSctp(port: number): void {
    if (this.#sctpStarted) return;
    this.#sctpStarted = true;
    this.#sctp.setRemotePort(port);
    this.#sctp.start(port).catch((error: unknown) => {
      this.#logger.warn({ reason: String(error) }, 'the data association could not be started');
    });
  }

  #addCandidate(value: string): void {
    const candidate = IceCandidate.fromJSON({ candidate: value });
    if (candidate === undefined || candidate.protocol.toLowerCase() !== 'udp') return;
    // mDNS names of browsers cannot be resolved here; on one machine the address is this one, elsewhere the peer's own checks reveal it.
    if (candidate.ip.endsWith('.local')) candidate.ip = '127.0.0.1';
    void this.#ice.addRemoteCandidate(candidate)?.catch(() => undefined);
    // The library gives up at once when it has no pair to check, so it starts with the first candidate.
    if (this.#started) return;
    this.#started = true;
    void this.#connect();
  }

  #sendDatagram(data: Buffer): void {
    this.#sentBytes += data.length;
    this.#ice.connection.send(data).catch(() => undefined);
  }

  #setState(next: TransportState): void {
    if (this.#state === next || this.#state === 'closed' || (this.#state === 'failed' && next !== 'closed')) return;
    this.#state = next;
    this.#handlers.onState(next);
  }
}

function iceOptions(host: string): ConstructorParameters<typeof RTCIceGatherer>[0] {
  if (isLoopbackHost(host))
    return {
      useIpv4: false,
      useIpv6: false,
      additionalHostAddresses: ['127.0.0.1'],
      interfaceAddresses: { udp4: '127.0.0.1' },
    };
  if (host === '0.0.0.0' || host === '::')
    return { useIpv4: true, useIpv6: false, additionalHostAddresses: ['127.0.0.1'] };
  return { useIpv4: false, useIpv6: false, additionalHostAddresses: [host], interfaceAddresses: { udp4: host } };
}

/** host: the address that the server listens on; media uses the same one. */
export function weriftTransports(host: string, logger: Logger): TransportFactory {
  return (role, handlers) => new WeriftTransport(role, handlers, host, logger);
}
