import { RTCDtlsTransport, RtpHeader } from 'werift';
import type { RTCIceTransport } from 'werift';
import type { TransportHandlers } from './media_transport.js';

/** RFC 7714 AEAD_AES_128_GCM is cheaper than RFC 3711 AES_CM_128_HMAC_SHA1_80, which everybody has. */
const SRTP_PROFILES: (1 | 7)[] = [7, 1];

/** Hands over whole decrypted packets instead of parsing each into objects: less than half of the library's own receive path. */
export class RawDtlsTransport extends RTCDtlsTransport {
  readonly #handlers: TransportHandlers;

  constructor(iceTransport: RTCIceTransport, handlers: TransportHandlers) {
    super({}, iceTransport, undefined, SRTP_PROFILES);
    this.#handlers = handlers;
  }

  override startSrtp(): void {
    if (this.srtpStarted) return;
    this.srtpStarted = true;
    this.updateSrtpSession();
    this.iceTransport.connection.onData.subscribe((data) => this.#receive(data));
  }

  #receive(data: Buffer): void {
    // RFC 5764, 5.1.2: 128 to 191 is RTP or RTCP; RFC 5761, 4: payload types 64 to 95 are RTCP.
    const first = data[0] ?? 0;
    if (first < 128 || first > 191 || data.length < 12) return;
    const payloadType = (data[1] ?? 0) & 0x7f;
    this.bytesReceived += data.length;
    let plain: Buffer;
    const control = payloadType >= 64 && payloadType <= 95;
    try {
      plain = control ? this.srtcp.decrypt(data) : this.srtp.decrypt(data);
    } catch {
      return; // not from our peer, or damaged: RFC 3711, 3.3 says discard
    }
    if (control) this.#handlers.onRtcp(plain);
    else this.#handlers.onRtp(plain);
  }
}

/** Lets the library encrypt a packet whose header is already in bytes. */
export class RawHeader extends RtpHeader {
  raw: Buffer = Buffer.alloc(0);

  override get serializeSize(): number {
    return this.raw.length;
  }

  override serialize(): Buffer<ArrayBuffer> {
    return this.raw as Buffer<ArrayBuffer>;
  }
}
