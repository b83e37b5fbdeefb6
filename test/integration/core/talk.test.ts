import assert from 'node:assert/strict';
import { PublishState, SubscribeState } from '../../../coreservice/ipc/enums.js';
import { readPictureNumber } from '../../support/media/numbered_picture.js';
import { channelOf, level, toneShare } from '../../support/media/tones.js';
import { Feed } from './feed.js';
import { ChannelServerUnderTest, HostedCore, joinAs } from './support.js';

const [WIDTH, HEIGHT, RATE] = [320, 240, 15];

/** The tone is heard, at its level, in the last second; a machine that is busy may cost some tenths of it. */
function assertTone(frames: { payload: Buffer | undefined }[], sampleRate: number, channels: number): void {
  const bytes = Buffer.concat(frames.slice(-100).map(({ payload }) => payload ?? Buffer.alloc(0)));
  const left = channelOf(new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2), channels, 0);
  const tenth = sampleRate / 10;
  const tenths = Array.from({ length: 10 }, (_, i) => left.subarray(i * tenth, (i + 1) * tenth));
  const clean = tenths.filter((part) => toneShare(part, sampleRate, 440) > 0.95 && level(part) > 0.12);
  const seen = tenths.map((part) => `${toneShare(part, sampleRate, 440).toFixed(2)} at ${level(part).toFixed(2)}`);
  assert.ok(clean.length >= 4, `the tone in tenths of a second: ${seen.join(', ')}`);
}

describe('two engines in one channel of the embedded channel server', () => {
  it('hear and see each other: numbered pictures, encoded samples, the tone before mixing and mixed', async () => {
    await using server = await ChannelServerUnderTest.start();
    const env = { ALIRTC_CHANNEL_SERVER_URL: server.url };
    await using sender = await HostedCore.start({ env });
    await using receiver = await HostedCore.start({ env });
    const demand = {
      pictures: [{ uid: '*', track: -1 }],
      encoded: [{ uid: '*', track: -1 }],
      audio: [{ uid: 'alice', sampleRate: 16_000, channels: 1 }],
      mixed: [{ sampleRate: 48_000, channels: 2 }],
      audioAac: [{ uid: '*' }],
      mixedAac: true,
    };
    receiver.send('SET_PARAMETER', { param: JSON.stringify({ alirtcd: { demand } }) });
    sender.send('SET_VIDEO_ENCODER_CONFIGURATION', {
      dimensions: { width: WIDTH, height: HEIGHT },
      frameRate: RATE,
      bitrate: 0,
      mirrorMode: 0,
      rotationMode: 0,
      orientationMode: 0,
      keyFrameInterval: 0,
      minBitrate: 0,
    });
    await joinAs(sender, 'alice', 'talk', { publishMode: 0 });
    await joinAs(receiver, 'bob', 'talk', { publishMode: 1 });
    const feed = new Feed(sender, { width: WIDTH, height: HEIGHT, rate: RATE, frequency: 440 });
    await sender.until('CAMERA_PUBLISH_STATE', ({ fields }) => fields.newState === PublishState.Published);
    await sender.until('AUDIO_PUBLISH_STATE', ({ fields }) => fields.newState === PublishState.Published);
    await receiver.until('REMOTE_USER_ONLINE', ({ fields }) => fields.uid === 'alice');
    await receiver.until('CAMERA_SUBSCRIBE_STATE', ({ fields }) => fields.newState === SubscribeState.Subscribed);
    await receiver.until('AUDIO_SUBSCRIBE_STATE', ({ fields }) => fields.newState === SubscribeState.Subscribed);
    await receiver.until('DECODED_VIDEO_FRAME', ({ fields }) => fields.frame_num >= 30);
    await receiver.until('REMOTE_AUDIO_FRAME', ({ fields }) => Number(fields.alirtcd?.['sequence']) >= 200);
    await feed.stop();

    const pictures = receiver.of('DECODED_VIDEO_FRAME');
    const numbers = pictures.map(({ payload, fields }) =>
      readPictureNumber(payload ?? Buffer.alloc(0), fields.width, fields.height),
    );
    assert.ok(!numbers.includes(undefined), `unreadable pictures: ${numbers.join(' ')}`);
    assert.ok(
      numbers.every((number, i) => i === 0 || Number(number) > Number(numbers[i - 1])),
      `not in order: ${numbers.join(' ')}`,
    );
    const encoded = receiver.of('ENCODED_VIDEO_SAMPLE');
    assert.equal(encoded[0]?.fields.alirtcd?.['keyFrame'], true);
    assert.ok(encoded.length >= 25, `${encoded.length} encoded samples`);

    assertTone(receiver.of('REMOTE_AUDIO_FRAME'), 16_000, 1);
    assertTone(receiver.of('MIXED_AUDIO_FRAME'), 48_000, 2);
    assert.ok(receiver.of('REMOTE_AUDIO_AAC').length > 20);
    assert.ok(receiver.of('MIXED_AUDIO_AAC').length > 20);

    sender.send('LEAVE_CHANNEL', {});
    await sender.until('LEAVE_RESULT');
    await receiver.until('REMOTE_USER_OFFLINE', ({ fields }) => fields.uid === 'alice');
    assert.equal(await sender.destroy(), 0);
    assert.equal(await receiver.destroy(), 0);
  });
});
