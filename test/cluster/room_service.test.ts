import assert from 'node:assert/strict';
import {
  ChannelProfile,
  ClientRole,
  ConnectionStatus,
  PublishMode,
  SubscribeMode,
  type Engine,
} from '../../client/index.js';
import type { ChannelScene } from '../support/channel_scene.js';
import { eventually } from '../support/eventually.js';
import { RtcPeer } from '../support/rtc_peer/index.js';
import { Callbacks } from '../conformance/channel/callbacks.js';
import { PictureFeed } from '../conformance/channel/scene.js';
import { livekitToken, participantOf, sceneOfFile } from './support/cluster_scene.js';

const MUTE = { canSubscribe: true, canPublish: false, canPublishData: false, canUpdateMetadata: true };
const UNMUTE = { ...MUTE, canPublish: true, canPublishData: true };

/** A joined streamer that publishes its camera. */
async function publisher(scene: ChannelScene, userId: string, channelProfile: ChannelProfile) {
  const engine = await scene.engine();
  const callbacks = await Callbacks.of(engine);
  if (channelProfile !== ChannelProfile.COMMUNICATION)
    await engine.setClientRole(ClientRole.INTERACTIVE, { wait: false });
  await engine.publishLocalAudioStream(false, { wait: false });
  await scene.join(engine, userId, { channelProfile, publishMode: PublishMode.AUTOMATICALLY });
  const feed = await PictureFeed.start(engine);
  await callbacks.take('publish camera PUBLISHING>PUBLISHED');
  return { engine, callbacks, [Symbol.dispose]: () => feed.stop() };
}

/** An engine that hears and sees everybody, and its callbacks. */
async function watcher(scene: ChannelScene, channelProfile: ChannelProfile): Promise<Callbacks> {
  const engine = await scene.engine();
  const callbacks = await Callbacks.of(engine);
  await scene.join(engine, 'watcher', { channelProfile, publishMode: PublishMode.MANUALLY });
  return callbacks;
}

/** The last warning and error texts. */
function textsOf(engine: Engine): string[] {
  const texts: string[] = [];
  engine.on('onWarning', ({ value }) => texts.push(value.text));
  engine.on('onError', ({ value }) => texts.push(value.text));
  return texts;
}

