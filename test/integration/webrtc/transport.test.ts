import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { DataChannel, MediaTransport, RemoteParameters } from '../../../webrtc/media_transport.js';
import { SCTP } from '../../../webrtc/media_transport.js';
import { WeriftTransport } from '../../../webrtc/werift_transport.js';
import { serializeRtp } from '../../../rtp/packet.js';
import { serializeRtcp } from '../../../rtp/rtcp.js';
import { eventually } from '../../support/eventually.js';

type Changes = Partial<RemoteParameters>;

/** An offerer and an answerer on this machine, gathered and not connected. */
class Pair implements AsyncDisposable {
  private constructor(
    readonly offerer: MediaTransport,
    readonly answerer: MediaTransport,
  ) {}

  static async create(connectTimeoutMs = 5000): Promise<Pair> {
    const options = { iceServers: [], addresses: { host: '127.0.0.1' }, connectTimeoutMs };
    const pair = new Pair(await WeriftTransport.create(options), await WeriftTransport.create(options));
    await Promise.all([pair.offerer.gather(), pair.answerer.gather()]);
    return pair;
  }

  /** What `transport` is told of `other`. */
  remoteOf(other: MediaTransport, dtlsRole: 'client' | 'server', changes: Changes = {}): RemoteParameters {
    const { usernameFragment, password, fingerprint } = other.local;
    return {
      usernameFragment,
      password,
      lite: false,
      fingerprints: [fingerprint],
      weOffered: other === this.answerer,
      dtlsRole,
      sctp: SCTP,
      ...changes,
    };
  }

  connect(offererRole: 'client' | 'server', changes: Changes = {}): void {
    this.offerer.connect(this.remoteOf(this.answerer, offererRole, changes));
    this.answerer.connect(this.remoteOf(this.offerer, offererRole === 'client' ? 'server' : 'client', changes));
    for (const candidate of this.answerer.localCandidates) this.offerer.addRemoteCandidate(candidate);
    for (const candidate of this.offerer.localCandidates) this.answerer.addRemoteCandidate(candidate);
  }

  async connected(): Promise<void> {
    const signal = AbortSignal.timeout(5000);
    await Promise.all([this.offerer, this.answerer].map((side) => once(side, 'connected', { signal })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.offerer.close(), this.answerer.close()]);
  }
}

const rtp = serializeRtp({
  marker: true,
  payloadType: 96,
  sequence: 1,
  timestamp: 2,
  ssrc: 3,
  payload: Buffer.from('x'),
});
const rtcp = serializeRtcp([{ kind: 'pli', senderSsrc: 1, mediaSsrc: 2 }]);

async function next<T>(emitter: MediaTransport | DataChannel, event: string): Promise<T> {
  const [value] = (await once(emitter as NodeJS.EventEmitter, event, { signal: AbortSignal.timeout(5000) })) as [T];
  return value;
}

describe('A media transport', () => {
  for (const role of ['client', 'server'] as const)
    it(`carries media and messages both ways when the offerer is the DTLS ${role}`, async () => {
      await using pair = await Pair.create();
      const channel = pair.offerer.createDataChannel('messages', { reliable: true, ordered: true });
      const incoming = next<DataChannel>(pair.answerer, 'data_channel');
      pair.connect(role);
      await pair.connected();
      for (const [from, to] of [
        [pair.offerer, pair.answerer],
        [pair.answerer, pair.offerer],
      ] as const) {
        const media = Promise.all([next<Buffer>(to, 'rtp'), next<Buffer>(to, 'rtcp')]);
        from.sendRtp(rtp);
        from.sendRtcp(rtcp);
        assert.deepEqual(await media, [rtp, rtcp]);
      }
      const other = await incoming;
      assert.equal(other.label, 'messages');
      if (!channel.isOpen) await next(channel, 'open');
      const message = next<Buffer>(other, 'message');
      channel.send(Buffer.from('hello'));
      assert.equal((await message).toString(), 'hello');
      const reply = next<Buffer>(channel, 'message');
      other.send(Buffer.from('and back'));
      assert.equal((await reply).toString(), 'and back');
    });

  it('takes candidates that come before the description', async () => {
    await using pair = await Pair.create();
    for (const candidate of pair.answerer.localCandidates) pair.offerer.addRemoteCandidate(candidate);
    pair.answerer.addRemoteCandidate('no candidate at all');
    pair.connect('client');
    await pair.connected();
  });

  it('starts data channels when a later description has them', async () => {
    await using pair = await Pair.create();
    const { sctp: _, ...withoutData } = pair.remoteOf(pair.answerer, 'client');
    pair.offerer.connect(withoutData);
    pair.answerer.connect(pair.remoteOf(pair.offerer, 'server'));
    for (const candidate of pair.offerer.localCandidates) pair.answerer.addRemoteCandidate(candidate);
    for (const candidate of pair.answerer.localCandidates) pair.offerer.addRemoteCandidate(candidate);
    await pair.connected();
    const incoming = next<DataChannel>(pair.answerer, 'data_channel');
    const channel = pair.offerer.createDataChannel('late', { reliable: true, ordered: true });
    assert.equal(channel.isOpen, false);
    pair.offerer.connect(pair.remoteOf(pair.answerer, 'client'));
    assert.equal((await incoming).label, 'late');
  });

  it('fails when the certificate is not the announced one', async () => {
    await using pair = await Pair.create();
    const fingerprints = [{ algorithm: 'sha-256', value: Array.from({ length: 32 }, () => 'AB').join(':') }];
    const failed = next<string>(pair.offerer, 'failed');
    pair.connect('client', { fingerprints });
    assert.match(await failed, /not the announced one/);
    assert.equal(pair.offerer.state, 'failed');
  });

  it('fails in time when nobody answers', async () => {
    await using pair = await Pair.create(200);
    const failed = next<string>(pair.offerer, 'failed');
    pair.offerer.connect(pair.remoteOf(pair.answerer, 'client'));
    assert.match(await failed, /no connection in time/);
  });

  for (const when of ['while it gathers', 'before it gathers'] as const)
    it(`leaves no socket behind when it is closed ${when}`, async () => {
      const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === 'UDPWrap').length;
      const before = sockets();
      const options = { iceServers: [], addresses: { host: '127.0.0.1' }, connectTimeoutMs: 1000 };
      const transport = await WeriftTransport.create(options);
      const gathered = when === 'while it gathers' ? transport.gather() : undefined;
      await transport.close();
      await (gathered ?? transport.gather());
      // What closes is told in a later turn.
      await eventually(() => (sockets() <= before ? undefined : `${sockets() - before} sockets`));
      assert.equal(transport.state, 'closed');
    });
});
