import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/eventually.js';
import { LonelyNetwork } from '../support/lonely_network.js';
import { TcpWire } from '../support/tcp_wire.js';
import { TURN_PASSWORD, TURN_USER, TurnServer } from '../support/turn_server.js';
import { Cluster } from './support/cluster.js';
import { freePorts } from './support/free_ports.js';
import { Call, daemonAt, hearsAndSees, joinsAgain } from './support/fault_scene.js';
import type { LiveKitServer } from './support/livekit_server.js';

/** The figure, and what a loaded machine adds. */
const BACK_WITHIN_MS = 10_000;
/** Shorter than the shortest cut. Pictures are 67 ms apart, on a machine that has the time. */
const NO_GAP_MS = 2500;

/** The id that a node gave itself, from its log. */
function nodeIdOf(node: LiveKitServer): string {
  const id = /"nodeID": ?"(ND_\w+)"/.exec(node.process.lastLines(400).join('\n'))?.[1];
  assert.ok(id !== undefined, 'the node does not tell its id');
  return id;
}

/** A room whose media is at that node, wherever its participants signal. */
async function roomAt(cluster: Cluster, node: LiveKitServer): Promise<string> {
  const name = `fault-${randomBytes(4).toString('hex')}`;
  await cluster.rooms.createRoom({ name, nodeId: nodeIdOf(node), emptyTimeout: 300 });
  return name;
}

/** Waits for new pictures and gives the time since `fromMs`. */
async function backAfter(call: Call, fromMs: number): Promise<number> {
  await call.flows(5, 30_000);
  return performance.now() - fromMs;
}

