import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  AddTrackRequest,
  DisconnectReason,
  LeaveRequest,
  LeaveRequest_Action,
  MuteTrackRequest,
  ParticipantInfo_State,
  Ping,
  RequestResponse_Reason,
  SessionDescription,
  SubscriptionError,
  TrackSource,
  TrackType,
  UpdateParticipantMetadata,
  UpdateSubscription,
} from '@livekit/protocol';
import { createLogger } from '../../../common/logger.js';
import { transportsOn } from '../../../channelserver/forward/transports.js';
import { DEFAULT_LIMITS, DEFAULT_TIMING } from '../../../channelserver/limits.js';
import { ChannelServer } from '../../../channelserver/server.js';
import { eventually } from '../../support/eventually.js';
import { KEYS, tokenFor } from './running_server.js';
import { SignalClient } from './signal_client.js';

const logger = createLogger('test', 'silent');

async function startServer(
  limits: Partial<typeof DEFAULT_LIMITS> = {},
  timing: Partial<typeof DEFAULT_TIMING> = {},
): Promise<ChannelServer> {
  const server = new ChannelServer({
    host: '127.0.0.1',
    port: 0,
    keys: KEYS,
    limits: { ...DEFAULT_LIMITS, ...limits },
    timing: { ...DEFAULT_TIMING, shutdownMs: 1000, ...timing },
    transports: await transportsOn('127.0.0.1'),
    singleConnection: true,
    logger,
  });
  await server.start();
  return server;
}

