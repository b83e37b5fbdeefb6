import assert from 'node:assert/strict';
import { AccessToken } from 'livekit-server-sdk';
import { eventually } from '../support/eventually.js';
import { RtcPeer } from '../support/rtc_peer/index.js';
import { APP_ID, APP_KEY } from '../support/running_daemon.js';
import { clusterOfFile } from './support/cluster_of_file.js';

async function enter(url: string, room: string, identity: string): Promise<RtcPeer> {
  const token = new AccessToken(APP_ID, APP_KEY, { identity, ttl: 600 });
  token.addGrant({ roomJoin: true, room });
  const peer = await RtcPeer.start();
  await peer.call('connect', { url, token: await token.toJwt() });
  return peer;
}

describe('The cluster itself, without anything of ours', function () {
  this.timeout(60_000);
  const cluster = clusterOfFile();

  it('is one place: participants by way of each node hear and see each other', async () => {
    const [url1, url2] = cluster().urls;
    await using alice = await enter(url1, 'both-ways', 'alice');
    await using bob = await enter(url2, 'both-ways', 'bob');
    for (const [peer, frequency] of [[alice, 440] as const, [bob, 1000] as const]) {
      await peer.call('publish_video', { width: 320, height: 180, framesPerSecond: 15 });
      await peer.call('publish_audio', { frequency });
    }
    for (const [peer, other, tone] of [[alice, 'bob', '1000'] as const, [bob, 'alice', '440'] as const]) {
      // A report counts since the one before.
      let readable = 0;
      await eventually(async () => {
        const from = (await peer.call('report', {})).participants[other];
        readable += from?.video[0]?.readable ?? 0;
        if (readable < 30) return `${other}: ${JSON.stringify(from?.video)}`;
        return (from?.audio[0]?.tones[tone] ?? 0) > 0.8 ? undefined : `${other}: ${JSON.stringify(from?.audio)}`;
      }, 20_000);
    }
    const names = (await cluster().rooms.listParticipants('both-ways')).map(({ identity }) => identity);
    assert.deepEqual(names.sort(), ['alice', 'bob']);
  });
});
