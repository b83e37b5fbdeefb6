import assert from 'node:assert/strict';
import { VideoTrackType, type Engine } from '../../client/index.js';
import { ChannelScene } from '../support/channel_scene.js';
import { readPictureNumber } from '../support/media/numbered_picture.js';
import { level, steadyToneShare } from '../support/media/tones.js';

/** Reads until so many pictures with a readable number came; their numbers. */
async function readNumbers(
  engine: Engine,
  uid: string,
  count: number,
): Promise<{ numbers: number[]; width: number; height: number }> {
  const numbers: number[] = [];
  for await (const picture of engine.pictures({ uids: [uid], signal: AbortSignal.timeout(15_000) })) {
    assert.equal(picture.data.length, picture.width * picture.height * 1.5);
    assert.equal(picture.track, VideoTrackType.CAMERA_LARGE);
    const number = readPictureNumber(picture.data, picture.width, picture.height);
    if (number !== undefined) numbers.push(number);
    if (numbers.length >= count) return { numbers, width: picture.width, height: picture.height };
  }
  throw new Error(`only ${numbers.length} of ${count} pictures came`);
}

/** One second of one user's sound, after the first half second. */
async function readSound(engine: Engine, uid: string): Promise<Int16Array> {
  const samples: number[] = [];
  let frames = 0;
  for await (const frame of engine.audioFrames({ uids: [uid], signal: AbortSignal.timeout(15_000) })) {
    assert.equal(frame.samples, 480);
    assert.equal(frame.data.length, 960);
    if (++frames <= 50) continue;
    for (let i = 0; i < 480; i++) samples.push(frame.data.readInt16LE(i * 2));
    if (frames >= 150) return Int16Array.from(samples);
  }
  throw new Error(`only ${frames} frames of sound came`);
}

describe('e2e: what @livekit/rtc-node publishes reaches a gRPC client', function () {
  this.timeout(60_000);

  for (const codec of ['h264', 'vp8'] as const) {
    it(`delivers ${codec} pictures in order with their content, and the tone`, async () => {
      await using scene = await ChannelScene.open();
      const engine = await scene.engine();
      await scene.join(engine, 'listener', {});
      const peer = await scene.peer('alice');
      await peer.call('publish_video', { width: 640, height: 360, framesPerSecond: 30, codec });
      await peer.call('publish_audio', { frequency: 440 });
      const [{ numbers, width, height }, sound] = await Promise.all([
        readNumbers(engine, 'alice', 60),
        readSound(engine, 'alice'),
      ]);
      assert.deepEqual([width, height], [640, 360]);
      assert.deepEqual(
        [...numbers].sort((a, b) => a - b),
        numbers,
      );
      assert.ok(new Set(numbers).size === numbers.length, 'a picture came twice');
      assert.ok(steadyToneShare(sound, 48_000, 440) > 0.9, `share of the tone: ${steadyToneShare(sound, 48_000, 440)}`);
      assert.ok(level(sound) > 0.05, `level: ${level(sound)}`);
    });
  }

  it('delivers the mixed sound of two participants, with both tones', async () => {
    await using scene = await ChannelScene.open();
    const engine = await scene.engine();
    await scene.join(engine, 'listener', {});
    const [alice, bob] = [await scene.peer('alice'), await scene.peer('bob')];
    await alice.call('publish_audio', { frequency: 440 });
    await bob.call('publish_audio', { frequency: 1000 });
    const second: number[] = [];
    for await (const frame of engine.mixedAudio({ signal: AbortSignal.timeout(20_000) })) {
      for (let i = 0; i < frame.samples; i++) second.push(frame.data.readInt16LE(i * 2));
      if (second.length < 48_000) continue;
      const samples = Int16Array.from(second.splice(0));
      if (steadyToneShare(samples, 48_000, 440) > 0.3 && steadyToneShare(samples, 48_000, 1000) > 0.3) return;
    }
    assert.fail('the mix never had both tones');
  });

  it('delivers encoded H.264 access units that begin with a key frame', async () => {
    await using scene = await ChannelScene.open();
    const engine = await scene.engine();
    await scene.join(engine, 'listener', {});
    const peer = await scene.peer('alice');
    await peer.call('publish_video', { width: 640, height: 360, framesPerSecond: 30 });
    let count = 0;
    for await (const unit of engine.encodedPictures({ uids: ['alice'], signal: AbortSignal.timeout(15_000) })) {
      if (count++ === 0) assert.ok(unit.keyFrame, 'the first one is not a key frame');
      assert.equal(unit.data.readUInt32BE(0), 1, 'no Annex-B start code');
      if (count >= 30) return;
    }
    assert.fail(`only ${count} access units came`);
  });

  it('tells who came, what they publish, and that they went', async () => {
    await using scene = await ChannelScene.open();
    const engine = await scene.engine();
    const events = engine.events();
    await scene.join(engine, 'listener', {});
    const peer = await scene.peer('alice');
    await peer.call('publish_audio', { frequency: 440 });
    const seen: string[] = [];
    const timer = setTimeout(() => events.cancel(), 15_000);
    for await (const event of events) {
      seen.push(event.type);
      if (event.type === 'onRemoteTrackAvailableNotify') void peer.call('disconnect', {});
      if (event.type === 'onRemoteUserOffLineNotify') break;
    }
    clearTimeout(timer);
    const order = [
      'snapshot',
      'onJoinChannelResult',
      'onRemoteUserOnLineNotify',
      'onRemoteTrackAvailableNotify',
      'onRemoteUserOffLineNotify',
    ];
    const positions = order.map((name) => seen.indexOf(name));
    assert.ok(
      positions.every((p) => p >= 0),
      `seen: ${seen.join(', ')}`,
    );
    assert.deepEqual(
      [...positions].sort((a, b) => a - b),
      positions,
      `seen: ${seen.join(', ')}`,
    );
  });
});
