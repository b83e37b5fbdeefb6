import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { ReplayWindow, SendIndex, SourceTable } from './srtp_index.js';

/** What DTLS agreed on, and which of its key halves is whose. */
export interface SrtpKeys {
  profile: 'AEAD_AES_128_GCM' | 'AES128_CM_HMAC_SHA1_80';
  localKey: Buffer;
  localSalt: Buffer;
  remoteKey: Buffer;
  remoteSalt: Buffer;
}

/** Octets of master key and master salt (RFC 5764 section 4.1.2, RFC 7714 section 12). */
export const SRTP_KEY_BYTES = 16;
export const SRTP_SALT_BYTES = { AEAD_AES_128_GCM: 12, AES128_CM_HMAC_SHA1_80: 14 } as const;

const GCM_TAG = 16;
const SHA1_TAG = 10;
/** The E bit and the 31 bit index behind every SRTCP packet. */
const INDEX_WORD = 4;
/** SSRCs of one direction that are remembered; beyond it the one that was silent the longest is forgotten. */
const MAX_SOURCES = 512;

/** RFC 3711 section 4.3: one key derivation, rate 0. A 12 octet salt counts as padded with zeros (RFC 7714 section 11). */
export function deriveSrtpKey(masterKey: Buffer, masterSalt: Buffer, label: number, length: number): Buffer {
  const iv = Buffer.alloc(16);
  masterSalt.copy(iv);
  iv[7] = (iv[7] ?? 0) ^ label;
  return createCipheriv('aes-128-ctr', masterKey, iv).update(Buffer.alloc(length));
}

interface SessionKeys {
  rtp: { key: Buffer; salt: Buffer; auth: Buffer };
  rtcp: { key: Buffer; salt: Buffer; auth: Buffer };
}

function deriveAll(key: Buffer, salt: Buffer): SessionKeys {
  const derive = (label: number, length: number): Buffer => deriveSrtpKey(key, salt, label, length);
  return {
    rtp: { key: derive(0, 16), auth: derive(1, 20), salt: derive(2, 14) },
    rtcp: { key: derive(3, 16), auth: derive(4, 20), salt: derive(5, 14) },
  };
}

/**
 * SRTP and SRTCP of one transport, both directions (RFC 3711, RFC 7714). Packets that are forged, repeated or cut give undefined.
 * The rollover counter follows the nearest index, so neither a loss around 65535 nor a late retransmission confuses it.
 */
export class SrtpSession {
  readonly #gcm: boolean;
  readonly #local: SessionKeys;
  readonly #remote: SessionKeys;
  readonly #sent = new SourceTable<SendIndex>(MAX_SOURCES);
  readonly #received = new SourceTable<ReplayWindow>(MAX_SOURCES);
  readonly #receivedRtcp = new SourceTable<ReplayWindow>(MAX_SOURCES);
  #rtcpIndex = 0;
  readonly #iv = Buffer.alloc(16);

  constructor(keys: SrtpKeys) {
    this.#gcm = keys.profile === 'AEAD_AES_128_GCM';
    this.#local = deriveAll(keys.localKey, keys.localSalt);
    this.#remote = deriveAll(keys.remoteKey, keys.remoteSalt);
  }

