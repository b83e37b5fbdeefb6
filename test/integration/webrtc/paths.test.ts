import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Connection } from 'werift';
import type { MediaTransport, MediaTransportOptions, RemoteParameters } from '../../../webrtc/media_transport.js';
import { SCTP } from '../../../webrtc/media_transport.js';
import { WeriftTransport } from '../../../webrtc/werift_transport.js';
import { serializeRtp } from '../../../rtp/packet.js';
import { TestAuthority } from '../../support/certificates.js';
import { eventually } from '../../support/eventually.js';
import { freePorts } from '../../cluster/support/free_ports.js';
import { TurnServer } from '../../support/turn_server.js';
import { UdpPath } from './udp_path.js';

const HERE = { host: '127.0.0.1' };
const DEADLINE_MS = 15_000;

function packet(sequence: number): Buffer {
  return serializeRtp({ marker: true, payloadType: 96, sequence, timestamp: 2, ssrc: 3, payload: Buffer.from('x') });
}

/** What `of` says of itself; the offerer is the DTLS client. */
function parameters(of: MediaTransport, isOfferer: boolean): RemoteParameters {
  const { fingerprint, ...ice } = of.local;
  const dtlsRole = isOfferer ? 'server' : 'client';
  return { ...ice, lite: false, fingerprints: [fingerprint], weOffered: !isOfferer, dtlsRole, sctp: SCTP };
}

/** Two transports with a description and candidates for each other, `through` a path where candidates are rewritten. */
class Call implements AsyncDisposable {
  constructor(
    readonly offerer: MediaTransport,
    readonly answerer: MediaTransport,
    readonly through: (candidate: string) => string | undefined = (candidate) => candidate,
  ) {}

  static async create(
    offerer: Partial<MediaTransportOptions>,
    answerer: Partial<MediaTransportOptions> = {},
    through?: (candidate: string) => string | undefined,
  ): Promise<Call> {
    const common: MediaTransportOptions = { iceServers: [], addresses: HERE, connectTimeoutMs: DEADLINE_MS };
    return new Call(
      await WeriftTransport.create({ ...common, ...offerer }),
      await WeriftTransport.create({ ...common, ...answerer }),
      through,
    );
  }

  /** An offer and an answer, with trickled candidates. */
  negotiate(): void {
    for (const [from, to] of [
      [this.offerer, this.answerer],
      [this.answerer, this.offerer],
    ] as const) {
      to.connect(parameters(from, from === this.offerer));
      from.removeAllListeners('candidate').on('candidate', (candidate) => {
        const rewritten = this.through(candidate);
        if (rewritten !== undefined) to.addRemoteCandidate(rewritten);
      });
    }
    void this.offerer.gather();
    void this.answerer.gather();
  }

  async connect(): Promise<void> {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const connected = Promise.all([this.offerer, this.answerer].map((side) => once(side, 'connected', { signal })));
    this.negotiate();
    await connected;
  }

  /** A packet each way arrives, sooner or later. */
  async carriesMedia(): Promise<void> {
    for (const [from, to] of [
      [this.offerer, this.answerer],
      [this.answerer, this.offerer],
    ] as const) {
      let received = 0;
      const count = (): void => void (received += 1);
      to.on('rtp', count);
      let sequence = 1;
      await eventually(() => {
        if (received > 0) return undefined;
        from.sendRtp(packet(sequence++));
        return `nothing from the ${from === this.offerer ? 'offerer' : 'answerer'}`;
      });
      to.off('rtp', count);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.offerer.close(), this.answerer.close()]);
  }
}

