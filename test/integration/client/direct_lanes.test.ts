import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { status } from '@grpc/grpc-js';
import { AlirtcClient, AlirtcStatusError } from '../../../client/index.js';
import type { Engine, Picture, PictureStream } from '../../../client/index.js';
import { PictureRingWriter } from '../../../common/picture_ring.js';
import { OnRemoteVideoSampleResponse } from '../../../gen/alirtc/v1/media.js';
import type { FrameLane, MediaServiceServer } from '../../../gen/alirtc/v1/media.js';
import { eventually } from '../../support/eventually.js';
import { FakeDaemon } from '../../support/fake_daemon/fake_daemon.js';
import { serviceError } from '../../support/fake_daemon/status.js';

type Call = Parameters<MediaServiceServer['onRemoteVideoSample']>[0];
type Message = Parameters<typeof OnRemoteVideoSampleResponse.fromPartial>[0];

/** Of picture n of its lane, so that frames of two lanes with the same number are told apart by the width. */
function picture(n: number, more: Message = {}): Message {
  const header = { sequence: n, captureTimeUs: 1000 + n, droppedBefore: 0, discontinuity: false };
  return { header, uid: 'bob', track: 1, frameMs: n * 33, frameNum: n, width: 4, data: Buffer.alloc(16, n), ...more };
}

function onLane(...messages: readonly Message[]): Buffer {
  return Buffer.concat(
    messages.map((message) => {
      const bytes = OnRemoteVideoSampleResponse.encode(OnRemoteVideoSampleResponse.fromPartial(message)).finish();
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return Buffer.concat([length, bytes]);
    }),
  );
}

/** What a reader sees of the order. */
type Seen = [sequence: number, frameNum: number, width: number, discontinuity: boolean];
const seenOf = ({ sequence, frameNum, width, discontinuity }: Picture): Seen => [
  sequence,
  frameNum,
  width,
  discontinuity,
];