describe('Faults of a real LiveKit cluster', function () {
  this.timeout(120_000);

  it('the node that has the room is killed: both engines are back on the other within 10 s', async () => {
    await using cluster = await Cluster.open();
    await using daemon = await daemonAt(cluster.urls);
    await using call = await Call.open(daemon, daemon, await roomAt(cluster, cluster.node1));
    await cluster.node1.process.end('SIGKILL');
    const killedAtMs = performance.now();
    const tookMs = await backAfter(call, killedAtMs);
    const steps = call.steps.alice.list.map(({ status, atMs }) => `${status} ${Math.round(atMs - killedAtMs)}`);
    console.log(`      media after ${Math.round(tookMs)} ms; ${steps.slice(2).join(', ')}`);
    assert.ok(tookMs < BACK_WITHIN_MS, `media after ${Math.round(tookMs)} ms: ${steps.join(', ')}`);
    for (const { names } of Object.values(call.steps))
      assert.deepEqual(names, ['CONNECTING', 'CONNECTED', 'RECONNECTING', 'CONNECTED']);
    const peer = await call.peer(cluster.node2.url, 'carol');
    await hearsAndSees(peer, 'alice', '440');
    await hearsAndSees(peer, 'bob', '1000');
  });

  it('the node that only signals is killed: the stay goes on by way of the other, and media never stops', async () => {
    await using cluster = await Cluster.open();
    await using daemon = await daemonAt(cluster.urls);
    await using call = await Call.open(daemon, daemon, await roomAt(cluster, cluster.node2));
    const peer = await call.peer(cluster.node2.url, 'carol');
    call.aliceSees.takeLongestGapMs();
    await cluster.node1.process.end('SIGKILL');
    await eventually(() => (call.steps.alice.names.length >= 4 ? undefined : call.steps.alice.names.join()), 20_000);
    await call.flows();
    const gapMs = call.aliceSees.takeLongestGapMs();
    assert.ok(gapMs < NO_GAP_MS, `no picture for ${Math.round(gapMs)} ms`);
    assert.deepEqual(call.steps.alice.names, ['CONNECTING', 'CONNECTED', 'RECONNECTING', 'CONNECTED']);
    await hearsAndSees(peer, 'alice', '440');
    // The new signalling carries what is asked for.
    await call.alice.publishLocalVideoStream(false);
    await peer.waitFor((event) => event.event === 'track_unpublished' && event.identity === 'alice');
  });

  it('Redis is started anew in the call: media goes on, nobody is told anything, and newcomers can join', async () => {
    await using cluster = await Cluster.open();
    await using daemon = await daemonAt(cluster.urls);
    await using call = await Call.open(daemon);
    call.aliceSees.takeLongestGapMs();
    await cluster.redis.process.end('SIGKILL');
    await delay(2000);
    await cluster.redis.process.start();
    await call.flows(20);
    const gapMs = call.aliceSees.takeLongestGapMs();
    assert.ok(gapMs < NO_GAP_MS, `no picture for ${Math.round(gapMs)} ms`);
    await eventually(async () => {
      try {
        await joinsAgain(call.scene.client, `after-${randomBytes(3).toString('hex')}`, 'newcomer');
        return undefined;
      } catch (error) {
        return String(error);
      }
    }, 40_000);
    assert.deepEqual(call.steps.alice.names.slice(0, 2), ['CONNECTING', 'CONNECTED']);
    await call.flows();
  });

  for (const seconds of [3, 30])
    it(`the signalling path is cut for ${seconds} s: media flows on, and the stay is taken up again`, async () => {
      await using cluster = await Cluster.open();
      await using wire = await TcpWire.open(cluster.node1.ports.signalling);
      await using alices = await daemonAt([wire.url]);
      await using bobs = await daemonAt([cluster.node2.url]);
      await using call = await Call.open(alices, bobs);
      const peer = await call.peer(cluster.node2.url, 'carol');
      await hearsAndSees(peer, 'alice', '440');
      const { length } = peer.events;
      call.aliceSees.takeLongestGapMs();
      call.bobSees.takeLongestGapMs();
      await wire.cut();
      await eventually(() => (call.steps.alice.names.length === 3 ? undefined : call.steps.alice.names.join()));
      await delay(seconds * 1000);
      assert.equal(call.steps.alice.names.length, 3, call.steps.alice.names.join());
      await wire.mend();
      const mendedAtMs = performance.now();
      await eventually(() => (call.steps.alice.names.length >= 4 ? undefined : 'not connected again'), 15_000);
      const tookMs = performance.now() - mendedAtMs;
      await call.flows();
      const gaps = [call.aliceSees, call.bobSees].map((watch) => Math.round(watch.takeLongestGapMs()));
      console.log(`      connected ${Math.round(tookMs)} ms after the cut; longest gaps ${gaps.join(' and ')} ms`);
      assert.ok(Math.max(...gaps) < NO_GAP_MS, `no picture for ${gaps.join(' and ')} ms`);
      assert.deepEqual(call.steps.alice.names, ['CONNECTING', 'CONNECTED', 'RECONNECTING', 'CONNECTED']);
      assert.deepEqual(call.steps.bob.names, ['CONNECTING', 'CONNECTED']);
      // To the others she never left.
      const seen = peer.events.slice(length).filter((event) => 'identity' in event && event.identity === 'alice');
      assert.deepEqual(seen, []);
      await hearsAndSees(peer, 'alice', '440');
    });

  it('the signalling path is frozen for 3 s: nobody notices', async () => {
    await using cluster = await Cluster.open();
    await using wire = await TcpWire.open(cluster.node1.ports.signalling);
    await using alices = await daemonAt([wire.url]);
    await using bobs = await daemonAt([cluster.node2.url]);
    await using call = await Call.open(alices, bobs);
    call.aliceSees.takeLongestGapMs();
    wire.freeze();
    await delay(3000);
    wire.thaw();
    await call.flows(20);
    assert.ok(call.aliceSees.takeLongestGapMs() < NO_GAP_MS);
    assert.deepEqual(call.steps.alice.names, ['CONNECTING', 'CONNECTED']);
  });

  it('the node hangs: both engines find another within half a minute', async () => {
    await using cluster = await Cluster.open();
    await using daemon = await daemonAt(cluster.urls);
    await using call = await Call.open(daemon, daemon, await roomAt(cluster, cluster.node1));
    cluster.node1.process.signal('SIGSTOP');
    const stoppedAtMs = performance.now();
    const tookMs = await backAfter(call, stoppedAtMs);
    console.log(`      media after ${Math.round(tookMs)} ms`);
    assert.ok(tookMs < 30_000, `media after ${Math.round(tookMs)} ms`);
    assert.deepEqual(call.steps.alice.names, ['CONNECTING', 'CONNECTED', 'RECONNECTING', 'CONNECTED']);
  });

  it('a server that has ICE over TCP only carries media both ways', async () => {
    await using cluster = await Cluster.open({ tcpOnly: true });
    await using daemon = await daemonAt(cluster.urls);
    await using call = await Call.open(daemon);
    const peer = await call.peer(cluster.node2.url, 'carol');
    await hearsAndSees(peer, 'alice', '440');
    await peer.call('publish_audio', { frequency: 2000 });
    assert.deepEqual(call.steps.alice.names, ['CONNECTING', 'CONNECTED']);
  });

  describe('where nothing but TURN leads to the server', () => {
    let network: LonelyNetwork;
    let turn: TurnServer;
    let turnPort: number;
    const newTurn = (): TurnServer =>
      new TurnServer({
        host: network.here,
        port: turnPort,
        relayHost: '127.0.0.1',
        relayPorts: { low: turnPort + 4, high: turnPort + 39 },
      });
    before(async () => {
      network = await LonelyNetwork.create();
      turnPort = await freePorts(40);
      turn = newTurn();
      await turn.start();
    });
    after(async () => {
      await turn.close();
      await network[Symbol.asyncDispose]();
    });

    for (const protocol of ['udp', 'tcp'] as const)
      it(`media goes both ways over ${protocol} to coturn, from a network without any other way`, async () => {
        const login = { username: TURN_USER, credential: TURN_PASSWORD };
        await using cluster = await Cluster.open({
          turnServers: [{ host: network.here, port: turnPort, protocol, ...login }],
        });
        await using wire = await TcpWire.open(cluster.node1.ports.signalling, network.here);
        await using alices = await daemonAt([wire.url], [], network.prefix);
        await using bobs = await daemonAt([cluster.node2.url]);
        await using call = await Call.open(alices, bobs);
        assert.match(turn.log, new RegExp(`peer 127\\.0\\.0\\.1 lifetime updated|CHANNEL_BIND processed, success`));
        const peer = await call.peer(cluster.node2.url, 'carol');
        await hearsAndSees(peer, 'alice', '440');
        assert.deepEqual(call.steps.alice.names, ['CONNECTING', 'CONNECTED']);
      });

    it('the TURN server is started anew: media is lost, signalling is not, and a restart of ICE brings media back', async () => {
      const login = { username: TURN_USER, credential: TURN_PASSWORD };
      const server = { host: network.here, port: turnPort, protocol: 'udp', ...login } as const;
      await using cluster = await Cluster.open({ turnServers: [server] });
      await using wire = await TcpWire.open(cluster.node1.ports.signalling, network.here);
      await using alices = await daemonAt([wire.url], [], network.prefix);
      await using bobs = await daemonAt([cluster.node2.url]);
      await using call = await Call.open(alices, bobs);
      await turn.close();
      const lostAtMs = performance.now();
      turn = newTurn();
      await turn.start();
      const tookMs = await backAfter(call, lostAtMs);
      console.log(`      media after ${Math.round(tookMs)} ms`);
      await eventually(() => (call.steps.alice.names.length >= 4 ? undefined : call.steps.alice.names.join()));
      assert.deepEqual(call.steps.alice.names, ['CONNECTING', 'CONNECTED', 'RECONNECTING', 'CONNECTED']);
      assert.ok(wire.connections > 0);
    });

    it('a signalling cut does not touch the relay: media flows on', async () => {
      const login = { username: TURN_USER, credential: TURN_PASSWORD };
      const server = { host: network.here, port: turnPort, protocol: 'udp', ...login } as const;
      await using cluster = await Cluster.open({ turnServers: [server] });
      await using wire = await TcpWire.open(cluster.node1.ports.signalling, network.here);
      await using alices = await daemonAt([wire.url], [], network.prefix);
      await using bobs = await daemonAt([cluster.node2.url]);
      await using call = await Call.open(alices, bobs);
      call.bobSees.takeLongestGapMs();
      await wire.cut();
      await eventually(() => (call.steps.alice.names.length === 3 ? undefined : call.steps.alice.names.join()));
      await wire.mend();
      await eventually(() => (call.steps.alice.names.length >= 4 ? undefined : 'not connected again'), 15_000);
      await call.flows();
      assert.ok(call.bobSees.takeLongestGapMs() < NO_GAP_MS);
      assert.deepEqual(call.steps.alice.names, ['CONNECTING', 'CONNECTED', 'RECONNECTING', 'CONNECTED']);
    });
  });

  it('an operator who allows relays only gets relays only', async () => {
    const port = await freePorts(40);
    await using turn = new TurnServer({ port, relayPorts: { low: port + 4, high: port + 39 } });
    await turn.start();
    const login = { username: TURN_USER, credential: TURN_PASSWORD };
    await using cluster = await Cluster.open({ turnServers: [{ host: turn.host, port, protocol: 'udp', ...login }] });
    await using daemon = await daemonAt([cluster.node1.url], ['--channel-server-relay-only', 'on']);
    await using bobs = await daemonAt([cluster.node2.url]);
    await using call = await Call.open(daemon, bobs);
    assert.match(turn.log, /CHANNEL_BIND processed, success/);
    // Without its relay nothing is left.
    await turn.close();
    const { readable } = call.bobSees;
    await delay(2000);
    assert.ok(call.bobSees.readable - readable < 15, 'pictures come without the relay');
  });
});
