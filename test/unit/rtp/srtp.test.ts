import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { deriveSrtpKey, SrtpSession, type SrtpKeys } from '../../../rtp/srtp.js';
import { serializeRtp } from '../../../rtp/packet.js';
import { serializeRtcp } from '../../../rtp/rtcp.js';

function pair(profile: SrtpKeys['profile']): [SrtpSession, SrtpSession] {
  const salt = profile === 'AEAD_AES_128_GCM' ? 12 : 14;
  const [a, b] = [0, 1].map(() => ({ key: randomBytes(16), salt: randomBytes(salt) }));
  assert.ok(a !== undefined && b !== undefined);
  return [
    new SrtpSession({ profile, localKey: a.key, localSalt: a.salt, remoteKey: b.key, remoteSalt: b.salt }),
    new SrtpSession({ profile, localKey: b.key, localSalt: b.salt, remoteKey: a.key, remoteSalt: a.salt }),
  ];
}

function rtp(sequence: number, payload = Buffer.from(`packet ${sequence}`), ssrc = 77): Buffer {
  const extensions = new Map([[1, Buffer.from('0')]]);
  return serializeRtp({ marker: true, payloadType: 96, sequence, timestamp: 9, ssrc, extensions, payload });
}

const report = serializeRtcp([{ kind: 'pli', senderSsrc: 1, mediaSsrc: 2 }]);

describe('SRTP key derivation', () => {
  it('gives the keys of RFC 3711 appendix B.3', () => {
    const key = Buffer.from('E1F97A0D3E018BE0D64FA32C06DE4139', 'hex');
    const salt = Buffer.from('0EC675AD498AFEEBB6960B3AABE6', 'hex');
    assert.equal(deriveSrtpKey(key, salt, 0, 16).toString('hex').toUpperCase(), 'C61E7A93744F39EE10734AFE3FF7A087');
    assert.equal(deriveSrtpKey(key, salt, 2, 14).toString('hex').toUpperCase(), '30CBBC08863D8C85D49DB34A9AE1');
    assert.equal(
      deriveSrtpKey(key, salt, 1, 20).toString('hex').toUpperCase(),
      'CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4',
    );
  });
});

for (const profile of ['AEAD_AES_128_GCM', 'AES128_CM_HMAC_SHA1_80'] as const)
  describe(`SRTP with ${profile}`, () => {
    it('gives back what was protected, both ways', () => {
      const [a, b] = pair(profile);
      assert.deepEqual(b.unprotectRtp(a.protectRtp(rtp(5))), rtp(5));
      assert.deepEqual(a.unprotectRtp(b.protectRtp(rtp(6))), rtp(6));
      assert.deepEqual(b.unprotectRtcp(a.protectRtcp(report)), report);
      assert.deepEqual(a.unprotectRtcp(b.protectRtcp(report)), report);
    });

    it('leaves nothing of the payload readable', () => {
      const [a] = pair(profile);
      const payload = Buffer.from('a text that must not be seen');
      assert.equal(a.protectRtp(rtp(1, payload)).indexOf(payload), -1);
    });

    it('takes no packet twice', () => {
      const [a, b] = pair(profile);
      const packet = a.protectRtp(rtp(1));
      assert.ok(b.unprotectRtp(Buffer.from(packet)));
      assert.equal(b.unprotectRtp(Buffer.from(packet)), undefined);
      const control = a.protectRtcp(report);
      assert.ok(b.unprotectRtcp(Buffer.from(control)));
      assert.equal(b.unprotectRtcp(Buffer.from(control)), undefined);
    });

    it('refuses every packet of which one bit was changed', () => {
      const [a, b] = pair(profile);
      const packet = a.protectRtp(rtp(1));
      const control = a.protectRtcp(report);
      for (let at = 0; at < packet.length; at++) {
        const changed = Buffer.from(packet);
        changed[at] = (changed[at] ?? 0) ^ 0x10;
        assert.equal(b.unprotectRtp(changed), undefined, `byte ${at}`);
      }
      for (let at = 0; at < control.length; at++) {
        const changed = Buffer.from(control);
        changed[at] = (changed[at] ?? 0) ^ 0x01;
        assert.equal(b.unprotectRtcp(changed), undefined, `byte ${at} of RTCP`);
      }
      assert.deepEqual(b.unprotectRtp(packet), rtp(1));
    });

    it('refuses packets cut at every length', () => {
      const [a, b] = pair(profile);
      const packet = a.protectRtp(rtp(1));
      const control = a.protectRtcp(report);
      for (let length = 0; length < packet.length; length++)
        assert.equal(b.unprotectRtp(Buffer.from(packet.subarray(0, length))), undefined);
      for (let length = 0; length < control.length; length++)
        assert.equal(b.unprotectRtcp(Buffer.from(control.subarray(0, length))), undefined);
    });

    it('goes on when the packets around the wrap of the sequence number are lost', () => {
      const [a, b] = pair(profile);
      const sent = Array.from({ length: 700 }, (_, i) => a.protectRtp(rtp((65_200 + i) & 0xffff)));
      sent.forEach((packet, i) => {
        if (i > 100 && i < 600) return;
        assert.ok(b.unprotectRtp(packet), `packet ${i}`);
      });
    });

    it('protects old packets again after the wrap with their old index, and new ones go on', () => {
      const [a, b] = pair(profile);
      for (let i = 0; i < 300; i++) {
        const sequence = (65_400 + i) & 0xffff;
        const packet = a.protectRtp(rtp(sequence));
        if (sequence !== 65_500) assert.ok(b.unprotectRtp(packet), `sequence ${sequence}`);
        // Asked for at its worst moments, and once more when it has come.
        if (sequence === 99) assert.deepEqual(b.unprotectRtp(a.protectRtp(rtp(65_500))), rtp(65_500));
        if (sequence === 120) assert.equal(b.unprotectRtp(a.protectRtp(rtp(65_500))), undefined);
      }
    });

    it('keeps the index of a stream that goes on while a thousand others come once', () => {
      const [a, b] = pair(profile);
      for (let i = 0; i < 1000; i++) {
        const sequence = (65_000 + i) & 0xffff;
        assert.deepEqual(b.unprotectRtp(a.protectRtp(rtp(sequence))), rtp(sequence));
        assert.ok(b.unprotectRtp(a.protectRtp(rtp(1, Buffer.from('x'), 1000 + i))));
      }
    });

    it('counts each SSRC for itself', () => {
      const [a, b] = pair(profile);
      for (const ssrc of [1, 2, 0xffffffff])
        for (const sequence of [10, 11]) {
          const packet = rtp(sequence, Buffer.from('x'), ssrc);
          assert.deepEqual(b.unprotectRtp(a.protectRtp(packet)), packet);
        }
    });
  });
