import assert from 'node:assert/strict';
import {
  ConnectionSettings,
  JoinRequest,
  Ping,
  SessionDescription,
  WrappedJoinRequest,
  protoInt64,
} from '@livekit/protocol';
import { RawPeer } from './raw_peer.js';
import { RunningServer, tokenFor } from './running_server.js';
import { SignalClient } from './signal_client.js';

const ROOM = 'one-offer';

/** A description with a data channel and so many m-lines to receive pictures on; nobody ever connects by it. */
function offer(id: number, videos: number): SessionDescription {
  const section = (mid: number, lines: readonly string[]): string[] => [
    ...lines,
    'c=IN IP4 0.0.0.0',
    'a=ice-ufrag:abcd',
    'a=ice-pwd:abcdefghijklmnopqrstuvwx',
    `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`,
    'a=setup:actpass',
    `a=mid:${mid}`,
  ];
  const mids = Array.from({ length: videos }, (_, index) => index + 1);
  const lines = [
    ...['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', `a=group:BUNDLE ${[0, ...mids].join(' ')}`],
    ...section(0, ['m=application 9 UDP/DTLS/SCTP webrtc-datachannel']),
    'a=sctp-port:5000',
    ...mids.flatMap((mid) => [
      ...section(mid, ['m=video 9 UDP/TLS/RTP/SAVPF 96']),
      ...['a=recvonly', 'a=rtcp-mux', 'a=rtpmap:96 H264/90000'],
      'a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f',
    ]),
  ];
  return new SessionDescription({ type: 'offer', id, sdp: `${lines.join('\r\n')}\r\n` });
}

describe('A client with one peer connection', () => {
  let server: RunningServer;
  before(async () => void (server = await RunningServer.start()));
  after(() => server[Symbol.asyncDispose]());

  async function open(joinRequest: JoinRequest): Promise<SignalClient> {
    const wrapped = new WrappedJoinRequest({ joinRequest: joinRequest.toBinary() });
    const query = new URLSearchParams({
      access_token: await tokenFor(ROOM, 'watcher'),
      join_request: Buffer.from(wrapped.toBinary()).toString('base64url'),
    });
    return SignalClient.openOn(`${server.url}/rtc/v1?${query.toString()}`);
  }

  async function watcher(): Promise<SignalClient> {
    const connectionSettings = new ConnectionSettings({ autoSubscribe: true });
    const client = await open(new JoinRequest({ connectionSettings, publisherOffer: offer(1, 0) }));
    await client.waitFor('answer', ({ id }) => id === 1);
    assert.equal(client.join.fastPublish, true);
    return client;
  }

  it('is asked for one offer at a time: again only when the answer to the one before is with it', async () => {
    await using client = await watcher();
    await using sender = await RawPeer.join(server.url, await tokenFor(ROOM, 'sender'));
    const asked = (): number[] =>
      client.messages.flatMap((message) =>
        message.case === 'mediaSectionsRequirement' ? [message.value.numVideos] : [],
      );
    const ping = (timestamp: number): void =>
      client.send({ case: 'pingReq', value: new Ping({ timestamp: protoInt64.parse(timestamp) }) });
    const answered = async (id: number, videos: number): Promise<string[]> => {
      client.send({ case: 'offer', value: offer(id, videos) });
      const { midToTrackId } = await client.waitFor('answer', (answer) => answer.id === id);
      return Object.keys(midToTrackId).sort();
    };

    await sender.publish(77);
    await client.waitFor('mediaSectionsRequirement');
    await sender.publish(78);
    await client.waitForParticipant('sender', ({ tracks }) => tracks.length === 2);
    ping(1);
    await client.waitFor('pongResp');
    assert.deepEqual(asked(), [1], 'the second track waits until the first offer has been answered');

    assert.deepEqual(await answered(2, 1), ['1']);
    await client.waitFor('mediaSectionsRequirement', () => asked().length === 2);
    assert.deepEqual(asked(), [1, 1]);
    assert.deepEqual(await answered(3, 2), ['1', '2']);
    ping(2);
    await client.waitFor('pongResp', ({ lastPingTimestamp }) => lastPingTimestamp === protoInt64.parse(2));
    assert.deepEqual(asked(), [1, 1], 'every track has its m-line');
  });

  it('is asked again when it is back, behind the answer to the offer that it makes by itself', async () => {
    await using gone = await watcher();
    await using sender = await RawPeer.join(server.url, await tokenFor(ROOM, 'sender'));
    await sender.publish(77);
    await gone.waitFor('mediaSectionsRequirement');
    await using client = await open(new JoinRequest({ reconnect: true, participantSid: gone.sid }));
    await client.waitFor('reconnect');
    await sender.publish(78);
    await client.waitForParticipant('sender', ({ tracks }) => tracks.length === 2);
    client.send({ case: 'pingReq', value: new Ping({ timestamp: protoInt64.parse(1) }) });
    await client.waitFor('pongResp');
    client.send({ case: 'offer', value: offer(2, 0) });
    const { numVideos } = await client.waitFor('mediaSectionsRequirement');
    assert.equal(numVideos, 2);
    const order = client.messages.map((message) => message.case);
    assert.ok(order.indexOf('answer') < order.indexOf('mediaSectionsRequirement'), order.join(', '));
  });

  it('is asked all the same when it is back and makes no offer', async () => {
    await using gone = await watcher();
    await using sender = await RawPeer.join(server.url, await tokenFor(ROOM, 'sender'));
    await sender.publish(77);
    await gone.waitFor('mediaSectionsRequirement');
    await using client = await open(new JoinRequest({ reconnect: true, participantSid: gone.sid }));
    const { numVideos } = await client.waitFor('mediaSectionsRequirement', () => true, 15_000);
    assert.equal(numVideos, 1);
  });
});