describe('The signalling of the channel server', () => {
  let server: ChannelServer;
  before(async () => {
    server = await startServer();
  });
  after(() => server.close());

  const join = async (room: string, identity: string, options = {}, query = ''): Promise<SignalClient> =>
    SignalClient.join(server.url, await tokenFor(room, identity, options), query);

  it('sends the JoinResponse first, then an offer with the data channel even without tracks', async () => {
    await using alice = await join('first', 'alice', { name: 'Alice', attributes: { a: '1' } });
    const response = alice.join;
    assert.equal(alice.messages[0]?.case, 'join');
    assert.equal(response.room?.name, 'first');
    assert.match(response.room?.sid ?? '', /^RM_/);
    assert.match(response.participant?.sid ?? '', /^PA_\w{12}$/);
    assert.equal(response.participant?.name, 'Alice');
    assert.deepEqual(response.participant?.attributes, { a: '1' });
    assert.ok(response.subscriberPrimary);
    assert.ok(response.pingInterval > 0 && response.pingTimeout > response.pingInterval);
    assert.match(response.serverVersion, /^\d+\.\d+\.\d+/);
    const offer = await alice.waitFor('offer');
    assert.equal(offer.id, 1);
    assert.match(offer.sdp, /^m=application 9 UDP\/DTLS\/SCTP webrtc-datachannel\r$/m);
    assert.match(offer.sdp, /^a=setup:actpass\r$/m);
    assert.match(offer.sdp, /^a=candidate:.* 127\.0\.0\.1 \d+ typ host/m);
  });

  it('lets those publish fast that may publish at all, as livekit-server does', async () => {
    await using alice = await join('fast', 'alice');
    assert.equal(alice.join.fastPublish, true);
    await using bob = await join('fast', 'bob', { grant: { canPublish: false } });
    assert.equal(bob.join.fastPublish, false);
  });

  const refusals: { title: string; token: () => Promise<string>; says: RegExp }[] = [
    { title: 'no token', token: () => Promise.resolve(''), says: /no token/ },
    { title: 'something that is no token', token: () => Promise.resolve('abc'), says: /not a JWT/ },
    { title: 'an unknown app id', token: () => tokenFor('r', 'a', { appId: 'other' }), says: /unknown app id/ },
    { title: 'a wrong key', token: () => tokenFor('r', 'a', { appKey: 'wrong' }), says: /signature/ },
    { title: 'an expired token', token: () => tokenFor('r', 'a', { ttlSeconds: -60 }), says: /expired/ },
    {
      title: 'no permission to join',
      token: () => tokenFor('r', 'a', { grant: { roomJoin: false } }),
      says: /roomJoin/,
    },
    { title: 'no room', token: () => tokenFor('', 'a'), says: /no room/ },
  ];
  for (const { title, token, says } of refusals)
    it(`refuses with 401 and a text that says why: ${title}`, async () => {
      const text = await token();
      await assert.rejects(SignalClient.open(server.url, text), (error: Error) => {
        assert.match(error.message, /^401 /);
        assert.match(error.message, says);
        return text === '' || !error.message.includes(text);
      });
    });

  it('tells everybody who comes, changes and goes, with versions that count up', async () => {
    await using alice = await join('comings', 'alice');
    await using bob = await join('comings', 'bob');
    assert.deepEqual(
      bob.join.otherParticipants.map(({ identity }) => identity),
      ['alice'],
    );
    const came = await alice.waitForParticipant('bob');
    bob.send({
      case: 'updateMetadata',
      value: new UpdateParticipantMetadata({ name: 'Bob', attributes: { role: 'x' }, requestId: 7 }),
    });
    const changed = await alice.waitForParticipant('bob', ({ attributes }) => attributes['role'] === 'x');
    assert.equal(changed.name, 'Bob');
    assert.ok(changed.version > came.version);
    const answer = await bob.waitFor('requestResponse', ({ requestId }) => requestId === 7);
    assert.equal(answer.reason, RequestResponse_Reason.OK);
    bob.send({ case: 'updateMetadata', value: new UpdateParticipantMetadata({ attributes: { role: '' } }) });
    await alice.waitForParticipant(
      'bob',
      ({ attributes, version }) => version > changed.version && !('role' in attributes),
    );
    bob.send({ case: 'leave', value: new LeaveRequest({ reason: DisconnectReason.CLIENT_INITIATED }) });
    const left = await alice.waitForParticipant('bob', ({ state }) => state === ParticipantInfo_State.DISCONNECTED);
    assert.equal(left.disconnectReason, DisconnectReason.CLIENT_INITIATED);
    assert.equal((await bob.waitForClose()).code, 1000);
  });

  it('shows a hidden participant to nobody', async () => {
    await using alice = await join('hidden', 'alice');
    await using ghost = await join('hidden', 'ghost', { grant: { hidden: true } });
    assert.equal(ghost.join.otherParticipants.length, 1);
    await using bob = await join('hidden', 'bob');
    assert.deepEqual(
      bob.join.otherParticipants.map(({ identity }) => identity),
      ['alice'],
    );
    await alice.waitForParticipant('bob');
    const seen = alice.messages.flatMap((m) => (m.case === 'update' ? m.value.participants : []));
    assert.ok(!seen.some(({ identity }) => identity === 'ghost'));
  });

  it('refuses own metadata and publishing without the grant, by name', async () => {
    await using alice = await join('grants', 'alice', {
      grant: { canUpdateOwnMetadata: false, canPublishSources: [TrackSource.MICROPHONE] },
    });
    alice.send({ case: 'updateMetadata', value: new UpdateParticipantMetadata({ name: 'x', requestId: 1 }) });
    const metadata = await alice.waitFor('requestResponse', ({ requestId }) => requestId === 1);
    assert.equal(metadata.reason, RequestResponse_Reason.NOT_ALLOWED);
    const track = (cid: string, source: TrackSource): AddTrackRequest =>
      new AddTrackRequest({ cid, source, type: source === TrackSource.MICROPHONE ? TrackType.AUDIO : TrackType.VIDEO });
    alice.send({ case: 'addTrack', value: track('cam', TrackSource.CAMERA) });
    const refused = await alice.waitFor('requestResponse', ({ request }) => request.case === 'addTrack');
    assert.equal(refused.reason, RequestResponse_Reason.NOT_ALLOWED);
    alice.send({ case: 'addTrack', value: track('mic', TrackSource.MICROPHONE) });
    const published = await alice.waitFor('trackPublished');
    assert.equal(published.cid, 'mic');
    assert.match(published.track?.sid ?? '', /^TR_/);
  });

  it('answers subscriptions to unknown tracks, mutes of unknown tracks, and both kinds of ping', async () => {
    await using alice = await join('answers', 'alice');
    alice.send({ case: 'subscription', value: new UpdateSubscription({ trackSids: ['TR_none'], subscribe: true }) });
    const subscription = await alice.waitFor('subscriptionResponse');
    assert.equal(subscription.err, SubscriptionError.SE_TRACK_NOTFOUND);
    alice.send({ case: 'mute', value: new MuteTrackRequest({ sid: 'TR_none', muted: true }) });
    assert.equal((await alice.waitFor('requestResponse')).reason, RequestResponse_Reason.NOT_FOUND);
    alice.send({ case: 'ping', value: 42n });
    assert.equal(await alice.waitFor('pong'), 42n);
    alice.send({ case: 'pingReq', value: new Ping({ timestamp: 43n, rtt: 1n }) });
    assert.equal((await alice.waitFor('pongResp')).lastPingTimestamp, 43n);
  });

  it('lets the later one stay when an identity joins twice', async () => {
    await using witness = await join('twice', 'witness');
    await using first = await join('twice', 'alice');
    await using second = await join('twice', 'alice');
    const leave = await first.waitFor('leave');
    assert.equal(leave.reason, DisconnectReason.DUPLICATE_IDENTITY);
    assert.equal(leave.action, LeaveRequest_Action.DISCONNECT);
    await first.waitForClose();
    await witness.waitForParticipant('alice', ({ sid }) => sid === second.sid);
    await using late = await join('twice', 'late');
    assert.ok(late.join.otherParticipants.some(({ sid }) => sid === second.sid));
  });

  it('makes a client that reconnects join anew', async () => {
    await eventually(() => (server.roomCount === 0 ? undefined : 'rooms of earlier tests'));
    const rooms = server.roomCount;
    await using alice = await SignalClient.open(server.url, await tokenFor('again', 'alice'), '&reconnect=1&sid=PA_x');
    const leave = await alice.waitFor('leave');
    assert.equal(leave.action, LeaveRequest_Action.RECONNECT);
    assert.ok(leave.canReconnect);
    await alice.waitForClose();
    assert.equal(server.roomCount, rooms, 'no room is made for it');
  });

  const garbage: { title: string; send: (client: SignalClient) => void; code: number }[] = [
    { title: 'bytes that are no SignalRequest', send: (c) => c.socket.send(Buffer.alloc(64, 0xff)), code: 1007 },
    { title: 'text', send: (c) => c.socket.send('{"ping":1}'), code: 1003 },
    { title: 'a frame that is too long', send: (c) => c.socket.send(Buffer.alloc(2 * 1024 * 1024)), code: 1009 },
    {
      title: 'an offer that is no SDP',
      send: (c) => c.send({ case: 'offer', value: new SessionDescription({ type: 'offer', sdp: 'garbage' }) }),
      code: 1011,
    },
  ];
  for (const { title, send, code } of garbage)
    it(`ends a participant, and only it, that sends ${title}`, async () => {
      await using witness = await join('garbage', 'witness');
      await using vandal = await join('garbage', 'vandal');
      await witness.waitForParticipant('vandal');
      send(vandal);
      assert.equal((await vandal.waitForClose()).code, code);
      await witness.waitForParticipant('vandal', ({ state }) => state === ParticipantInfo_State.DISCONNECTED);
      witness.send({ case: 'ping', value: 1n });
      await witness.waitFor('pong');
    });

  it('removes a participant whose connection breaks, and the room with its last one', async () => {
    await using witness = await join('broken', 'witness');
    {
      await using alice = await join('broken', 'alice');
      alice.socket.terminate();
    }
    const left = await witness.waitForParticipant('alice', ({ state }) => state === ParticipantInfo_State.DISCONNECTED);
    assert.equal(left.disconnectReason, DisconnectReason.SIGNAL_CLOSE);
    witness.socket.close();
    await eventually(() => (server.roomCount === 0 ? undefined : `${server.roomCount} rooms are left`));
  });
});

