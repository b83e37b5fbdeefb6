import assert from 'node:assert/strict';
import { ConnectionStatus } from '../../client/index.js';
import { EventRecord } from '../conformance/video/support/event_record.js';
import { TestAuthority } from '../support/certificates.js';
import { ChannelScene } from '../support/channel_scene.js';
import { LonelyNetwork } from '../support/lonely_network.js';
import { startDaemon } from '../support/running_daemon.js';
import { TcpWire } from '../support/tcp_wire.js';
import { TURN_PASSWORD, TURN_USER, TurnServer } from '../support/turn_server.js';
import { Cluster } from './support/cluster.js';
import { Call, daemonAt, hearsAndSees } from './support/fault_scene.js';
import { freePorts } from './support/free_ports.js';

/** A media connection is given up after 15 s. */
const TOLD_WITHIN_MS = 40_000;

describe('A network from which nothing but turns: leads to the server', function () {
  this.timeout(120_000);
  let authority: TestAuthority;
  let network: LonelyNetwork;
  let turn: TurnServer;
  let cluster: Cluster;
  let wire: TcpWire;
  before(async () => {
    authority = await TestAuthority.create();
    network = await LonelyNetwork.create();
    const port = await freePorts(40);
    turn = new TurnServer({
      host: network.here,
      port,
      tls: await authority.issue(`IP:${network.here}`),
      relayHost: '127.0.0.1',
      relayPorts: { low: port + 4, high: port + 39 },
    });
    await turn.start();
    const login = { username: TURN_USER, credential: TURN_PASSWORD };
    cluster = await Cluster.open({
      turnServers: [{ host: network.here, port: port + 1, protocol: 'tls', ...login }],
    });
    wire = await TcpWire.open(cluster.node1.ports.signalling, network.here);
  });
  after(async () => {
    await wire[Symbol.asyncDispose]();
    await cluster.close();
    await turn.close();
    await network[Symbol.asyncDispose]();
    await authority[Symbol.asyncDispose]();
  });

  it('carries media both ways when the daemon is given the authority of its certificate', async () => {
    await using alices = await startDaemon({
      prefix: network.prefix,
      args: ['--channel-server-url', wire.url],
      env: { NODE_EXTRA_CA_CERTS: authority.certificate },
    });
    await using bobs = await daemonAt([cluster.node2.url]);
    await using call = await Call.open(alices, bobs);
    assert.match(turn.log, /CHANNEL_BIND processed, success/);
    const peer = await call.peer(cluster.node2.url, 'carol');
    await hearsAndSees(peer, 'alice', '440');
    assert.deepEqual(call.steps.alice.names, ['CONNECTING', 'CONNECTED']);
  });

  it('is refused with a clear text when the daemon does not know the authority', async () => {
    await using alices = await daemonAt([wire.url], [], network.prefix);
    await using scene = await ChannelScene.open(alices);
    const alice = await scene.engine();
    using events = new EventRecord(alice);
    await scene.join(alice, 'alice');
    const { text } = await events.first('onWarning', ({ text: said }) => said.includes('turns:'), TOLD_WITHIN_MS);
    assert.match(text, /turns:198\.18\.[\d.]+:\d+: its certificate is of an authority that is not trusted here/);
    assert.match(text, /NODE_EXTRA_CA_CERTS/);
    await events.first('onConnectionStatusChanged', ({ status }) => status === ConnectionStatus.RECONNECTING);
    assert.ok(!text.includes(TURN_PASSWORD) && !alices.log().some((line) => line.includes(TURN_PASSWORD)));
  });
});
