import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AlirtcClient, PublishAvsyncMode } from '../../../client/index.js';
import { FilePlayer } from '../../../client/media/file_player.js';
import type { JoinChannelRequest } from '../../../gen/alirtc/v1/engine.js';
import type {
  MediaServiceServer,
  PushExternalAudioFramesRequest,
  PushExternalVideoFramesRequest,
} from '../../../gen/alirtc/v1/media.js';
import type { VideoDataSample } from '../../../gen/alirtc/v1/types.js';
import { FakeDaemon } from '../../support/fake_daemon/fake_daemon.js';
import { recordingEngineService } from '../../support/fake_daemon/fake_engine.js';
import type { RecordedCall } from '../../support/fake_daemon/fake_engine.js';
import { readPictureNumber } from '../../support/media/numbered_picture.js';
import { makeSourceFile } from '../../support/media/source_file.js';
import { toneShare } from '../../support/media/tones.js';

interface Pushed<T> {
  atMs: number;
  frame: T;
}

describe('The file player', () => {
  let folder: string;
  let file: string;
  let daemon: FakeDaemon;
  let client: AlirtcClient;
  const calls: RecordedCall[] = [];
  let pictures: Pushed<VideoDataSample>[] = [];
  let chunks: Pushed<{ data: Uint8Array; timestampMs: number }>[] = [];

  const pushVideo: MediaServiceServer['pushExternalVideoFrames'] = (call) => {
    call.write({ acceptedFrames: 0, credits: 2 });
    call.on('data', ({ message }: PushExternalVideoFramesRequest) => {
      if (message?.$case !== 'frame') return;
      pictures.push({ atMs: performance.now(), frame: message.value });
      call.write({ acceptedFrames: pictures.length, credits: 1 });
    });
    call.on('end', () => call.end());
  };
  const pushAudio: MediaServiceServer['pushExternalAudioFrames'] = (call) => {
    call.write({ acceptedFrames: 0, credits: 10_000 });
    call.on('data', ({ message }: PushExternalAudioFramesRequest) => {
      if (message?.$case === 'frame') chunks.push({ atMs: performance.now(), frame: message.value });
    });
    call.on('end', () => call.end());
  };

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'alirtc-player-'));
    file = path.join(folder, 'source.mp4');
    const size = { width: 320, height: 180, framesPerSecond: 15 };
    await makeSourceFile({ path: file, ...size, seconds: 1, frequency: 500, beepFactor: 4 });
    daemon = await FakeDaemon.start({
      engine: recordingEngineService(calls),
      media: { pushExternalVideoFrames: pushVideo, pushExternalAudioFrames: pushAudio },
      token: {
        generateToken: (_call, callback) => callback(null, { token: 't', channelServerUrl: '', authInfo: undefined }),
      },
    });
    client = await AlirtcClient.connect(daemon.address);
  });

  beforeEach(() => {
    calls.length = 0;
    pictures = [];
    chunks = [];
  });

  after(async () => {
    client.close();
    daemon.stop();
    await rm(folder, { recursive: true });
  });

  it('pushes every picture and all sound of the file shortly before its time, and ends with it', async () => {
    const player = new FilePlayer(client, { channel: 'c', userId: 'u', file });
    await player.start();
    await player.finished;
    await player.close();
    assert.deepEqual(
      pictures.map(({ frame }) => readPictureNumber(frame.data, frame.width, frame.height)),
      Array.from({ length: 15 }, (_, n) => n),
    );
    assert.ok(pictures.every(({ frame }) => frame.data.length === (320 * 180 * 3) / 2));
    assert.deepEqual(
      pictures.map(({ frame }) => frame.timestampMs),
      Array.from({ length: 15 }, (_, n) => Math.round((n * 1000) / 15)),
    );
    // The lead of 400 ms is given at once, the rest in real time.
    const startMs = Math.min(pictures[0]?.atMs ?? 0, chunks[0]?.atMs ?? 0);
    for (const { atMs, frame } of [...pictures, ...chunks]) {
      const lateMs = atMs - startMs - Math.max(0, frame.timestampMs - 400);
      assert.ok(lateMs > -30 && lateMs < 300, `${frame.timestampMs} ms was pushed ${lateMs} ms late`);
    }
    const bytes = chunks.reduce((sum, { frame }) => sum + frame.data.length, 0);
    assert.ok(Math.abs(bytes / 96_000 - 1) < 0.05, `${bytes / 96_000} s of sound`);
    const sound = Buffer.concat(chunks.map(({ frame }) => frame.data));
    const samples = new Int16Array(sound.buffer.slice(sound.byteOffset + 48_000, sound.byteOffset + 67_200));
    assert.ok(toneShare(samples, 48_000, 500) > 0.9);
  });

  it('declares what it pushes before it joins as a streamer, publishes, and releases its engine', async () => {
    const player = new FilePlayer(client, { channel: 'c', userId: 'u', file });
    await player.start();
    await player.close();
    assert.deepEqual(
      calls.map(({ method }) => method),
      [
        'createAliRtcEngine',
        'setExternalVideoSource',
        'setVideoEncoderConfiguration',
        'setExternalAudioSource',
        'setAudioProfile',
        'setClientRole',
        'joinChannel',
        'publishLocalVideoStream',
        'publishLocalAudioStream',
        'release',
      ],
    );
    const join = calls.find(({ method }) => method === 'joinChannel')?.request as JoinChannelRequest | undefined;
    assert.equal(join?.config?.publishAvsyncMode, PublishAvsyncMode.WITH_PTS);
    await player.finished;
  });

  it('goes on with growing times when it loops', async () => {
    const player = new FilePlayer(client, { channel: 'c', userId: 'u', file, loop: true });
    await player.start();
    while (pictures.length < 20) await new Promise((resolve) => setTimeout(resolve, 20));
    await player.close();
    const numbers = pictures.map(({ frame }) => readPictureNumber(frame.data, frame.width, frame.height));
    assert.deepEqual(numbers.slice(0, 20), [...Array.from({ length: 15 }, (_, n) => n), 0, 1, 2, 3, 4]);
    const times = pictures.map(({ frame }) => frame.timestampMs);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    assert.ok((times[15] ?? 0) >= 1000 && (times[15] ?? 0) < 1100, `the second run begins at ${times[15]} ms`);
  });

  it('says which file it cannot read, without making an engine', async () => {
    const player = new FilePlayer(client, { channel: 'c', userId: 'u', file: path.join(folder, 'none.mp4') });
    await assert.rejects(player.start(), /none\.mp4.*No such file/);
    assert.deepEqual(calls, []);
  });
});
