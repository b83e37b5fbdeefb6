import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually.js';
import { RtcPeer } from '../../support/rtc_peer/index.js';
import { TcpWire } from '../../support/tcp_wire.js';
import { PATHS, RunningServer, tokenFor } from './running_server.js';

const PICTURE = { width: 320, height: 180, framesPerSecond: 15, maxBitrate: 400_000, codec: 'vp8' } as const;

/** Until numbered pictures of somebody come that go on. */
async function picturesFlow(peer: RtcPeer, identity: string): Promise<void> {
  // A report counts since the one before.
  await peer.call('report', {});
  let total = 0;
  await eventually(async () => {
    const [video] = (await peer.call('report', {})).participants[identity]?.video ?? [];
    total += video?.readable ?? 0;
    return total >= 10 ? undefined : `${total} pictures of ${identity}`;
  });
}

for (const { path, args } of PATHS)
  describe(`An official participant that loses its signalling connection on ${path}`, function () {
    this.timeout(60_000);

    it('comes back to its place: the same participant and tracks, seen leaving by nobody', async () => {
      await using server = await RunningServer.start(args);
      await using wire = await TcpWire.open(Number(new URL(server.url).port));
      await using alice = await RtcPeer.start();
      await using bob = await RtcPeer.start();
      await alice.call('connect', { url: server.url, token: await tokenFor('resume', 'alice') });
      await bob.call('connect', { url: wire.url, token: await tokenFor('resume', 'bob') });
      for (const peer of [alice, bob]) await peer.call('publish_video', PICTURE);
      await Promise.all([picturesFlow(alice, 'bob'), picturesFlow(bob, 'alice')]);
      const before = (await alice.call('report', {})).participants['bob']?.tracks.map(({ sid }) => sid);
      await wire.cut();
      await wire.mend();
      await eventually(() => (server.says('is back') ? undefined : 'the server does not see it come back'), 20_000);
      await Promise.all([picturesFlow(alice, 'bob'), picturesFlow(bob, 'alice')]);
      const after = (await alice.call('report', {})).participants['bob']?.tracks.map(({ sid }) => sid);
      assert.deepEqual(after, before);
      assert.ok(!alice.events.some(({ event }) => event === 'participant_disconnected'));
      assert.equal(server.joins.length, 2, 'nobody joined anew');
    });

    it('is gone when it does not come back in time', async () => {
      await using server = await RunningServer.start(args);
      await using wire = await TcpWire.open(Number(new URL(server.url).port));
      await using alice = await RtcPeer.start();
      await using bob = await RtcPeer.start();
      await alice.call('connect', { url: server.url, token: await tokenFor('gone', 'alice') });
      await bob.call('connect', { url: wire.url, token: await tokenFor('gone', 'bob') });
      await bob.call('publish_video', PICTURE);
      await picturesFlow(alice, 'bob');
      await wire.cut();
      await alice.waitFor((event) => event.event === 'participant_disconnected' && event.identity === 'bob');
    });
  });
