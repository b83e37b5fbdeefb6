import assert from 'node:assert/strict';
import { ChannelScene, LiveFeed } from '../support/channel_scene.js';
import { eventually } from '../support/eventually.js';
import { readPictureNumber } from '../support/media/numbered_picture.js';

describe('e2e: what a gRPC client pushes reaches @livekit/rtc-node', function () {
  this.timeout(60_000);

  it('pictures keep their order and content, the sound its tone', async () => {
    await using scene = await ChannelScene.open();
    const engine = await scene.engine();
    const peer = await scene.peer('alice');
    await scene.join(engine, 'bot');
    const feed = await LiveFeed.start(engine, { width: 640, height: 360, framesPerSecond: 25, frequency: 880 });
    await peer.waitFor((e) => e.event === 'first_picture' && e.identity === 'bot');
    await peer.call('report', {});
    await eventually(async () => {
      const audio = (await peer.call('report', {})).participants['bot']?.audio[0];
      return (audio?.tones['880'] ?? 0) > 0.9 ? undefined : `sound: ${JSON.stringify(audio)}`;
    }, 15_000);
    await peer.call('report', {});
    const before = feed.pictures;
    await eventually(() => (feed.pictures >= before + 50 ? undefined : `${feed.pictures - before} pictures pushed`));
    const video = (await peer.call('report', {})).participants['bot']?.video[0];
    assert.ok(video !== undefined);
    assert.deepEqual([video.width, video.height], [640, 360]);
    assert.ok(video.pictures >= 40, `pictures: ${video.pictures}`);
    assert.ok(video.readable >= video.pictures * 0.98, `readable: ${video.readable} of ${video.pictures}`);
    assert.equal(video.outOfOrder, 0);
    await feed.stop();
  });

  it('a participant that comes later gets pictures, too', async () => {
    await using scene = await ChannelScene.open();
    const engine = await scene.engine();
    await scene.join(engine, 'bot');
    const feed = await LiveFeed.start(engine, { width: 640, height: 360, framesPerSecond: 25, frequency: 880 });
    await eventually(() => (feed.pictures > 25 ? undefined : `${feed.pictures} pictures pushed`));
    const peer = await scene.peer('late');
    await peer.waitFor((e) => e.event === 'first_picture' && e.identity === 'bot', 10_000);
    await feed.stop();
  });

  it('two engines exchange pictures and sound', async () => {
    await using scene = await ChannelScene.open();
    const [sender, receiver] = [await scene.engine(), await scene.engine()];
    await scene.join(receiver, 'receiver');
    await scene.join(sender, 'sender');
    const feed = await LiveFeed.start(sender, { width: 640, height: 480, framesPerSecond: 15, frequency: 600 });
    const numbers: number[] = [];
    for await (const picture of receiver.pictures({ uids: ['sender'], signal: AbortSignal.timeout(15_000) })) {
      const number = readPictureNumber(picture.data, picture.width, picture.height);
      assert.ok(number !== undefined, 'a picture whose number cannot be read');
      numbers.push(number);
      if (numbers.length >= 30) break;
    }
    assert.equal(numbers.length, 30);
    assert.deepEqual(
      [...numbers].sort((a, b) => a - b),
      numbers,
    );
    await feed.stop();
  });
});
