import { PublishState, TokenFormat, VideoDataFormat } from '../client/index.js';
import { ChannelScene } from '../test/support/channel_scene.js';
import { NumberedPictures, readPictureNumber } from '../test/support/media/numbered_picture.js';
import { BenchChild } from './support/child.js';
import { quantile, round } from './support/statistics.js';

const SHAPE = { width: 640, height: 480, framesPerSecond: 15 };

/**
 * A pushed picture to the callback at another engine, beside rtc-node to rtc-node: both through the embedded channel server, one after the other in one run. Both push from when the
 * track is published on; the first picture, with the key frame that it waits for, counts.
 */
export async function latency(frames = 200): Promise<void> {
  await using scene = await ChannelScene.open();
  const ours = await oursMs(scene, frames);
  const theirs = await theirsMs(scene, frames);
  const row = (values: number[]): Record<string, number> => ({
    frames: values.length,
    'median ms': round(quantile(values, 0.5)),
    'p99 ms': round(quantile(values, 0.99)),
  });
  console.log(
    `\n## pushed picture to received callback, ${SHAPE.width}x${SHAPE.height} at ${SHAPE.framesPerSecond} fps`,
  );
  console.table({ 'engine to engine': row(ours), 'rtc-node to rtc-node': row(theirs) });
}

async function oursMs(scene: ChannelScene, frames: number): Promise<number[]> {
  const { width, height, framesPerSecond } = SHAPE;
  const [sender, receiver] = [await scene.engine(), await scene.engine()];
  await scene.join(receiver, 'receiver');
  await sender.setExternalVideoSource(true);
  await sender.setVideoEncoderConfiguration({
    dimensions: { width, height },
    frameRate: framesPerSecond,
    bitrateKbps: 1000,
  });
  // As theirs does: what is pushed before that waits for the track, which is the start's time and not the way's.
  const published = new Promise<void>((resolve) =>
    sender.on('onVideoPublishStateChanged', ({ value }) => {
      if (value.newState === PublishState.PUBLISHED) resolve();
    }),
  );
  await scene.join(sender, 'sender');
  await published;
  const sentAt = new Map<number, number>();
  const drawer = new NumberedPictures(width, height, framesPerSecond);
  const push = sender.videoPush();
  let number = 0;
  const timer = setInterval(() => {
    const data = drawer.draw(number);
    sentAt.set(number++, performance.now());
    void push.push({ width, height, format: VideoDataFormat.I420, timestampMs: 0, data });
  }, 1000 / framesPerSecond);
  const latencies: number[] = [];
  for await (const picture of receiver.pictures()) {
    const now = performance.now();
    const sent = sentAt.get(readPictureNumber(picture.data, picture.width, picture.height) ?? -1);
    if (sent !== undefined) latencies.push(now - sent);
    if (latencies.length >= frames) break;
  }
  clearInterval(timer);
  await push.end();
  await Promise.all([sender.release(), receiver.release()]);
  return latencies;
}

async function theirsMs(scene: ChannelScene, frames: number): Promise<number[]> {
  const tokens: string[] = [];
  let url = '';
  for (const userId of ['their-sender', 'their-receiver']) {
    const made = await scene.client.generateToken({
      channel: `${scene.channel}-2`,
      userId,
      format: TokenFormat.LIVEKIT,
    });
    tokens.push(made.token);
    url = made.channelServerUrl;
  }
  await using child = BenchChild.start('processes/rtc_node_latency.ts', { url, tokens, ...SHAPE, frames });
  return (await child.next('latenciesMs', 60_000))['latenciesMs'] as number[];
}
