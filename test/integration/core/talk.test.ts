import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { PublishState, SubscribeState, VideoDataFormat } from '../../../coreservice/ipc/enums.js';
import { NumberedPictures, readPictureNumber } from '../../support/media/numbered_picture.js';
import { channelOf, level, ToneSource, toneShare } from '../../support/media/tones.js';
import { ChannelServerUnderTest, HostedCore, joinConfig, tokenFor } from './support.js';

const [WIDTH, HEIGHT, RATE] = [320, 240, 15];

/** Pushes numbered pictures and a tone in real time until stopped. */
class Feed {
  readonly #pictures = new NumberedPictures(WIDTH, HEIGHT, RATE);
  readonly #tone = new ToneSource({ sampleRate: 16_000, channels: 1, frequency: 440 });
  #stopped = false;
  readonly done: Promise<unknown>;

  constructor(private readonly host: HostedCore) {
    host.send('SET_EXTERNAL_VIDEO_SOURCE', { enable: true, source: 0, renderMode: 0 });
    host.send('SET_EXTERNAL_AUDIO_SOURCE', { enable: true, sampleRate: 16_000, channelsPerFrame: 1 });
    this.done = Promise.all([
      this.#loop(1000 / RATE, (number) => this.#picture(number)),
      this.#loop(20, () => this.#sound()),
    ]);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.done;
  }

  #picture(number: number): void {
    this.host.send(
      'PUSH_VIDEO_FRAME',
      {
        source: 0,
        format: VideoDataFormat.I420,
        bufferType: 0,
        strideY: WIDTH,
        strideU: WIDTH / 2,
        strideV: WIDTH / 2,
        height: HEIGHT,
        width: WIDTH,
        rotation: 0,
        timestamp: Math.round((number * 1000) / RATE),
      },
      this.#pictures.draw(number),
    );
  }

  #sound(): void {
    const samples = this.#tone.next(320);
    this.host.send(
      'PUSH_AUDIO_FRAME',
      { timestamp: 0, isEndFrame: 0, frameID: '', sentenceID: 0, sequenceID: 0 },
      Buffer.from(samples.buffer),
    );
  }

  async #loop(periodMs: number, step: (index: number) => void): Promise<void> {
    const startMs = performance.now();
    for (let index = 0; !this.#stopped; index++) {
      await delay(Math.max(0, startMs + index * periodMs - performance.now()));
      step(index);
    }
  }
}

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
    for (const [host, userid] of [
      [sender, 'alice'],
      [receiver, 'bob'],
    ] as const) {
      const config = joinConfig({ publishMode: userid === 'alice' ? 0 : 1 });
      host.send('JOIN_CHANNEL_V2', {
        token: tokenFor('talk', userid),
        channel: 'talk',
        userid,
        username: userid,
        config,
      });
      const result = await host.until('JOIN_RESULT');
      assert.equal(result.fields.joinresult, 0, JSON.stringify(result.fields));
    }
    const feed = new Feed(sender);
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
