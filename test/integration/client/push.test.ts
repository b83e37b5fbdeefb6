import assert from 'node:assert/strict';
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { AlirtcClient, VideoDataFormat } from '../../../client/index.js';
import type { Engine } from '../../../client/index.js';
import type { MediaServiceServer, PushExternalVideoFramesRequest } from '../../../gen/alirtc/v1/media.js';
import { FakeDaemon } from '../../support/fake_daemon/fake_daemon.js';
import { serviceError } from '../../support/fake_daemon/status.js';

type VideoCall = Parameters<MediaServiceServer['pushExternalVideoFrames']>[0];
type AudioCall = Parameters<MediaServiceServer['pushExternalAudioFrames']>[0];

const PICTURE = { format: VideoDataFormat.I420, width: 2, height: 2, data: Buffer.alloc(6) };
/** 10 ms at 48 kHz, mono. */
const CREDIT_BYTES = 960;

describe('Push streams of the client', () => {
  let daemon: FakeDaemon;
  let client: AlirtcClient;
  let engine: Engine;
  let video: (call: VideoCall) => void;
  let audio: (call: AudioCall) => void;

  before(async () => {
    daemon = await FakeDaemon.start({
      media: { pushExternalVideoFrames: (call) => video(call), pushExternalAudioFrames: (call) => audio(call) },
    });
    client = await AlirtcClient.connect(daemon.address);
    engine = client.engine('engine-1');
  });

  after(() => {
    client.close();
    daemon.stop();
  });

  it('opens the stream, sends one frame for a credit, and tells how many were accepted', async () => {
    const seen: string[] = [];
    let granted = 0;
    let frames = 0;
    video = (call) => {
      call.on('data', ({ message }: PushExternalVideoFramesRequest) => {
        seen.push(message?.$case ?? 'nothing');
        if (message?.$case === 'frame') {
          frames += 1;
          assert.ok(frames <= granted, 'a frame came without credit');
        }
        granted += 1;
        call.write({ acceptedFrames: frames, credits: 1 });
      });
      call.on('end', () => {
        call.write({ acceptedFrames: frames, credits: 0 });
        call.end();
      });
    };
    const push = engine.videoPush();
    await Promise.all(Array.from({ length: 50 }, () => push.push(PICTURE)));
    assert.deepEqual(await push.end(), { acceptedFrames: 50 });
    assert.deepEqual(seen, ['open', ...Array.from({ length: 50 }, () => 'frame')]);
    await assert.rejects(push.push(PICTURE), { code: status.FAILED_PRECONDITION });
  });

  it('holds a push back until the next credit', async () => {
    let grant!: () => void;
    video = (call) => {
      grant = () => call.write({ acceptedFrames: 0, credits: 1 });
      call.on('data', () => undefined);
      call.on('end', () => call.end());
      grant();
    };
    const push = engine.videoPush();
    await push.push(PICTURE);
    let second = false;
    const waiting = push.push(PICTURE).then(() => (second = true));
    // A round trip later it still waits.
    await client.nodeStatus().catch(() => undefined);
    assert.equal(second, false);
    grant();
    await waiting;
    await push.end();
  });

  it('counts sound in units of 10 ms, and lets a chunk longer than the credits through', async () => {
    let acceptedBytes = 0;
    const chunks: number[] = [];
    const window = 5;
    audio = (call) => {
      let granted = window;
      call.write({ acceptedFrames: 0, credits: window });
      call.on('data', ({ message }: { message?: { $case: string; value: { data?: Uint8Array } } }) => {
        if (message?.$case !== 'frame') return;
        const bytes = message.value.data?.length ?? 0;
        chunks.push(bytes);
        acceptedBytes += bytes;
        const due = Math.floor(acceptedBytes / CREDIT_BYTES) + window;
        call.write({ acceptedFrames: chunks.length, credits: due - granted });
        granted = due;
      });
      call.on('end', () => call.end());
    };
    const push = engine.audioPush({ sampleRateHz: 48_000, channels: 1 });
    const sizes = [CREDIT_BYTES * 200, 2, 338, 340, ...Array.from({ length: 60 }, () => 640)];
    for (const size of sizes) await push.push({ data: Buffer.alloc(size) });
    assert.deepEqual(await push.end(), { acceptedFrames: sizes.length });
    assert.deepEqual(chunks, sizes);
  });

  it('refuses to guess the format of sound', () => {
    assert.throws(() => engine.audioPush(), { code: status.INVALID_ARGUMENT, field: 'sample_rate_hz' });
  });

  it('rejects the pending pushes and the end with the error that ended the stream', async () => {
    video = (call) => {
      call.write({ acceptedFrames: 0, credits: 1 });
      call.on('data', ({ message }: PushExternalVideoFramesRequest) => {
        if (message?.$case !== 'frame') return;
        const facts = { number: '50397698', field: 'data', sequence: '1', remedy: 'send 6 bytes' };
        call.emit('error', serviceError(status.INVALID_ARGUMENT, 'short picture', 'ERR_VIDEO_DATA_ERROR', facts));
      });
    };
    const push = engine.videoPush();
    const first = push.push({ ...PICTURE, data: Buffer.alloc(3) });
    const expected = { reason: 'ERR_VIDEO_DATA_ERROR', number: 50397698, metadata: { sequence: '1' } };
    const second = assert.rejects(push.push(PICTURE), expected);
    await first;
    await second;
    await assert.rejects(push.end(), expected);
    await assert.rejects(push.push(PICTURE), expected);
  });

  it('rejects what waits and cancels the call when the signal aborts', async () => {
    const opened = new Promise<VideoCall>((resolve) => (video = resolve));
    const abort = new AbortController();
    const push = engine.videoPush({ signal: abort.signal });
    const waiting = assert.rejects(push.push(PICTURE), { code: status.CANCELLED });
    const call = await opened;
    const gone = once(call, 'cancelled');
    abort.abort();
    await waiting;
    await gone;
  });

  it('tells a push after the daemon ended the stream that the engine is gone', async () => {
    video = (call) => {
      call.on('data', () => undefined);
      call.end();
    };
    const push = engine.videoPush();
    await assert.rejects(push.push(PICTURE), /released/);
  });

  it('refuses more waiting pushes than it wants to hold', async () => {
    video = (call) => {
      call.on('data', () => undefined);
    };
    const push = engine.videoPush();
    const waiting = Array.from({ length: 256 }, () => push.push(PICTURE).catch(() => undefined));
    await assert.rejects(push.push(PICTURE), { code: status.RESOURCE_EXHAUSTED });
    push.cancel();
    await Promise.all(waiting);
  });

  it('does not wait for an end that never comes', async () => {
    const gone = new Promise<void>((resolve) => {
      video = (call) => {
        call.on('data', () => undefined);
        call.on('cancelled', resolve);
      };
    });
    const push = engine.videoPush();
    await assert.rejects(push.end(50), { code: status.DEADLINE_EXCEEDED });
    await gone;
  });
});
