import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import {
  ErrorCode,
  SubscribeState,
  TokenFormat,
  VideoTrack,
  type Engine,
  type JoinChannelConfig,
} from '../../../client/index.js';
import { PictureView } from '../../browser/support/picture_view.js';
import { EventRecord } from '../../conformance/video/support/event_record.js';
import type { ChannelScene } from '../../support/channel_scene.js';
import { clusterNodes } from '../../support/cluster_nodes.js';
import { CodecPublisher, type CameraCodec } from '../../support/codec_publisher/index.js';
import { eventually } from '../../support/eventually.js';

/** Long enough for pictures that should not come. */
const SILENCE_MS = 2000;

/** An engine in the channel, with all that it was told. */
async function enter(
  scene: ChannelScene,
  userId: string,
  config: Partial<JoinChannelConfig> = {},
): Promise<{ engine: Engine; events: EventRecord }> {
  const engine = await scene.engine();
  const events = new EventRecord(engine);
  await scene.join(engine, userId, config);
  return { engine, events };
}

/** Joined as alice, by way of node 2 where there is a cluster. */
async function publisherOf(scene: ChannelScene, decodes: CameraCodec[] = []): Promise<CodecPublisher> {
  const { token, channelServerUrl } = await scene.client.generateToken({
    channel: scene.channel,
    userId: 'alice',
    format: TokenFormat.LIVEKIT,
  });
  const [, node2 = channelServerUrl] = clusterNodes() ?? [];
  return CodecPublisher.join(node2, token, decodes);
}

/** The error that names user, codec and remedy, and a subscription that is given up instead of waiting. */
async function checkRefusal(events: EventRecord, codec: RegExp): Promise<void> {
  const { text } = await events.first(
    'onError',
    ({ errorCode }) => errorCode === ErrorCode.SUBSCRIBE_VIDEO_STREAM_FAILED,
    20_000,
  );
  assert.match(text, /alice/);
  assert.match(text, codec);
  assert.match(text, /H\.264 and VP8.*has to publish one of these/);
  await events.first('onVideoSubscribeStateChanged', ({ newState }) => newState === SubscribeState.NO_SUBSCRIBE);
}

async function checkPictures(view: PictureView): Promise<void> {
  await eventually(() => {
    const numbers = view.seen.map(({ number }) => number).filter((number) => number !== undefined);
    return new Set(numbers).size >= 15 ? undefined : `${view.seen.length} pictures, readable ${numbers.length}`;
  }, 30_000);
}

/** SDKs that offer a codec which engines do not have; `open` gives a new channel. */
export function lackingCodecRows(open: () => Promise<ChannelScene>): void {
  it('H.265 only: an error with a clear text for each engine, never a picture, and again when it is asked for', async () => {
    await using scene = await open();
    const { engine, events } = await enter(scene, 'bot');
    using _recorded = events;
    using view = new PictureView(engine, 'alice');
    await using alice = await publisherOf(scene);
    await alice.publish('h265');
    await checkRefusal(events, /H265/i);
    const late = await enter(scene, 'late');
    using _lateEvents = late.events;
    await checkRefusal(late.events, /H265/i);
    const errors = events.of('onError').length;
    await assert.rejects(engine.subscribeRemoteVideoStream('alice', VideoTrack.CAMERA, true), /alice/);
    await eventually(() => (events.of('onError').length > errors ? undefined : 'no further error'));
    assert.match(events.of('onError').at(-1)?.value.text ?? '', /alice.*H265/i);
    await delay(SILENCE_MS);
    assert.equal(view.seen.length, 0);
    assert.deepEqual(alice.failures, []);
  });

  it('H.265 only, and encoded samples are asked for: the same error, and no sample', async () => {
    await using scene = await open();
    const { engine, events } = await enter(scene, 'bot');
    using _recorded = events;
    let samples = 0;
    const stream = engine.encodedPictures({ uids: ['alice'] });
    const reading = (async () => {
      for await (const _sample of stream) samples += 1;
    })();
    await using alice = await publisherOf(scene);
    await alice.publish('h265');
    await checkRefusal(events, /H265/i);
    await delay(SILENCE_MS);
    stream.cancel();
    await reading;
    assert.equal(samples, 0);
  });

  it('H.265 first and H.264 later: the second is received', async () => {
    await using scene = await open();
    const { engine, events } = await enter(scene, 'bot');
    using _recorded = events;
    using view = new PictureView(engine, 'alice');
    await using alice = await publisherOf(scene, ['h265', 'h264']);
    const sid = await alice.publish('h265');
    await checkRefusal(events, /H265/i);
    await alice.unpublish(sid);
    await alice.publish('h264');
    await checkPictures(view);
    assert.deepEqual(alice.failures, []);
  });

  it('H.265 with H.264 as its backup: the backup is received', async () => {
    await using scene = await open();
    const { engine, events } = await enter(scene, 'bot');
    using _recorded = events;
    using view = new PictureView(engine, 'alice');
    await using alice = await publisherOf(scene, ['h265', 'h264']);
    await alice.publish('h265', { backup: 'h264' });
    await checkPictures(view);
    // LiveKit takes the first and asks for the backup beside it; the embedded server takes what it forwards.
    assert.deepEqual(alice.sentCodecs, clusterNodes() === undefined ? ['h264'] : ['h265', 'h264']);
    assert.deepEqual(alice.failures, []);
    assert.deepEqual(
      events.of('onError').map(({ value }) => value.text),
      [],
    );
  });

  it('AV1 only, by a native SDK: an error with a clear text, and its sound is received', async () => {
    await using scene = await open();
    const { engine, events } = await enter(scene, 'bot');
    using _recorded = events;
    using view = new PictureView(engine, 'alice');
    const alice = await scene.peer('alice');
    await alice.call('publish_audio', { frequency: 440 });
    await alice.call('publish_video', { width: 320, height: 180, framesPerSecond: 15, codec: 'av1' });
    await events.first('onAudioSubscribeStateChanged', ({ newState }) => newState === SubscribeState.SUBSCRIBED);
    await checkRefusal(events, /AV1/i);
    await delay(SILENCE_MS);
    assert.equal(view.seen.length, 0);
  });
}
