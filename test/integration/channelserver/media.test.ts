import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually.js';
import { RtcPeer } from '../../support/rtc_peer/index.js';
import type { ParticipantReport } from '../../support/rtc_peer/protocol.js';
import { PATHS, RunningServer, tokenFor } from './running_server.js';

const PICTURE = { width: 320, height: 180, framesPerSecond: 15, maxBitrate: 400_000 };

/** Two participants with @livekit/rtc-node, which know nothing of us, in a room of their own. */
for (const { path, connections, args } of PATHS)
  describe(`Two official participants on the channel server's ${path}`, function () {
    this.timeout(60_000);
    let server: RunningServer;
    let alice: RtcPeer;
    let bob: RtcPeer;

    before(async () => {
      [server, alice, bob] = await Promise.all([RunningServer.start(args), RtcPeer.start(), RtcPeer.start()]);
      await alice.call('connect', { url: server.url, token: await tokenFor('media', 'alice') });
      await bob.call('connect', { url: server.url, token: await tokenFor('media', 'bob') });
    });
    after(async () => {
      await Promise.all([alice.close(), bob.close()]);
      await server[Symbol.asyncDispose]();
    });

    const seen = async (peer: RtcPeer, identity: string): Promise<ParticipantReport> => {
      const { participants } = await peer.call('report', {});
      return participants[identity] ?? { name: '', attributes: {}, tracks: [], video: [], audio: [] };
    };
    const firstPicture = (peer: RtcPeer, sid: string): Promise<unknown> =>
      peer.waitFor((event) => event.event === 'first_picture' && event.sid === sid);
    /** Until pictures with numbers come that go on, and none go back. */
    const picturesFlow = async (peer: RtcPeer, identity: string): Promise<void> => {
      let total = 0;
      await eventually(async () => {
        const [video] = (await seen(peer, identity)).video;
        assert.equal(video?.outOfOrder ?? 0, 0);
        total += video?.readable ?? 0;
        return total >= 10 ? undefined : `${total} pictures of ${identity}`;
      });
    };
    const toneHeard = (peer: RtcPeer, identity: string, frequency: number): Promise<void> =>
      eventually(async () => {
        const [audio] = (await seen(peer, identity)).audio;
        const share = audio?.tones[String(frequency)] ?? 0;
        return share > 0.8 ? undefined : `share ${share} of ${frequency} Hz from ${identity}`;
      });

    let aliceVideo = '';

    it('join by it', async () => {
      await eventually(() => (server.joins.length === 2 ? undefined : `${server.joins.length} joins in the log`));
      assert.deepEqual(
        server.joins.map((join) => join.connections),
        [connections, connections],
      );
    });

    it('see each other: H264 one way, VP8 the other', async () => {
      const video = await alice.call('publish_video', { ...PICTURE, codec: 'h264' });
      aliceVideo = video.sid;
      const other = await bob.call('publish_video', { ...PICTURE, codec: 'vp8' });
      await Promise.all([firstPicture(bob, video.sid), firstPicture(alice, other.sid)]);
      await Promise.all([picturesFlow(bob, 'alice'), picturesFlow(alice, 'bob')]);
      const [track] = (await seen(bob, 'alice')).tracks;
      assert.equal(track?.mimeType.toLowerCase(), 'video/h264');
      const [back] = (await seen(alice, 'bob')).tracks;
      assert.equal(back?.mimeType.toLowerCase(), 'video/vp8');
    });

    it('hear each other, also when the sender offers RED', async () => {
      await alice.call('publish_audio', { frequency: 440, red: true });
      await bob.call('publish_audio', { frequency: 1000, red: false });
      await Promise.all([toneHeard(bob, 'alice', 440), toneHeard(alice, 'bob', 1000)]);
    });

    it('exchange data, reliable and lossy, to all and to one, with the sender named by the server', async () => {
      await using carol = await RtcPeer.start();
      await carol.call('connect', { url: server.url, token: await tokenFor('media', 'carol') });
      const send = async (topic: string, reliable: boolean, to?: string[]): Promise<void> => {
        const payload = Buffer.from(`${topic}!`).toString('base64');
        await alice.call('send_data', { payload, topic, reliable, ...(to === undefined ? {} : { to }) });
      };
      const got = (peer: RtcPeer, topic: string): Promise<unknown> =>
        peer.waitFor(
          (event) =>
            event.event === 'data' &&
            event.topic === topic &&
            event.identity === 'alice' &&
            Buffer.from(event.payload, 'base64').toString() === `${topic}!`,
        );
      // She is connected before the server has her data channels; what comes too early has nowhere to wait, as in LiveKit.
      await eventually(async () => {
        await send('early', true);
        return carol.events.some((event) => event.event === 'data') ? undefined : 'carol has no data channel yet';
      }, 15_000);
      await send('all', true);
      await Promise.all([got(bob, 'all'), got(carol, 'all')]);
      await send('lossy', false);
      await Promise.all([got(bob, 'lossy'), got(carol, 'lossy')]);
      await send('one', true, ['carol']);
      await got(carol, 'one');
      // Both went the same ordered way: when the later one is there, the one for carol will not come.
      await send('after', true);
      await got(bob, 'after');
      assert.ok(!bob.events.some((event) => event.event === 'data' && event.topic === 'one'));
      assert.ok(!alice.events.some((event) => event.event === 'data'), 'nobody hears himself');
    });

    it('show a late joiner what is already published, beginning with a key frame', async () => {
      await using late = await RtcPeer.start();
      await late.call('connect', { url: server.url, token: await tokenFor('media', 'late') });
      await Promise.all([firstPicture(late, aliceVideo), toneHeard(late, 'alice', 440)]);
      await picturesFlow(late, 'bob');
    });

    it('take and leave a track by choice', async () => {
      const of = (kind: string, event: string) => (e: { event: string; kind?: string }) =>
        e.event === event && e.kind === kind;
      await bob.call('set_subscribed', { identity: 'alice', kind: 'video', subscribed: false });
      await bob.waitFor(of('video', 'track_unsubscribed'));
      const before = bob.events.length;
      await bob.call('set_subscribed', { identity: 'alice', kind: 'video', subscribed: true });
      await eventually(() =>
        bob.events.slice(before).some(of('video', 'track_subscribed')) ? undefined : 'not subscribed again',
      );
      await picturesFlow(bob, 'alice');
    });

    it('learn of attributes', async () => {
      await bob.call('set_attributes', { attributes: { 'alirtc.role': 'live' } });
      await alice.waitFor(
        (event) =>
          event.event === 'attributes_changed' && event.identity === 'bob' && 'alirtc.role' in event.attributes,
      );
    });

    it('publish again after unpublishing', async () => {
      await alice.call('unpublish', { sid: aliceVideo });
      await bob.waitFor((event) => event.event === 'track_unpublished' && event.sid === aliceVideo);
      const { sid } = await alice.call('publish_video', { ...PICTURE, codec: 'vp8' });
      assert.notEqual(sid, aliceVideo);
      await firstPicture(bob, sid);
      await picturesFlow(bob, 'alice');
      await toneHeard(bob, 'alice', 440);
    });

    it('learn that the other one leaves', async () => {
      await alice.call('disconnect', {});
      await bob.waitFor((event) => event.event === 'participant_disconnected' && event.identity === 'alice');
      await eventually(async () => {
        const { participants } = await bob.call('report', {});
        return Object.keys(participants).length === 0 ? undefined : `still there: ${Object.keys(participants).join()}`;
      });
    });
  });
