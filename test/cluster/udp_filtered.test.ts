import assert from 'node:assert/strict';
import { ConnectionStatus } from '../../client/index.js';
import { ChannelServerForDaemon } from '../browser/support/channel_server.js';
import { EventRecord } from '../conformance/video/support/event_record.js';
import { ChannelScene } from '../support/channel_scene.js';
import { eventually } from '../support/eventually.js';
import { FilteredNetwork } from '../support/filtered_network.js';
import { TcpWire } from '../support/tcp_wire.js';
import { Cluster } from './support/cluster.js';
import { Call, daemonAt, hearsAndSees } from './support/fault_scene.js';

/** A media connection is given up after 15 s. */
const TOLD_WITHIN_MS = 40_000;
/** From the join to pictures both ways: UDP has its chance first. */
const FIRST_PICTURES_MS = 30_000;
/** The path counts as lost after 5 s of silence; then ICE is restarted. */
const BACK_WITHIN_MS = 20_000;

/** A cluster whose nodes are reached, for media, at this machine's address in the filtered network. */
function clusterIn(network: FilteredNetwork): Promise<Cluster> {
  const rtc = {
    node_ip: network.here,
    interfaces: { includes: [network.interfaceName] },
    enable_loopback_candidate: false,
  };
  return Cluster.open({ config: { rtc } });
}

describe('A network that loses all UDP', function () {
  this.timeout(120_000);
  let network: FilteredNetwork;
  beforeEach(async () => {
    network = await FilteredNetwork.create();
  });
  afterEach(() => network[Symbol.asyncDispose]());

  it('is joined from: media goes both ways over TCP, soon', async () => {
    await network.loseUdp();
    await using cluster = await clusterIn(network);
    await using wire = await TcpWire.open(cluster.node1.ports.signalling, network.here);
    await using alices = await daemonAt([wire.url], [], network.prefix);
    await using bobs = await daemonAt([cluster.node2.url]);
    const startedAtMs = performance.now();
    await using call = await Call.open(alices, bobs);
    const tookMs = performance.now() - startedAtMs;
    console.log(`      pictures both ways ${Math.round(tookMs)} ms after the join began`);
    assert.ok(tookMs < FIRST_PICTURES_MS, `${Math.round(tookMs)} ms`);
    assert.ok((await network.lostPackets()) > 0, 'UDP was not tried');
    const peer = await call.peer(cluster.node2.url, 'carol');
    await hearsAndSees(peer, 'alice', '440');
    assert.deepEqual(call.steps.alice.names, ['CONNECTING', 'CONNECTED']);
  });

  it('is told of at a server that has no ICE over TCP: an OnWarning soon, and the connection is tried anew', async () => {
    await network.loseUdp();
    await using server = await ChannelServerForDaemon.start(['--host', network.here]);
    await using daemon = await daemonAt([server.url], [], network.prefix);
    await using scene = await ChannelScene.open(daemon);
    const alice = await scene.engine();
    using events = new EventRecord(alice);
    await scene.join(alice, 'alice');
    const { text } = await events.first('onWarning', () => true, TOLD_WITHIN_MS);
    assert.match(text, /MEDIA_LOST: .*no connection in time/);
    await events.first('onConnectionStatusChanged', ({ status }) => status === ConnectionStatus.RECONNECTING);
  });

  it('and begins to in the middle of a call: media is back over TCP', async () => {
    await using cluster = await clusterIn(network);
    await using wire = await TcpWire.open(cluster.node1.ports.signalling, network.here);
    await using alices = await daemonAt([wire.url], [], network.prefix);
    await using bobs = await daemonAt([cluster.node2.url]);
    await using call = await Call.open(alices, bobs);
    await network.loseUdp();
    const lostAtMs = performance.now();
    await eventually(
      () => (call.steps.alice.names.includes('RECONNECTING') ? undefined : call.steps.alice.names.join()),
      15_000,
    );
    await call.flows(5, 30_000);
    const tookMs = performance.now() - lostAtMs;
    console.log(`      media after ${Math.round(tookMs)} ms`);
    assert.ok(tookMs < BACK_WITHIN_MS, `media after ${Math.round(tookMs)} ms`);
    await eventually(() => (call.steps.alice.names.length >= 4 ? undefined : call.steps.alice.names.join()));
    assert.deepEqual(call.steps.alice.names, ['CONNECTING', 'CONNECTED', 'RECONNECTING', 'CONNECTED']);
    assert.deepEqual(call.steps.bob.names, ['CONNECTING', 'CONNECTED']);
    const peer = await call.peer(cluster.node2.url, 'carol');
    await hearsAndSees(peer, 'alice', '440');
    // And when UDP passes again nothing is disturbed.
    await network.passUdp();
    await call.flows(30, 30_000);
    assert.deepEqual(call.steps.alice.names.length, 4);
  });
});