describe("The room service's word, while engines are in a call", function () {
  this.timeout(90_000);
  const { cluster, open } = sceneOfFile();
  const { COMMUNICATION, INTERACTIVE_LIVE } = ChannelProfile;

  it('communication: who may not publish any more is told by warning, state and error, and publishes again when it may', async () => {
    await using scene = await open();
    using user = await publisher(scene, 'user', COMMUNICATION);
    const seen = await watcher(scene, COMMUNICATION);
    await seen.take('camera user SUBSCRIBING>SUBSCRIBED');
    const texts = textsOf(user.engine);
    await cluster().rooms.updateParticipant(scene.channel, 'user', { permission: MUTE });
    const lines = await user.callbacks.take(
      'publish camera PUBLISHED>NO_PUBLISH',
      'error ERR_PUBLISH_VIDEO_STREAM_FAILED',
    );
    assert.deepEqual(
      lines.filter((line) => !line.startsWith('warning')),
      ['publish camera PUBLISHED>NO_PUBLISH', 'error ERR_PUBLISH_VIDEO_STREAM_FAILED'],
    );
    assert.ok(
      lines.some((line) => line.startsWith('warning')),
      lines.join(', '),
    );
    await eventually(() =>
      texts.some((text) => text.includes('does not let this user publish')) ? undefined : texts.join('; '),
    );
    assert.ok((await seen.take('tracks user NO NO')).includes('camera user SUBSCRIBED>NO_SUBSCRIBE'));
    await cluster().rooms.updateParticipant(scene.channel, 'user', { permission: UNMUTE });
    const again = await user.callbacks.take('publish camera PUBLISHING>PUBLISHED');
    assert.deepEqual(
      again.filter((line) => line.startsWith('publish')),
      ['publish camera NO_PUBLISH>PUBLISHING', 'publish camera PUBLISHING>PUBLISHED'],
    );
    await seen.take('camera user SUBSCRIBING>SUBSCRIBED');
  });

  it('interactive: who may not publish any more is audience, told to it and seen by others; it may ask for the role again', async () => {
    await using scene = await open();
    using user = await publisher(scene, 'user', INTERACTIVE_LIVE);
    const seen = await watcher(scene, INTERACTIVE_LIVE);
    await seen.take('camera user SUBSCRIBING>SUBSCRIBED');
    await cluster().rooms.updateParticipant(scene.channel, 'user', { permission: MUTE });
    const lines = await user.callbacks.take('role INTERACTIVE>LIVE', 'publish camera PUBLISHED>NO_PUBLISH');
    assert.ok(
      lines.some((line) => line.startsWith('warning')),
      lines.join(', '),
    );
    assert.equal((await seen.take('offline user')).at(-1), 'offline user');
    assert.equal((await participantOf(cluster(), scene.channel, 'user'))?.attributes['alirtc.role'], 'live');
    await user.engine.setClientRole(ClientRole.INTERACTIVE);
    await user.callbacks.take('publish camera PUBLISHING>PUBLISHED');
    await seen.take('camera user SUBSCRIBING>SUBSCRIBED');
  });

  for (const [title, act] of [
    ['removed by removeParticipant', (room: string) => cluster().rooms.removeParticipant(room, 'user')],
    ['in a room that deleteRoom ends', (room: string) => cluster().rooms.deleteRoom(room)],
  ] as const)
    it(`a user ${title} is out: states to Idle, Disconnected, ERR_LEAVE_UNUSUAL with the server's reason; it can join again`, async () => {
      await using scene = await open();
      using user = await publisher(scene, 'user', COMMUNICATION);
      const texts = textsOf(user.engine);
      await act(scene.channel);
      assert.deepEqual(await user.callbacks.take('error ERR_LEAVE_UNUSUAL'), [
        'publish camera PUBLISHED>IDLE',
        'status DISCONNECTED',
        'error ERR_LEAVE_UNUSUAL',
      ]);
      await eventually(() => (/PARTICIPANT_REMOVED|ROOM_DELETED/.test(texts.join()) ? undefined : texts.join('; ')));
      await scene.join(user.engine, 'user');
      assert.ok((await user.callbacks.take('join ERR_OK')).includes('status CONNECTED'));
    });

  it('a hidden participant of an official SDK is seen by no engine, and sees and hears them', async () => {
    await using scene = await open();
    using user = await publisher(scene, 'user', COMMUNICATION);
    await using peer = await RtcPeer.start();
    const grant = { hidden: true, canPublish: false };
    await peer.call('connect', {
      url: cluster().node2.url,
      token: await livekitToken(scene.channel, 'ghost', { grant }),
    });
    await peer.waitFor((event) => event.event === 'track_subscribed' && event.identity === 'user');
    await eventually(async () => {
      const video = (await peer.call('report', {})).participants['user']?.video[0];
      return (video?.pictures ?? 0) > 0 ? undefined : 'no picture yet';
    });
    assert.deepEqual(await user.callbacks.take(), []);
    assert.equal((await participantOf(cluster(), scene.channel, 'ghost'))?.permission?.hidden, true);
  });

  it('an engine with a hidden LiveKit token is seen by nobody, and receives what others publish', async () => {
    await using scene = await open();
    const ghost = await scene.engine();
    const callbacks = await Callbacks.of(ghost);
    using user = await publisher(scene, 'user', COMMUNICATION);
    const peer = await scene.peer('alice');
    await ghost.joinChannel({
      token: await livekitToken(scene.channel, 'ghost', { grant: { hidden: true, canUpdateOwnMetadata: true } }),
      channelId: scene.channel,
      userId: 'ghost',
      config: {
        channelProfile: COMMUNICATION,
        subscribeMode: SubscribeMode.AUTOMATICALLY,
        publishMode: PublishMode.MANUALLY,
      },
    });
    await callbacks.take('camera user SUBSCRIBING>SUBSCRIBED');
    assert.ok(!(await user.callbacks.take('online alice')).includes('online ghost'));
    const heard = peer.events.some((event) => event.event === 'participant_connected' && event.identity === 'ghost');
    assert.equal(heard, false);
    assert.equal((await ghost.snapshot())?.connectionStatus, ConnectionStatus.CONNECTED);
  });

  it('a room that is full takes no one more: the join fails with a text that says so, and works when there is room', async () => {
    await using scene = await open();
    await cluster().rooms.createRoom({ name: scene.channel, maxParticipants: 1 });
    const [first, second] = [await scene.engine(), await scene.engine()];
    await scene.join(first, 'first');
    const callbacks = await Callbacks.of(second);
    const results: { result: number; text: string }[] = [];
    second.on('onJoinChannelResult', ({ value }) => results.push(value));
    await assert.rejects(scene.join(second, 'second'), /full|participants/);
    await callbacks.take('status FAILED');
    assert.equal(results.length, 1);
    assert.match(results[0]?.text ?? '', /full|participants/);
    await first.leaveChannel();
    await eventually(async () => {
      const error = await scene.join(second, 'second').then(
        () => undefined,
        (failure: Error) => failure.message,
      );
      return error;
    }, 20_000);
  });
});
