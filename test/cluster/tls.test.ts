import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { ChannelProfile, ClientRole } from '../../client/index.js';
import { TestAuthority, type CertificateFiles } from '../support/certificates.js';
import { ChannelScene, LiveFeed } from '../support/channel_scene.js';
import { startDaemon } from '../support/running_daemon.js';
import { publishPermission, sceneOfFile } from './support/cluster_scene.js';

/** A proxy that takes TLS off, as operators put one in front of LiveKit. */
async function openProxy(target: number, files: CertificateFiles): Promise<Server> {
  const server = createServer({ cert: readFileSync(files.certificate), key: readFileSync(files.key) }, (socket) => {
    const other = connect(target, '127.0.0.1');
    socket.on('error', () => other.destroy()).on('close', () => other.destroy());
    other.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.pipe(other).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describe('A cluster behind TLS of a private authority', function () {
  this.timeout(60_000);
  const { cluster } = sceneOfFile();

  it('is joined by wss:// when the daemon is given the authority: roles and media as without TLS', async () => {
    await using authority = await TestAuthority.create();
    const proxy = await openProxy(cluster().node1.ports.signalling, await authority.issue('IP:127.0.0.1'));
    const url = `wss://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const args = ['--channel-server-url', url];
    const daemon = await startDaemon({ args, env: { NODE_EXTRA_CA_CERTS: authority.certificate } });
    const untrusting = await startDaemon({ args });
    try {
      await using scene = await ChannelScene.open(daemon);
      const engine = await scene.client.createEngine();
      await scene.join(engine, 'user', { channelProfile: ChannelProfile.INTERACTIVE_LIVE });
      // The daemon's own request goes the same way.
      await engine.setClientRole(ClientRole.INTERACTIVE);
      await publishPermission(cluster(), scene.channel, 'user', true);
      const peer = await scene.peer('alice');
      const feed = await LiveFeed.start(engine, { width: 320, height: 180, framesPerSecond: 15, frequency: 440 });
      await engine.publishLocalVideoStream(true);
      await peer.waitFor((event) => event.event === 'first_picture' && event.identity === 'user');
      await feed.stop();
      await engine.release();

      await using other = await ChannelScene.open(untrusting);
      const stranger = await other.client.createEngine();
      await assert.rejects(other.join(stranger, 'user'), /certificate/);
      await stranger.release();
    } finally {
      await Promise.all([daemon.stop(), untrusting.stop()]);
      proxy.close();
    }
  });
});