describe('The path of a transport', function () {
  this.timeout(60_000);

  describe('by way of a TURN server only', () => {
    let authority: TestAuthority;
    let turn: TurnServer;
    before(async () => {
      authority = await TestAuthority.create();
      const tls = await authority.issue('IP:127.0.0.1');
      const port = await freePorts(12);
      turn = new TurnServer({ port, tls, relayPorts: { low: port + 4, high: port + 11 } });
      await turn.start();
    });
    after(async () => {
      await turn.close();
      await authority[Symbol.asyncDispose]();
    });

    for (const transport of ['udp', 'tcp'] as const)
      it(`carries media over ${transport}, and only relayed candidates are told`, async () => {
        await using call = await Call.create({ iceServers: [turn.iceServer(transport)], relayOnly: true });
        const told: string[] = [];
        call.offerer.on('candidate', (candidate) => told.push(candidate));
        await call.connect();
        await call.carriesMedia();
        const { localCandidates } = call.offerer;
        assert.equal(localCandidates.length, 1, localCandidates.join('\n'));
        assert.match(localCandidates[0] ?? '', / typ relay /);
      });

    it('takes the next server when one does not answer', async () => {
      const nobody = { urls: [`turn:127.0.0.1:${await freePorts(1)}?transport=udp`], username: 'a', credential: 'b' };
      const garbage = { urls: ['turn:', 'turns:x:99999', 'mailto:turn'], username: 'a', credential: 'b' };
      const iceServers = [garbage, nobody, turn.iceServer('tcp')];
      await using call = await Call.create({ iceServers, relayOnly: true });
      await call.connect();
      await call.carriesMedia();
    });

    it('finds no path with a wrong password, or a certificate that nobody trusts', async () => {
      const wrong = { ...turn.iceServer('udp'), credential: 'wrong' };
      const reasons = [/^no connection in time/, /no connection in time; turns:127.*NODE_EXTRA_CA_CERTS/];
      for (const [index, server] of [wrong, turn.iceServer('tls')].entries()) {
        await using call = await Call.create({ iceServers: [server], relayOnly: true, connectTimeoutMs: 3000 });
        const failed = once(call.offerer, 'failed', { signal: AbortSignal.timeout(DEADLINE_MS) });
        call.negotiate();
        assert.match(String((await failed)[0]), reasons[index] ?? /never/);
        assert.deepEqual(call.offerer.localCandidates, []);
      }
    });
  });

  it('is restarted: new credentials, the same DTLS, media both ways again', async () => {
    await using call = await Call.create({ stallMs: 5000 });
    await call.connect();
    const before = call.offerer.local;
    call.offerer.restart();
    call.answerer.restart();
    assert.notEqual(call.offerer.local.usernameFragment, before.usernameFragment);
    assert.deepEqual(call.offerer.local.fingerprint, before.fingerprint);
    assert.equal(call.offerer.remoteFragment, undefined);
    call.negotiate();
    await call.carriesMedia();
    assert.equal(call.offerer.state, 'connected');
  });

  it('that is cut counts as stalled within seconds, and as recovered when it is whole again', async () => {
    await using path = await UdpPath.open();
    await using call = await Call.create({ stallMs: 2500 }, {}, (candidate) => path.through(candidate));
    await call.connect();
    await call.carriesMedia();
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const stalled = once(call.offerer, 'stalled', { signal });
    const cutAt = performance.now();
    path.isCut = true;
    await stalled;
    const afterMs = performance.now() - cutAt;
    assert.ok(afterMs > 2000 && afterMs < 8000, `stalled after ${Math.round(afterMs)} ms`);
    const recovered = once(call.offerer, 'recovered', { signal });
    path.isCut = false;
    await recovered;
    await call.carriesMedia();
    assert.equal(call.offerer.state, 'connected');
  });

  it('that is quiet does not count as stalled', async () => {
    await using call = await Call.create({ stallMs: 2500 });
    let stalled = 0;
    call.offerer.on('stalled', () => (stalled += 1));
    await call.connect();
    // Nobody sends anything: only the questions of the watch keep it from being stalled.
    await new Promise((resolve) => setTimeout(resolve, 6000));
    assert.equal(stalled, 0);
  });

  it('goes over TCP when UDP finds none', async () => {
    // The library's agent with a listening TCP candidate, as a server has one.
    const addresses = { useIpv4: false, useIpv6: false, additionalHostAddresses: ['127.0.0.1'] };
    const server = new Connection(false, { ...addresses, useTcp: true });
    const client = await WeriftTransport.create({ iceServers: [], addresses: HERE, tcp: true });
    try {
      const { usernameFragment, password, fingerprint } = client.local;
      server.setRemoteParams({ iceLite: false, usernameFragment, password });
      await server.gatherCandidates();
      const { localUsername, localPassword } = server;
      const remote = { lite: false, fingerprints: [fingerprint], weOffered: true, dtlsRole: 'client' as const };
      client.connect({ usernameFragment: localUsername, password: localPassword, ...remote });
      const firstOctets: number[] = [];
      server.onData.subscribe((datagram) => firstOctets.push(datagram[0] ?? 0));
      for (const candidate of server.localCandidates)
        if (candidate.transport === 'tcp') client.addRemoteCandidate(candidate.toSdp());
      server.connect().catch(() => undefined);
      // A DTLS ClientHello, a handshake record: ICE has found the path.
      await eventually(() => (firstOctets.includes(22) ? undefined : 'no ClientHello'));
      assert.equal(server.nominated?.localCandidate.transport, 'tcp');
    } finally {
      await client.close();
      await server.close();
    }
  });
});
