import assert from 'node:assert/strict';
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { AlirtcClient, AlirtcStatusError, VideoTrackType } from '../../../client/index.js';
import type { Engine } from '../../../client/index.js';
import type { MediaServiceServer, OnRemoteVideoSampleResponse } from '../../../gen/alirtc/v1/media.js';
import { PictureRingWriter } from '../../../common/picture_ring.js';
import { FakeDaemon } from '../../support/fake_daemon/fake_daemon.js';
import { serviceError } from '../../support/fake_daemon/status.js';

type PictureCall = Parameters<MediaServiceServer['onRemoteVideoSample']>[0];

function picture(sequence: number, bytes = 16): OnRemoteVideoSampleResponse {
  return {
    header: {
      sequence,
      captureTimeUs: 1_700_000_000_000_000 + sequence,
      droppedBefore: sequence - 1,
      discontinuity: false,
    },
    uid: 'bob',
    track: VideoTrackType.CAMERA_LARGE,
    frameMs: sequence * 33,
    frameNum: sequence,
    width: 4,
    height: 2,
    qp: 0,
    sliceType: -1,
    localFrame: undefined,
    lane: undefined,
    data: Buffer.alloc(bytes, sequence),
  };
}

describe('Frame streams of the client', () => {
  let daemon: FakeDaemon;
  let client: AlirtcClient;
  let engine: Engine;
  let serve: (call: PictureCall) => void;

  before(async () => {
    daemon = await FakeDaemon.start({ media: { onRemoteVideoSample: (call) => serve(call) } });
    client = await AlirtcClient.connect(daemon.address);
    engine = client.engine('engine-1');
  });

  after(() => {
    client.close();
    daemon.stop();
  });

  it('gives every frame with its header, its filters sent along, and ends with the stream', async () => {
    const requests: unknown[] = [];
    serve = (call) => {
      requests.push(call.request);
      for (const sequence of [1, 2, 3]) call.write(picture(sequence));
      call.end();
    };
    const seen = [];
    for await (const frame of engine.pictures({ uids: ['bob'], tracks: [VideoTrackType.CAMERA_LARGE], queueFrames: 7 }))
      seen.push(frame);
    assert.deepEqual(requests, [
      {
        engineId: 'engine-1',
        uids: ['bob'],
        tracks: [VideoTrackType.CAMERA_LARGE],
        queueFrames: 7,
        localFrames: false,
        localLane: false,
        directLane: false,
      },
    ]);
    assert.deepEqual(
      seen.map(({ sequence, captureTimeUs, droppedBefore, uid }) => [sequence, captureTimeUs, droppedBefore, uid]),
      [1, 2, 3].map((n) => [n, 1_700_000_000_000_000 + n, n - 1, 'bob']),
    );
    assert.ok(seen.every(({ data, sequence }) => Buffer.isBuffer(data) && data.equals(Buffer.alloc(16, sequence))));
  });

  it('delivers what came before an error, then the error with reason and number, then the end', async () => {
    serve = (call) => {
      call.write(picture(1), () =>
        call.emit(
          'error',
          serviceError(status.UNAVAILABLE, 'core died', 'ERR_NETWORK_DISCONNECT', { number: '17105411' }),
        ),
      );
    };
    const stream = engine.pictures();
    assert.equal((await stream.next()).value?.sequence, 1);
    await assert.rejects(stream.next(), (error) => {
      assert.ok(error instanceof AlirtcStatusError);
      assert.deepEqual(
        [error.code, error.reason, error.number],
        [status.UNAVAILABLE, 'ERR_NETWORK_DISCONNECT', 17105411],
      );
      return true;
    });
    assert.deepEqual(await stream.next(), { value: undefined, done: true });
  });

  it('cancels the call when the loop breaks', async () => {
    const gone = new Promise<void>((resolve) => {
      serve = (call) => {
        call.on('cancelled', resolve);
        call.write(picture(1));
      };
    });
    for await (const frame of engine.pictures()) {
      assert.equal(frame.sequence, 1);
      break;
    }
    await gone;
  });

  it('ends quietly and cancels the call when the signal aborts', async () => {
    const gone = new Promise<void>((resolve) => {
      serve = (call) => {
        call.on('cancelled', resolve);
        call.write(picture(1));
      };
    });
    const abort = new AbortController();
    let frames = 0;
    for await (const _frame of engine.pictures({ signal: abort.signal })) {
      frames += 1;
      abort.abort();
    }
    assert.equal(frames, 1);
    await gone;
  });

  it('cancels the call of a stream that nobody ever read when the client closes', async () => {
    const other = await AlirtcClient.connect(daemon.address);
    const opened = new Promise<PictureCall>((resolve) => (serve = resolve));
    const stream = other.engine('engine-1').pictures();
    const call = await opened;
    const gone = once(call, 'cancelled');
    other.close();
    await gone;
    await assert.rejects(stream.next(), { code: status.CANCELLED });
  });

  it('stops reading when its reader is slow, so that the daemon waits instead of filling the memory', async () => {
    let written = 0;
    let stalled!: () => void;
    const full = new Promise<void>((resolve) => (stalled = resolve));
    serve = (call) => {
      // Two hundred pictures of 1 MB; the window of the stream is 1 MB.
      const writeMore = (): void => {
        while (written < 200) {
          written += 1;
          if (!call.write(picture(written, 1 << 20))) {
            const timer = setTimeout(stalled, 300);
            call.once('drain', () => {
              clearTimeout(timer);
              writeMore();
            });
            return;
          }
        }
        call.end();
      };
      writeMore();
    };
    const stream = engine.pictures();
    assert.equal((await stream.next()).value?.sequence, 1);
    await full;
    // 2 read ahead, 1 in the window, and what the server's own stream and socket hold.
    assert.ok(written < 40, `${written} MB left the server although the reader stands still`);
    assert.equal(stream.buffered, 2);
    let last = 1;
    for await (const frame of stream) {
      assert.equal(frame.sequence, last + 1);
      last = frame.sequence;
    }
    assert.equal(last, 200);
  });

  it('reads pictures from shared memory, and counts those that were overwritten as dropped', async () => {
    const ring = new PictureRingWriter(2);
    serve = (call) => {
      assert.equal(call.request.localFrames, true);
      // Three pictures in two slots: the first one is gone before anybody reads.
      const places = [1, 2, 3].map((n) => ring.write(Buffer.alloc(5000, n)));
      for (const [i, localFrame] of places.entries())
        call.write({
          ...picture(i + 1, 0),
          header: { sequence: i + 1, captureTimeUs: 0, droppedBefore: 0, discontinuity: false },
          localFrame,
        });
      call.end();
    };
    const seen = [];
    for await (const frame of engine.pictures({ sharedMemory: true })) seen.push(frame);
    assert.deepEqual(
      seen.map(({ sequence, droppedBefore }) => [sequence, droppedBefore]),
      [
        [2, 1],
        [3, 0],
      ],
    );
    assert.ok(seen.every(({ data, sequence }) => data.equals(Buffer.alloc(5000, sequence))));
    ring.close();
  });

  it('opens the stream again without shared memory where it cannot be read', async () => {
    const asked: boolean[] = [];
    serve = (call) => {
      asked.push(call.request.localFrames);
      const localFrame = { path: '/proc/0/fd/3', offset: 0, length: 16, generation: 1 };
      call.write(call.request.localFrames ? { ...picture(1, 0), localFrame } : picture(1));
      call.end();
    };
    const seen = [];
    for await (const frame of engine.pictures({ sharedMemory: true })) seen.push(frame.data.length);
    assert.deepEqual([asked, seen], [[true, false], [16]]);
  });
});
