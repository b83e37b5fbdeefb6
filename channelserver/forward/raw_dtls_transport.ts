import { RTCDtlsTransport } from 'werift';
import type { RTCIceTransport } from 'werift';
import { SRTP_KEY_BYTES, SRTP_SALT_BYTES, SrtpSession } from '../../rtp/srtp.js';
import type { TransportHandlers } from './media_transport.js';

/** RFC 7714 AEAD_AES_128_GCM is cheaper than RFC 3711 AES_CM_128_HMAC_SHA1_80, which everybody has. */
const SRTP_PROFILES: (1 | 7)[] = [7, 1];

/** The library's DTLS with our SRTP: whole decrypted packets, and an index that neither repeats nor losses confuse. */
export class RawDtlsTransport extends RTCDtlsTransport {
  readonly #handlers: TransportHandlers;
  /** Present when connected. */
  session: SrtpSession | undefined;

  constructor(iceTransport: RTCIceTransport, handlers: TransportHandlers) {
    super({}, iceTransport, undefined, SRTP_PROFILES);
    this.#handlers = handlers;
  }

  override startSrtp(): void {
    if (this.srtpStarted || this.dtls === undefined) return;
    this.srtpStarted = true;
    const profile = this.dtls.srtp.srtpProfile === 7 ? 'AEAD_AES_128_GCM' : 'AES128_CM_HMAC_SHA1_80';
    const keys = this.dtls.extractSessionKeys(SRTP_KEY_BYTES, SRTP_SALT_BYTES[profile]);
    this.session = new SrtpSession({ profile, ...keys });
    this.iceTransport.connection.onData.subscribe((data) => this.#receive(data));
  }

  #receive(data: Buffer): void {
    // RFC 5764, 5.1.2: 128 to 191 is RTP or RTCP; RFC 5761, 4: payload types 64 to 95 are RTCP.
    const first = data[0] ?? 0;
    if (first < 128 || first > 191 || data.length < 12) return;
    const payloadType = (data[1] ?? 0) & 0x7f;
    this.bytesReceived += data.length;
    const control = payloadType >= 64 && payloadType <= 95;
    const plain = control ? this.session?.unprotectRtcp(data) : this.session?.unprotectRtp(data);
    // Not from our peer, damaged or repeated: RFC 3711, 3.3 says discard.
    if (plain === undefined) return;
    if (control) this.#handlers.onRtcp(plain);
    else this.#handlers.onRtp(plain);
  }
}
