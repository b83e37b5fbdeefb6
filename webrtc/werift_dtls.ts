import { createHash, timingSafeEqual } from 'node:crypto';
import {
  DtlsClient,
  DtlsServer,
  RTCDtlsTransport,
  type DtlsSocket,
  type RTCCertificate,
  type RTCIceTransport,
} from 'werift';
import { encryptedRecords } from './dtls_records.js';
import { SRTP_KEY_BYTES, SRTP_SALT_BYTES, type SrtpKeys } from '../rtp/srtp.js';

/** IANA's numbers of the SRTP protection profiles, the cheaper one first. */
const PROFILES = { AEAD_AES_128_GCM: 7, AES128_CM_HMAC_SHA1_80: 1 } as const;
/** The library starts its record numbers again after Finished; the receiver would take the first records of the application for repeats. */
const RECORD_NUMBER_SKIP = 64;
/**
 * A server may hear that ICE is connected some ticks later than we do; a ClientHello before that is lost, and the library sends it again only after half
 * a second. So it is repeated earlier, until the first answer.
 */
const HELLO_REPEATS_MS = [25, 60, 120, 220, 360];

/** Above every flight of a handshake (RFC 6347 section 4.2.4). */
const LAST_FLIGHT = 100;

type Link = ConstructorParameters<typeof DtlsClient>[0]['transport'];

/** The DTLS half of a transport: handshake in either role, checked fingerprint, SRTP keys; carries SCTP afterwards. */
export class WeriftDtls {
  /** What the SCTP part of the library wants to see; its own handshake and SRTP code does not run. */
  readonly transport: RTCDtlsTransport;
  readonly #ice: RTCIceTransport;
  readonly #certificate: RTCCertificate;
  #socket: DtlsSocket | undefined;
  #onDatagram: (datagram: Buffer) => void = () => undefined;
  #hello: Buffer | undefined;
  #helloTimers: NodeJS.Timeout[] = [];
  #isVerified = false;
  #fail: (error: Error) => void = () => undefined;
  readonly #onPeerClosed: () => void;

  constructor(ice: RTCIceTransport, certificate: RTCCertificate, onPeerClosed: () => void) {
    this.#ice = ice;
    this.#onPeerClosed = onPeerClosed;
    this.#certificate = certificate;
    this.transport = new RTCDtlsTransport({}, ice, certificate, []);
  }

  /** Listens as server or gets ready as client; resolves when the handshake is done and the certificate is the announced one. */
  prepare(role: 'client' | 'server', fingerprints: readonly { algorithm: string; value: string }[]): Promise<SrtpKeys> {
    const options = {
      cert: this.#certificate.certPem,
      key: this.#certificate.privateKey,
      signatureHash: this.#certificate.signatureHash,
      transport: this.#link(),
      srtpProfiles: [PROFILES.AEAD_AES_128_GCM, PROFILES.AES128_CM_HMAC_SHA1_80],
      extendedMasterSecret: true,
    };
    const socket =
      role === 'client' ? new DtlsClient(options) : new DtlsServer({ ...options, certificateRequest: true });
    this.#socket = socket;
    this.transport.dtls = socket;
    this.transport.role = role;
    socket.onData.subscribe((data) => this.transport.dataReceiver(data));
    socket.onClose.subscribe(() => {
      this.#closed();
      this.#onPeerClosed();
    });
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      socket.onError.once(reject);
      socket.onConnect.once(() => {
        try {
          checkFingerprint(socket.remoteCertificate, fingerprints);
          socket.dtls.recordSequenceNumber += RECORD_NUMBER_SKIP;
          this.transport.state = 'connected';
          this.transport.onStateChange.execute('connected');
          resolve(exportKeys(socket));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
  }

  /** As client: sends the ClientHello. To be called when ICE is connected. */
  startHandshake(): void {
    if (!(this.#socket instanceof DtlsClient)) return;
    this.#socket.connect().catch((error: unknown) => this.#fail(new Error(`DTLS: ${String(error)}`)));
    this.#helloTimers = HELLO_REPEATS_MS.map((ms) =>
      setTimeout(() => {
        if (this.#hello !== undefined) void this.#ice.connection.send(this.#hello).catch(() => undefined);
      }, ms),
    );
  }

  onDatagram(datagram: Buffer): void {
    if (this.#helloTimers.length > 0) this.#stopHello();
    if (isHelloVerifyRequest(datagram)) {
      // One for each repeated hello; the library would begin a handshake for each.
      if (this.#isVerified) return;
      this.#isVerified = true;
    }
    // Once there are keys nothing in the clear is the peer's.
    const trusted = this.transport.state === 'connected' ? encryptedRecords(datagram) : datagram;
    if (trusted !== undefined) this.#onDatagram(trusted);
  }

  #stopHello(): void {
    for (const timer of this.#helloTimers) clearTimeout(timer);
    this.#helloTimers = [];
    this.#hello = undefined;
  }

  close(): void {
    this.#stopHello();
    // Ends the library's retransmissions, which would go on for half a minute and keep the process.
    if (this.#socket !== undefined) this.#socket.dtls.flight = LAST_FLIGHT;
    this.#fail(new Error('closed'));
    this.#closed();
  }

  #closed(): void {
    if (this.transport.state === 'closed') return;
    this.transport.state = 'closed';
    this.transport.onStateChange.execute('closed');
  }

  /** The way of handshake records and SCTP: by the ICE connection. The socket sets onData. */
  #link(): Link {
    const link: Link = {
      type: 'ice',
      address: undefined,
      closed: false,
      onData: () => undefined,
      send: (data: Buffer) => {
        if (this.#helloTimers.length === 0) this.#hello = data;
        return this.#ice.connection.send(data);
      },
      close: () => Promise.resolve(),
    } as unknown as Link;
    this.#onDatagram = (datagram) => link.onData(datagram, ['', 0]);
    return link;
  }
}

/** RFC 6347 section 4.2.2: a plain handshake record (13 bytes of header) whose message is of type 3. */
function isHelloVerifyRequest(datagram: Buffer): boolean {
  return datagram.length > 13 && datagram[0] === 22 && datagram.readUInt16BE(3) === 0 && datagram[13] === 3;
}

/** RFC 8122 section 5: the certificate must be one of the announced ones, by the strongest hash that was used. */
function checkFingerprint(
  certificate: Buffer | undefined,
  fingerprints: readonly { algorithm: string; value: string }[],
): void {
  if (certificate === undefined) throw new Error('DTLS: no remote certificate');
  for (const algorithm of ['sha-512', 'sha-384', 'sha-256']) {
    const announced = fingerprints.filter((f) => f.algorithm.toLowerCase() === algorithm);
    if (announced.length === 0) continue;
    const actual = createHash(algorithm.replace('-', '')).update(certificate).digest();
    for (const { value } of announced) {
      const expected = Buffer.from(value.replaceAll(':', ''), 'hex');
      if (expected.length === actual.length && timingSafeEqual(expected, actual)) return;
    }
    throw new Error('DTLS: the remote certificate is not the announced one');
  }
  throw new Error('DTLS: no usable fingerprint announced');
}

function exportKeys(socket: DtlsSocket): SrtpKeys {
  const chosen = socket.srtp.srtpProfile;
  const profile = chosen === PROFILES.AEAD_AES_128_GCM ? 'AEAD_AES_128_GCM' : 'AES128_CM_HMAC_SHA1_80';
  if (chosen !== PROFILES[profile]) throw new Error('DTLS: no common SRTP profile');
  return { profile, ...socket.extractSessionKeys(SRTP_KEY_BYTES, SRTP_SALT_BYTES[profile]) };
}