  protectRtp(packet: Buffer): Buffer {
    const headerBytes = rtpHeaderBytes(packet);
    if (headerBytes === undefined) throw new RangeError('not an RTP packet');
    const ssrc = packet.readUInt32BE(8);
    let index = this.#sent.get(ssrc);
    if (index === undefined) this.#sent.set(ssrc, (index = new SendIndex()));
    const packetIndex = index.next(packet.readUInt16BE(2));
    const { key, salt, auth } = this.#local.rtp;
    const header = packet.subarray(0, headerBytes);
    if (this.#gcm) {
      const cipher = createCipheriv('aes-128-gcm', key, this.#gcmIv(salt, ssrc, packetIndex));
      cipher.setAAD(header);
      const body = cipher.update(packet.subarray(headerBytes));
      cipher.final();
      return Buffer.concat([header, body, cipher.getAuthTag()]);
    }
    const body = createCipheriv('aes-128-ctr', key, this.#ctrIv(salt, ssrc, packetIndex)).update(
      packet.subarray(headerBytes),
    );
    return Buffer.concat([header, body, rtpTag(auth, [header, body], packetIndex)]);
  }

  unprotectRtp(packet: Buffer): Buffer | undefined {
    const headerBytes = rtpHeaderBytes(packet);
    const tagBytes = this.#gcm ? GCM_TAG : SHA1_TAG;
    if (headerBytes === undefined || packet.length < headerBytes + tagBytes) return undefined;
    const ssrc = packet.readUInt32BE(8);
    const known = this.#received.get(ssrc);
    const window = known ?? new ReplayWindow(16);
    const index = window.guess(packet.readUInt16BE(2));
    if (window.isRepeated(index)) return undefined;
    const plain = this.#open(packet, headerBytes, packet.length - tagBytes, ssrc, index);
    if (plain === undefined) return undefined;
    window.note(index);
    if (known === undefined) this.#received.set(ssrc, window);
    return plain;
  }

  #open(packet: Buffer, from: number, to: number, ssrc: number, index: number): Buffer | undefined {
    const { key, salt, auth } = this.#remote.rtp;
    const tag = packet.subarray(to);
    let body: Buffer;
    if (this.#gcm) {
      const decipher = createDecipheriv('aes-128-gcm', key, this.#gcmIv(salt, ssrc, index));
      decipher.setAAD(packet.subarray(0, from));
      decipher.setAuthTag(tag);
      body = decipher.update(packet.subarray(from, to));
      try {
        decipher.final();
      } catch {
        return undefined;
      }
    } else {
      if (!timingSafeEqual(rtpTag(auth, [packet.subarray(0, to)], index), tag)) return undefined;
      body = createDecipheriv('aes-128-ctr', key, this.#ctrIv(salt, ssrc, index)).update(packet.subarray(from, to));
    }
    // The datagram is ours alone: the plain text takes the cipher text's place.
    body.copy(packet, from);
    return packet.subarray(0, to);
  }

  protectRtcp(packet: Buffer): Buffer {
    const index = (this.#rtcpIndex = (this.#rtcpIndex + 1) % 0x80000000);
    const { key, salt, auth } = this.#local.rtcp;
    const ssrc = packet.readUInt32BE(4);
    const header = packet.subarray(0, 8);
    const word = Buffer.alloc(INDEX_WORD);
    word.writeUInt32BE((0x80000000 | index) >>> 0);
    if (this.#gcm) {
      const cipher = createCipheriv('aes-128-gcm', key, this.#gcmIv(salt, ssrc, index));
      cipher.setAAD(Buffer.concat([header, word]));
      const body = cipher.update(packet.subarray(8));
      cipher.final();
      return Buffer.concat([header, body, cipher.getAuthTag(), word]);
    }
    const body = createCipheriv('aes-128-ctr', key, this.#ctrIv(salt, ssrc, index)).update(packet.subarray(8));
    const signed = Buffer.concat([header, body, word]);
    return Buffer.concat([signed, createHmac('sha1', auth).update(signed).digest().subarray(0, SHA1_TAG)]);
  }

  unprotectRtcp(packet: Buffer): Buffer | undefined {
    if (packet.length < 8 + INDEX_WORD + (this.#gcm ? GCM_TAG : SHA1_TAG)) return undefined;
    const wordAt = packet.length - INDEX_WORD - (this.#gcm ? 0 : SHA1_TAG);
    const word = packet.readUInt32BE(wordAt);
    const encrypted = word >>> 31 === 1;
    const index = word & 0x7fffffff;
    const ssrc = packet.readUInt32BE(4);
    const known = this.#receivedRtcp.get(ssrc);
    const window = known ?? new ReplayWindow(31);
    if (window.isRepeated(index)) return undefined;
    const plain = this.#gcm
      ? this.#openRtcpGcm(packet, wordAt, ssrc, index, encrypted)
      : this.#openRtcpSha1(packet, wordAt, ssrc, index, encrypted);
    if (plain === undefined) return undefined;
    window.note(index);
    if (known === undefined) this.#receivedRtcp.set(ssrc, window);
    return plain;
  }

  #openRtcpGcm(packet: Buffer, wordAt: number, ssrc: number, index: number, encrypted: boolean): Buffer | undefined {
    const { key, salt } = this.#remote.rtcp;
    const tagAt = wordAt - GCM_TAG;
    const decipher = createDecipheriv('aes-128-gcm', key, this.#gcmIv(salt, ssrc, index));
    // RFC 7714 section 9.3: unencrypted SRTCP authenticates the whole packet.
    const clear = packet.subarray(0, encrypted ? 8 : tagAt);
    decipher.setAAD(Buffer.concat([clear, packet.subarray(wordAt)]));
    decipher.setAuthTag(packet.subarray(tagAt, wordAt));
    const body = decipher.update(packet.subarray(clear.length, tagAt));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    return Buffer.concat([clear, body]);
  }

  #openRtcpSha1(packet: Buffer, wordAt: number, ssrc: number, index: number, encrypted: boolean): Buffer | undefined {
    const { key, salt, auth } = this.#remote.rtcp;
    const signed = packet.subarray(0, wordAt + INDEX_WORD);
    const tag = createHmac('sha1', auth).update(signed).digest().subarray(0, SHA1_TAG);
    if (!timingSafeEqual(tag, packet.subarray(wordAt + INDEX_WORD))) return undefined;
    if (!encrypted) return packet.subarray(0, wordAt);
    const body = createDecipheriv('aes-128-ctr', key, this.#ctrIv(salt, ssrc, index)).update(
      packet.subarray(8, wordAt),
    );
    return Buffer.concat([packet.subarray(0, 8), body]);
  }

  /** RFC 7714 sections 8.1 and 9.1: the SRTP index is ROC || SEQ; the SRTCP one is 31 bits in the same place. */
  #gcmIv(salt: Buffer, ssrc: number, index: number): Buffer {
    const iv = this.#iv.subarray(0, 12);
    iv.writeUInt16BE(0, 0);
    iv.writeUInt32BE(ssrc, 2);
    iv.writeUIntBE(index, 6, 6);
    for (let i = 0; i < 12; i++) iv[i] = (iv[i] ?? 0) ^ (salt[i] ?? 0);
    return iv;
  }

  /** RFC 3711 section 4.1.1: (salt * 2^16) XOR (SSRC * 2^64) XOR (index * 2^16). */
  #ctrIv(salt: Buffer, ssrc: number, index: number): Buffer {
    const iv = this.#iv;
    iv.writeUInt32BE(0, 0);
    iv.writeUInt32BE(ssrc, 4);
    iv.writeUIntBE(index, 8, 6);
    iv.writeUInt16BE(0, 14);
    for (let i = 0; i < 14; i++) iv[i] = (iv[i] ?? 0) ^ (salt[i] ?? 0);
    return iv;
  }
}

function rtpTag(auth: Buffer, signed: Buffer[], index: number): Buffer {
  const hmac = createHmac('sha1', auth);
  for (const part of signed) hmac.update(part);
  const rollover = Buffer.alloc(4);
  rollover.writeUInt32BE(Math.floor(index / 0x10000) >>> 0);
  return hmac.update(rollover).digest().subarray(0, SHA1_TAG);
}

/** Length of the RTP header with its contributing sources and extension (RFC 3550 section 5.1); undefined when cut. */
function rtpHeaderBytes(packet: Buffer): number | undefined {
  if (packet.length < 12) return undefined;
  const first = packet[0] ?? 0;
  let length = 12 + 4 * (first & 15);
  if ((first & 16) !== 0) {
    if (packet.length < length + 4) return undefined;
    length += 4 + 4 * packet.readUInt16BE(length + 2);
  }
  return packet.length < length ? undefined : length;
}
