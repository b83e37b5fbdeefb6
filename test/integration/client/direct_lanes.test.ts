import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PictureRingWriter } from '../../../common/picture_ring.js';
import { DirectLanePlay, onLane, picture, readAll, write } from '../../support/direct_lane_play.js';
import { eventually } from '../../support/eventually.js';

describe('Direct lanes of the client', () => {
  let play: DirectLanePlay;
  before(async () => (play = await DirectLanePlay.start()));
  after(() => play.stop());

  it('are asked for with pictures in shared memory and lanes only', async () => {
    const asked: boolean[][] = [];
    play.serve = (call) => {
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
    for (const option of options) for await (const _frame of play.engine.pictures(option)) assert.fail('there is none');
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
    play.serve = (call) =>
      void play.offer(call).then((socket) => {
        const localFrame = ring.write(Buffer.alloc(5000, 7));
        const first = { ...picture(1), qp: 30, sliceType: 2, height: 2, localFrame, data: Buffer.alloc(0) };
        socket.end(onLane(first, { ...picture(4), header: { sequence: 4, droppedBefore: 2 } }));
        call.end();
      });
    const seen = [];
    for await (const { release, ...frame } of play.open()) {
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
    const [stream, call] = await play.opened();
    const seen = readAll(stream);
    const first = await play.offer(call);
    first.end(onLane(picture(1), picture(2)));
    await once(first, 'close');
    const empty = await play.offer(call);
    empty.end();
    await once(empty, 'close');
    const second = await play.offer(call);
    second.end(onLane(picture(1, { width: 6 }), picture(3, { width: 6 })), () => call.end());
    assert.deepEqual(await seen, [
      [1, 1, 4, false],
      [2, 2, 4, false],
      [3, 1, 6, true],
      [5, 3, 6, false],
    ]);
  });

  it('are connected to at once, but read only when the one before was read to its end', async () => {
    const [stream, call] = await play.opened();
    const count = 5000;
    const first = await play.offer(call);
    for (let n = 1; n <= count; n++) first.write(onLane(picture(n)));
    first.end();
    await eventually(() => (stream.buffered === 2 ? undefined : 'nothing is read ahead'));
    const second = await play.offer(call);
    second.end(onLane(picture(1, { width: 6 }), picture(2, { width: 6 })));
    const third = await play.offer(call);
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

  it('change nothing for daemons that send pictures by gRPC', async () => {
    play.serve = (call) => {
      for (const n of [1, 2, 3]) write(call, picture(n));
      call.end();
    };
    assert.deepEqual(await readAll(play.open()), [
      [1, 1, 4, false],
      [2, 2, 4, false],
      [3, 3, 4, false],
    ]);
  });

  it('go on after pictures that came by gRPC, however slowly those are read', async () => {
    const [stream, call] = await play.opened();
    for (const n of [1, 2, 3, 4]) write(call, picture(n));
    const lane = play.offer(call);
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
    const [stream, call] = await play.opened();
    const socket = await play.offer(call);
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
});
