import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AlirtcClient, AlirtcStatusError, ChannelProfile, ClientRole, PublishMode } from '../../client/index.js';
import { LiveFeed } from '../support/channel_scene.js';
import { eventually } from '../support/eventually.js';
import { startDaemon } from '../support/running_daemon.js';
import { ChannelScene } from '../support/channel_scene.js';
import { livekitToken, participantOf, publishPermission, sceneOfFile } from './support/cluster_scene.js';

const LIVE = { channelProfile: ChannelProfile.INTERACTIVE_LIVE };
const FEED = { width: 320, height: 180, framesPerSecond: 15, frequency: 440 };

/** What a join failed with, as the client sees it. */
function failureOf(promise: Promise<unknown>): Promise<AlirtcStatusError> {
  return promise.then(
    () => assert.fail('the join succeeded'),
    (error: unknown) => {
      assert.ok(error instanceof AlirtcStatusError, String(error));
      return error;
    },
  );
}

describe('Tokens at a real LiveKit server', function () {
  this.timeout(60_000);
  const { cluster, open } = sceneOfFile();

  it('needs no embedded server: none is started', async () => {
    await using scene = await open();
    const { processes, channelServerEmbedded, channelServerUrl } = await scene.client.nodeStatus();
    assert.deepEqual([channelServerEmbedded, channelServerUrl], [false, cluster().node1.url]);
    assert.deepEqual(
      processes.filter(({ kind }) => kind === 'channel-server'),
      [],
    );
  });

  it('an AliRTC token gives audience and streamers what their role needs, and the role as an attribute', async () => {
    await using scene = await open();
    const [streamer, audience] = [await scene.engine(), await scene.engine()];
    await streamer.setClientRole(ClientRole.INTERACTIVE, { wait: false });
    await scene.join(streamer, 'streamer', LIVE);
    await scene.join(audience, 'audience', LIVE);
    const grants = async (identity: string): Promise<unknown[]> => {
      const info = await participantOf(cluster(), scene.channel, identity);
      const { canPublish, canPublishData, canSubscribe, canUpdateMetadata, hidden } = info?.permission ?? {};
      return [canPublish, canPublishData, canSubscribe, canUpdateMetadata, hidden, info?.attributes['alirtc.role']];
    };
    assert.deepEqual(await grants('streamer'), [true, true, true, true, false, 'interactive']);
    assert.deepEqual(await grants('audience'), [false, false, true, true, false, 'live']);
  });

  it('audience that becomes a streamer publishes to the other node, and may not any more when it goes back', async () => {
    await using scene = await open();
    const engine = await scene.engine();
    const roles: string[] = [];
    engine.on('onUpdateRoleNotify', ({ value }) =>
      roles.push(`${ClientRole[value.oldRole]}>${ClientRole[value.newRole]}`),
    );
    await scene.join(engine, 'user', { ...LIVE, publishMode: PublishMode.AUTOMATICALLY });
    await publishPermission(cluster(), scene.channel, 'user', false);
    const peer = await scene.peer('alice');
    await engine.setClientRole(ClientRole.INTERACTIVE);
    await publishPermission(cluster(), scene.channel, 'user', true);
    const feed = await LiveFeed.start(engine, FEED);
    await peer.waitFor((event) => event.event === 'first_picture' && event.identity === 'user');
    await eventually(async () => {
      const tones = (await peer.call('report', {})).participants['user']?.audio[0]?.tones['440'] ?? 0;
      return tones > 0.8 ? undefined : `share of the tone: ${tones}`;
    });
    await feed.stop();
    await engine.publishLocalVideoStream(false);
    await engine.publishLocalAudioStream(false);
    await engine.setClientRole(ClientRole.LIVE);
    await publishPermission(cluster(), scene.channel, 'user', false);
    await eventually(async () => {
      const attributes = (await peer.call('report', {})).participants['user']?.attributes;
      return attributes?.['alirtc.role'] === 'live' ? undefined : JSON.stringify(attributes);
    });
    assert.deepEqual(roles, ['LIVE>INTERACTIVE', 'INTERACTIVE>LIVE']);
  });

  it('a LiveKit token passes as it is, with no more and no less than it grants', async () => {
    await using scene = await open();
    const engine = await scene.engine();
    const grant = { canPublish: false, canSubscribe: true, canPublishData: true, canUpdateOwnMetadata: true };
    await engine.joinChannel({
      token: await livekitToken(scene.channel, 'guest', { grant }),
      channelId: scene.channel,
      userId: 'guest',
      config: { channelProfile: ChannelProfile.COMMUNICATION },
    });
    const permission = (await participantOf(cluster(), scene.channel, 'guest'))?.permission;
    assert.deepEqual([permission?.canPublish, permission?.canPublishData], [false, true]);
  });

  it('a LiveKit token of an unknown key, and one of a wrong secret, fail with the words of the server', async () => {
    await using scene = await open();
    for (const [options, text] of [
      [{ key: 'nobody' }, /API key|authoriz|token/i],
      [{ secret: 'not-the-secret-0123456789abcdef0123456789' }, /token|signature|authoriz/i],
    ] as const) {
      const engine = await scene.engine();
      const token = await livekitToken(scene.channel, 'guest', options);
      const failure = await failureOf(engine.joinChannel({ token, channelId: scene.channel, userId: 'guest' }));
      assert.equal(failure.reason, 'ERR_JOIN_BAD_TOKEN', failure.message);
      assert.match(failure.message, text);
    }
  });

  it('a key file with another key than the cluster fails the join with a text that says whose word it is', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'other-keys-'));
    const keys = path.join(folder, 'keys.yaml');
    await writeFile(keys, 'elsewhere: a-key-that-the-cluster-never-saw-0123456789\n', { mode: 0o600 });
    const daemon = await startDaemon({ args: ['--keys', keys] });
    try {
      await using scene = await ChannelScene.open(daemon);
      const engine = await scene.engine();
      const results: { result: number; text: string }[] = [];
      engine.on('onJoinChannelResult', ({ value }) => results.push(value));
      const failure = await failureOf(scene.join(engine, 'user'));
      assert.equal(failure.reason, 'ERR_JOIN_BAD_TOKEN', failure.message);
      assert.match(failure.message, new RegExp(new URL(cluster().node1.url).host));
      await eventually(() => (results.length === 1 ? undefined : `${results.length} results`));
      assert.match(results[0]?.text ?? '', /401/);
    } finally {
      await daemon.stop();
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('an engine joins the server that its client names, when the operator allows it, and no other', async () => {
    await using scene = await open();
    const refused = await failureOf(scene.client.createEngine({ channelServerUrl: 'ws://127.0.0.1:9' }));
    assert.deepEqual(
      [refused.reason, refused.field, refused.value],
      ['CHANNEL_SERVER_NOT_ALLOWED', 'channel_server_url', 'ws://127.0.0.1:9/'],
    );
    assert.match(refused.remedy ?? '', /--channel-server-allowed/);
  });

  it('a daemon with the embedded server takes engines to the cluster that its operator allows', async () => {
    const daemon = await startDaemon({ args: ['--channel-server-allowed', cluster().node2.url] });
    try {
      await using client = await AlirtcClient.connect(daemon.address);
      const { channelServerEmbedded } = await client.nodeStatus();
      assert.equal(channelServerEmbedded, true);
      for (const [userId, place] of [
        ['here', {}],
        ['there', { channelServerUrl: cluster().node2.url }],
      ] as const) {
        const engine = await client.createEngine(place);
        const { token } = await client.generateToken({ channel: 'two-places', userId });
        await engine.joinChannel({ token, channelId: 'two-places', userId });
      }
      const names = (await cluster().rooms.listParticipants('two-places')).map(({ identity }) => identity);
      assert.deepEqual(names, ['there']);
    } finally {
      await daemon.stop();
    }
  });
});