describe('Direct lanes of the client', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'direct-'));
  const socketPath = path.join(folder, 'core.sock');
  let daemon: FakeDaemon;
  let client: AlirtcClient;
  let engine: Engine;
  let server: Server;
  let serve: (call: Call) => void;
  const sockets = new Set<Socket>();
  const taken = new Map<string, (socket: Socket) => void>();

  before(async () => {
    daemon = await FakeDaemon.start({ media: { onRemoteVideoSample: (call) => serve(call) } });
    client = await AlirtcClient.connect(daemon.address);
    engine = client.engine('engine-1');
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => undefined);
      socket.once('data', (said: Buffer) => {
        const take = taken.get(said.toString('hex'));
        assert.ok(take, 'nobody was given this secret');
        taken.delete(said.toString('hex'));
        take(socket);
      });
    });
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  });

  after(() => {
    client.close();
    daemon.stop();
    for (const socket of sockets) socket.destroy();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const write = (call: Call, message: Message): void =>
    void call.write(OnRemoteVideoSampleResponse.fromPartial(message));
  /** Offers a lane; resolves with its socket when the client has said the secret. */
  const offer = (call: Call, lane: Partial<FrameLane> = {}): Promise<Socket> => {
    const secret = randomBytes(32);
    return new Promise((resolve) => {
      taken.set(secret.toString('hex'), resolve);
      write(call, { lane: { path: socketPath, secret, direct: true, ...lane } });
    });
  };
  const fail = (call: Call): void =>
    void call.emit('error', serviceError(status.UNAVAILABLE, 'core died', 'ERR_NETWORK_DISCONNECT', {}));
  const open = (signal?: AbortSignal): PictureStream =>
    engine.pictures({ sharedMemory: true, localLane: true, signal });
  const readAll = async (stream = open()): Promise<Seen[]> => {
    const seen: Seen[] = [];
    for await (const frame of stream) {
      assert.deepEqual(frame.data, Buffer.alloc(16, frame.frameNum));
      seen.push(seenOf(frame));
    }
    return seen;
  };
  /** Opens a stream, and gives its call on the daemon's side as well. */
  const opened = async (signal?: AbortSignal): Promise<[PictureStream, Call]> => {
    const called = new Promise<Call>((resolve) => (serve = resolve));
    const stream = open(signal);
    return [stream, await called];
  };
  const nothingOpen = (): Promise<void> =>
    eventually(() => (sockets.size === 0 ? undefined : `${sockets.size} lanes are open`));

  it('are asked for with pictures in shared memory and lanes only', async () => {
    const asked: boolean[][] = [];
    serve = (call) => {
      const { localFrames, localLane, directLane } = call.request;
      asked.push([localFrames, localLane, directLane]);
      call.end();
    };
    const options = [
      {},
      { sharedMemory: true },
      { localLane: true },
      { sharedMemory: true, localLane: true },
      { sharedMemory: true, localLane: false },
    ];
    for (const option of options) for await (const _frame of engine.pictures(option)) assert.fail('there is none');
    assert.deepEqual(asked, [
      [false, false, false],
      [true, false, false],
      [false, true, false],
      [true, true, true],
      [true, false, false],
    ]);
  });

  it('bring pictures in shared memory and whole ones, with all that gRPC would say of them', async () => {
    const ring = new PictureRingWriter(2);
    serve = (call) =>
      void offer(call).then((socket) => {
        const localFrame = ring.write(Buffer.alloc(5000, 7));
        const first = { ...picture(1), qp: 30, sliceType: 2, height: 2, localFrame, data: Buffer.alloc(0) };
        socket.end(onLane(first, { ...picture(4), header: { sequence: 4, droppedBefore: 2 } }));
        call.end();
      });
    const seen = [];
    for await (const { release, ...frame } of open()) {
      assert.equal(typeof release, 'function');
      seen.push(frame);
    }
    ring.close();
    const both = { uid: 'bob', track: 1, width: 4, discontinuity: false };
    const first = { ...both, sequence: 1, captureTimeUs: 1001, droppedBefore: 0, frameMs: 33, frameNum: 1 };
    const second = { ...both, sequence: 4, captureTimeUs: 0, droppedBefore: 2, frameMs: 132, frameNum: 4 };
    assert.deepEqual(seen, [
      { ...first, qp: 30, sliceType: 2, height: 2, data: Buffer.alloc(5000, 7) },
      { ...second, qp: 0, sliceType: 0, height: 0, data: Buffer.alloc(16, 4) },
    ]);
  });

  it('go on numbering in the lane of the next core, behind a discontinuity', async () => {
    const [stream, call] = await opened();
    const seen = readAll(stream);
    const first = await offer(call);
    first.end(onLane(picture(1), picture(2)));
    await once(first, 'close');
    const empty = await offer(call);
    empty.end();
    await once(empty, 'close');
    const second = await offer(call);
    second.end(onLane(picture(1, { width: 6 }), picture(3, { width: 6 })), () => call.end());
    assert.deepEqual(await seen, [
      [1, 1, 4, false],
      [2, 2, 4, false],
      [3, 1, 6, true],
      [5, 3, 6, false],
    ]);
  });

  it('are connected to at once, but read only when the one before was read to its end', async () => {
    const [stream, call] = await opened();
    const count = 5000;
    const first = await offer(call);
    for (let n = 1; n <= count; n++) first.write(onLane(picture(n)));
    first.end();
    await eventually(() => (stream.buffered === 2 ? undefined : 'nothing is read ahead'));
    const second = await offer(call);
    second.end(onLane(picture(1, { width: 6 }), picture(2, { width: 6 })));
    const third = await offer(call);
    third.end(onLane(picture(1, { width: 8 })));
    call.end();
    const seen = await readAll(stream);
    assert.deepEqual(
      seen.slice(0, count).filter(([sequence, num], i) => sequence !== i + 1 || num !== i + 1),
      [],
    );
    assert.deepEqual(seen.slice(count), [
      [count + 1, 1, 6, true],
      [count + 2, 2, 6, false],
      [count + 3, 1, 8, true],
    ]);
  });

  it('are read to their end before the error of the stream counts', async () => {
    const [stream, call] = await opened();
    const socket = await offer(call);
    fail(call);
    setTimeout(() => socket.end(onLane(picture(1), picture(2))), 50);
    assert.equal((await stream.next()).value?.sequence, 1);
    assert.equal((await stream.next()).value?.sequence, 2);
    await assert.rejects(stream.next(), { code: status.UNAVAILABLE, reason: 'ERR_NETWORK_DISCONNECT' });
    assert.deepEqual(await stream.next(), { value: undefined, done: true });
    await nothingOpen();
  });

  it('that their core closes wait for what the daemon says, even before the first picture', async () => {
    const asked: boolean[] = [];
    serve = (call) => {
      asked.push(call.request.directLane);
      void offer(call).then((socket) => {
        socket.destroy();
        socket.once('close', () => setTimeout(fail, 50, call));
      });
    };
    await assert.rejects(readAll(), { code: status.UNAVAILABLE, reason: 'ERR_NETWORK_DISCONNECT' });
    assert.deepEqual(asked, [true]);
  });

  it('that their core does not close are closed after the status of the stream', async function () {
    this.timeout(30_000);
    const [stream, call] = await opened();
    const socket = await offer(call);
    socket.write(onLane(picture(1)), () => call.end());
    assert.deepEqual(await readAll(stream), [[1, 1, 4, false]]);
    await nothingOpen();
  });

  it('that cannot be reached make the stream open again without them', async () => {
    const asked: boolean[] = [];
    serve = (call) => {
      const { localFrames, localLane, directLane } = call.request;
      asked.push(localFrames, localLane, directLane);
      if (directLane) return void offer(call, { path: path.join(folder, 'nothing.sock') });
      write(call, picture(1));
      call.end();
    };
    const stream = open();
    // Both wait already.
    const both = await Promise.all([stream.next(), stream.next()]);
    assert.deepEqual(
      both.map(({ value }) => value && seenOf(value)),
      [[1, 1, 4, false], undefined],
    );
    assert.deepEqual(asked, [true, true, true, true, true, false]);
    taken.clear();
  });

  it('of a later core that cannot be reached make it open again too, numbered on', async () => {
    const calls: Call[] = [];
    serve = (call) => void calls.push(call);
    const stream = open();
    const seen = readAll(stream);
    await eventually(() => (calls.length === 1 ? undefined : 'the stream is not open'));
    const [first] = calls as [Call];
    const cancelled = once(first, 'cancelled');
    const socket = await offer(first);
    // The offer comes before the lane was read to its end.
    void offer(first, { path: path.join(folder, 'nothing.sock') });
    socket.write(onLane(picture(1)));
    setTimeout(() => socket.end(onLane(picture(2))), 50);
    await eventually(() => (calls.length === 2 ? undefined : 'the stream is not opened again'));
    await cancelled;
    const again = calls[1];
    assert.equal(again?.request.directLane, false);
    write(again, picture(1, { width: 6 }));
    write(again, picture(2, { width: 6 }));
    again.end();
    assert.deepEqual(await seen, [
      [1, 1, 4, false],
      [2, 2, 4, false],
      [3, 1, 6, true],
      [4, 2, 6, false],
    ]);
    taken.clear();
  });

  it('that cannot be reached though they were not asked for end the stream with an error', async () => {
    let calls = 0;
    serve = (call) => {
      calls += 1;
      void offer(call, { path: path.join(folder, 'nothing.sock') });
    };
    await assert.rejects(readAll(), { code: status.INTERNAL, message: /^cannot connect to .*nothing\.sock$/ });
    assert.equal(calls, 2);
    taken.clear();
  });

  it('change nothing for daemons that send pictures by gRPC', async () => {
    serve = (call) => {
      for (const n of [1, 2, 3]) write(call, picture(n));
      call.end();
    };
    assert.deepEqual(await readAll(), [
      [1, 1, 4, false],
      [2, 2, 4, false],
      [3, 3, 4, false],
    ]);
  });

  it('go on after pictures that came by gRPC, however slowly those are read', async () => {
    const [stream, call] = await opened();
    for (const n of [1, 2, 3, 4]) write(call, picture(n));
    const lane = offer(call);
    await eventually(() => (stream.buffered === 2 ? undefined : 'nothing is read ahead'));
    const seen = [];
    for (const _n of [1, 2, 3]) seen.push((await stream.next()).value?.sequence);
    const socket = await lane;
    socket.end(onLane(picture(1, { width: 6 }), ...[2, 3, 4, 5].map((n) => picture(n, { width: 6 }))));
    await eventually(() => (stream.buffered === 2 ? undefined : 'nothing is read ahead'));
    call.end();
    for await (const { sequence, discontinuity } of stream) seen.push(discontinuity ? -sequence : sequence);
    assert.deepEqual(seen, [1, 2, 3, 4, -5, 6, 7, 8, 9]);
  });

  it('are held up by a slow reader', async () => {
    const [stream, call] = await opened();
    const socket = await offer(call);
    let written = 0;
    const more = (): void => {
      while (written < 20_000) {
        written += 1;
        if (!socket.write(onLane(picture(written)))) return void socket.once('drain', more);
      }
      socket.end();
      call.end();
    };
    more();
    assert.equal((await stream.next()).value?.sequence, 1);
    await eventually(() => (stream.buffered === 2 ? undefined : `${stream.buffered} pictures are read ahead`));
    assert.ok(written < 15_000, `${written} pictures were taken from the core`);
    const seen = await readAll(stream);
    assert.deepEqual(
      seen.filter(([sequence], i) => sequence !== i + 2),
      [],
    );
    assert.equal(seen.length, 19_999);
  });

  const GIVE_UP: [string, (stream: PictureStream, abort: AbortController) => unknown][] = [
    ['cancel()', (stream) => stream.cancel()],
    ['return()', (stream) => stream.return()],
    ['an aborted signal', (_stream, abort) => abort.abort()],
    ['disposal', (stream) => stream[Symbol.asyncDispose]()],
  ];
  for (const [how, giveUp] of GIVE_UP)
    it(`close with the call by ${how}, those that are not read yet as well`, async () => {
      const abort = new AbortController();
      const [stream, call] = await opened(abort.signal);
      const gone = once(call, 'cancelled');
      const first = await offer(call);
      first.write(onLane(picture(1)));
      assert.equal((await stream.next()).value?.sequence, 1);
      await offer(call);
      assert.equal(sockets.size, 2);
      const waiting = stream.next();
      await giveUp(stream, abort);
      assert.deepEqual(await waiting, { value: undefined, done: true });
      await gone;
      await nothingOpen();
    });

  it('close when the loop breaks off while the lane is held, and with the client', async () => {
    const [stream, call] = await opened();
    const gone = once(call, 'cancelled');
    (await offer(call)).write(onLane(...[1, 2, 3, 4, 5].map((n) => picture(n))));
    for await (const { sequence } of stream) {
      assert.equal(sequence, 1);
      break;
    }
    await gone;
    await nothingOpen();
    const other = await AlirtcClient.connect(daemon.address);
    const called = new Promise<Call>((resolve) => (serve = resolve));
    const more = other.engine('engine-1').pictures({ sharedMemory: true, localLane: true });
    (await offer(await called)).write(onLane(picture(1)));
    assert.equal((await more.next()).value?.sequence, 1);
    other.close();
    await assert.rejects(more.next(), { code: status.CANCELLED });
    await nothingOpen();
  });

  const NONSENSE: [string, Buffer, RegExp][] = [
    ['too long a message', Buffer.alloc(8, 0xff), /bytes make no sense: a message of 4294967295 bytes, at most/],
    ['what is no message', Buffer.from([0, 0, 0, 3, 0x0a, 0x7f, 0x08]), /bytes make no sense: /],
  ];
  for (const [what, bytes, message] of NONSENSE)
    it(`end the stream with an error when ${what} comes, and close`, async () => {
      const [stream, call] = await opened();
      const gone = once(call, 'cancelled');
      (await offer(call)).write(Buffer.concat([onLane(picture(1)), bytes]));
      assert.equal((await stream.next()).value?.sequence, 1);
      await assert.rejects(stream.next(), (error) => {
        assert.ok(error instanceof AlirtcStatusError);
        assert.equal(error.code, status.INTERNAL);
        assert.match(error.message, message);
        return true;
      });
      await gone;
      await nothingOpen();
    });
});
