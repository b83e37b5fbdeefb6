import assert from 'node:assert/strict';
import { RTCDtlsTransport, type RTCCertificate, type RTCIceTransport } from 'werift';
import type { SrtpKeys } from '../../../rtp/srtp.js';
import { WeriftDtls } from '../../../webrtc/werift_dtls.js';

/** A DTLS end whose ICE never says that it is connected, and yet carries datagrams. */
function endpoint(certificate: RTCCertificate, deliver: (datagram: Buffer) => void): WeriftDtls {
  const connection = {
    send: (datagram: Buffer) => {
      setImmediate(() => deliver(Buffer.from(datagram)));
      return Promise.resolve();
    },
  };
  const ice = { connection, state: 'checking' } as unknown as RTCIceTransport;
  return new WeriftDtls(ice, certificate, () => undefined);
}

describe('The DTLS of a transport', () => {
  let certificate: RTCCertificate;
  before(async () => (certificate = await RTCDtlsTransport.SetupCertificate()));

  async function handshake(passes: (fromClient: number) => boolean): Promise<[SrtpKeys, SrtpKeys]> {
    let sent = 0;
    const client: WeriftDtls = endpoint(certificate, (datagram) => passes(++sent) && server.onDatagram(datagram));
    const server: WeriftDtls = endpoint(certificate, (datagram) => client.onDatagram(datagram));
    const fingerprints = certificate.getFingerprints();
    const keys = Promise.all([client.prepare('client', fingerprints), server.prepare('server', fingerprints)]);
    client.startHandshake();
    try {
      return await keys;
    } finally {
      client.close();
      server.close();
    }
  }

  const mirrored = ([client, server]: [SrtpKeys, SrtpKeys]): void => {
    assert.equal(client.profile, 'AEAD_AES_128_GCM');
    assert.deepEqual(client.localKey, server.remoteKey);
    assert.deepEqual(client.remoteSalt, server.localSalt);
    assert.notDeepEqual(client.localKey, client.remoteKey);
  };

  it('answers a ClientHello while its ICE still checks', async () => {
    mirrored(await handshake(() => true));
  });

  it('says hello again when the first two are lost', async () => {
    mirrored(await handshake((fromClient) => fromClient > 2));
  });
});
