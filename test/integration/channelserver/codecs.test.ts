import assert from 'node:assert/strict';
import { AddTrackRequest, SessionDescription, SubscriptionError, TrackSource, TrackType } from '@livekit/protocol';
import { eventually } from '../../support/eventually.js';
import { RunningServer, tokenFor } from './running_server.js';
import { SignalClient } from './signal_client.js';

const PAYLOAD_TYPE = 98;

/** An offer whose only m-line sends video of one codec, with nothing that would be received. */
function offerOf(codec: string, direction: 'sendonly' | 'inactive', id: number): SessionDescription {
  const lines = [
    'v=0',
    `o=- 1 ${id} IN IP4 127.0.0.1`,
    's=-',
    't=0 0',
    'a=group:BUNDLE 0',
    `m=video 9 UDP/TLS/RTP/SAVPF ${PAYLOAD_TYPE}`,
    'c=IN IP4 0.0.0.0',
    'a=ice-ufrag:abcd',
    'a=ice-pwd:abcdefghijklmnopqrstuvwx',
    `a=fingerprint:sha-256 ${new Array(32).fill('AB').join(':')}`,
    'a=setup:actpass',
    'a=mid:0',
    `a=${direction}`,
    'a=rtcp-mux',
    `a=rtpmap:${PAYLOAD_TYPE} ${codec}/90000`,
    ...(direction === 'sendonly' ? ['a=msid:- camera'] : []),
  ];
  return new SessionDescription({ type: 'offer', sdp: `${lines.join('\r\n')}\r\n`, id });
}

/** What a client was told last of alice's tracks. */
function tracksOf(client: SignalClient): string[] {
  const updates = client.messages.flatMap((message) => (message.case === 'update' ? message.value.participants : []));
  const alice = updates.filter(({ identity }) => identity === 'alice').at(-1);
  return alice?.tracks.map(({ mimeType }) => mimeType) ?? [];
}

describe('A track that the channel server cannot forward', function () {
  this.timeout(30_000);
  for (const codec of ['H265', 'AV1', 'VP9'])
    it(`of ${codec} is known to all, refused to each by its codec, and gone when it ends`, async () => {
      await using server = await RunningServer.start();
      await using bob = await SignalClient.join(server.url, await tokenFor('codecs', 'bob'));
      await using alice = await SignalClient.join(server.url, await tokenFor('codecs', 'alice'));
      const request = new AddTrackRequest({ cid: 'camera', type: TrackType.VIDEO, source: TrackSource.CAMERA });
      alice.send({ case: 'addTrack', value: request });
      const sid = (await alice.waitFor('trackPublished')).track?.sid;
      alice.send({ case: 'offer', value: offerOf(codec, 'sendonly', 1) });
      // Refused as a whole (port 0), the client would stop sending for good, and the track would end.
      const { sdp } = await alice.waitFor('answer');
      assert.match(sdp, /\r\nm=video 9 [\s\S]*\r\na=inactive\r\n/);

      const { trackSid, err } = await bob.waitFor('subscriptionResponse');
      assert.deepEqual([trackSid, err], [sid, SubscriptionError.SE_CODEC_UNSUPPORTED]);
      assert.deepEqual(tracksOf(bob), [`video/${codec}`]);
      // Who comes later is told as well.
      await using carol = await SignalClient.join(server.url, await tokenFor('codecs', 'carol'));
      assert.equal((await carol.waitFor('subscriptionResponse')).err, SubscriptionError.SE_CODEC_UNSUPPORTED);

      alice.send({ case: 'offer', value: offerOf(codec, 'inactive', 2) });
      await eventually(() => (tracksOf(bob).length === 0 ? undefined : `tracks: ${tracksOf(bob).join()}`));
    });
});