describe('The bounds of the channel server', () => {
  it('refuses rooms and participants beyond its limits with 503 and the limit', async () => {
    const server = await startServer({ rooms: 1, participantsPerRoom: 2 });
    try {
      await using alice = await SignalClient.join(server.url, await tokenFor('only', 'alice'));
      await using bob = await SignalClient.join(server.url, await tokenFor('only', 'bob'));
      await assert.rejects(
        tokenFor('only', 'carol').then((t) => SignalClient.open(server.url, t)),
        /503 .*at most 2/,
      );
      await assert.rejects(
        tokenFor('other', 'carol').then((t) => SignalClient.open(server.url, t)),
        /503 .*1 rooms/,
      );
      // The same identity takes its own place.
      await using again = await SignalClient.join(server.url, await tokenFor('only', 'bob'));
      assert.notEqual(again.sid, bob.sid);
      assert.ok(alice.closed === undefined);
    } finally {
      await server.close();
    }
  });

  it('refuses more tracks of a participant than it may have', async () => {
    const server = await startServer({ tracksPerParticipant: 1 });
    try {
      await using alice = await SignalClient.join(server.url, await tokenFor('tracks', 'alice'));
      for (const cid of ['one', 'two'])
        alice.send({ case: 'addTrack', value: new AddTrackRequest({ cid, type: TrackType.AUDIO }) });
      const refused = await alice.waitFor('requestResponse');
      assert.equal(refused.reason, RequestResponse_Reason.LIMIT_EXCEEDED);
      assert.match(refused.message, /at most 1 tracks/);
    } finally {
      await server.close();
    }
  });

  it('removes a participant that is silent, and one whose media never connects', async () => {
    const server = await startServer({}, { pingTimeoutMs: 400, pingIntervalMs: 100, mediaConnectMs: 200 });
    try {
      await using alice = await SignalClient.join(server.url, await tokenFor('silent', 'alice'));
      const leave = await alice.waitFor('leave');
      assert.equal(leave.reason, DisconnectReason.MEDIA_FAILURE);
      assert.equal(leave.action, LeaveRequest_Action.RECONNECT);
      const slow = await startServer({}, { pingTimeoutMs: 200, pingIntervalMs: 100 });
      try {
        await using bob = await SignalClient.join(slow.url, await tokenFor('silent', 'bob'));
        assert.equal((await bob.waitForClose()).code, 1008);
        await eventually(() => (slow.roomCount === 0 ? undefined : 'the room is still there'));
      } finally {
        await slow.close();
      }
    } finally {
      await server.close();
    }
  });

  it('closes an HTTP connection that half-opens and vanishes, without harm', async () => {
    const server = await startServer();
    try {
      const { connect } = await import('node:net');
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
      await once(socket, 'connect');
      socket.write('GET /rtc HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
      socket.destroy();
      await using alice = await SignalClient.join(server.url, await tokenFor('harm', 'alice'));
      assert.ok(alice.sid !== '');
    } finally {
      await server.close();
    }
  });
});
