import assert from 'node:assert/strict';
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { AlirtcClient, AlirtcStatusError } from '../../../client/index.js';
import type { PictureStream } from '../../../client/index.js';
import { DirectLanePlay, onLane, picture, readAll, seenOf, write } from '../../support/direct_lane_play.js';
import type { PictureCall } from '../../support/direct_lane_play.js';
import { eventually } from '../../support/eventually.js';
import { serviceError } from '../../support/fake_daemon/status.js';

function fail(call: PictureCall): void {
  call.emit('error', serviceError(status.UNAVAILABLE, 'core died', 'ERR_NETWORK_DISCONNECT', {}));
}

describe('The end of direct lanes of the client', () => {
  let play: DirectLanePlay;
  before(async () => (play = await DirectLanePlay.start()));
  after(() => play.stop());

  it('are read to their end before the error of the stream counts', async () => {
    const [stream, call] = await play.opened();
    const socket = await play.offer(call);
    fail(call);
    setTimeout(() => socket.end(onLane(picture(1), picture(2))), 50);
    assert.equal((await stream.next()).value?.sequence, 1);
    assert.equal((await stream.next()).value?.sequence, 2);
    await assert.rejects(stream.next(), { code: status.UNAVAILABLE, reason: 'ERR_NETWORK_DISCONNECT' });
    assert.deepEqual(await stream.next(), { value: undefined, done: true });
    await play.nothingOpen();
  });

  it('that their core closes wait for what the daemon says, even before the first picture', async () => {
    const asked: boolean[] = [];
    play.serve = (call) => {
      asked.push(call.request.directLane);
      void play.offer(call).then((socket) => {
        socket.destroy();
        socket.once('close', () => setTimeout(fail, 50, call));
      });
    };
    await assert.rejects(readAll(play.open()), { code: status.UNAVAILABLE, reason: 'ERR_NETWORK_DISCONNECT' });
    assert.deepEqual(asked, [true]);
  });

  it('that their core does not close are closed after the status of the stream', async function () {
    this.timeout(30_000);
    const [stream, call] = await play.opened();
    const socket = await play.offer(call);
    socket.write(onLane(picture(1)), () => call.end());
    assert.deepEqual(await readAll(stream), [[1, 1, 4, false]]);
    await play.nothingOpen();
  });

  it('that cannot be reached make the stream open again without them', async () => {
    const asked: boolean[] = [];
    play.serve = (call) => {
      const { localFrames, localLane, directLane } = call.request;
      asked.push(localFrames, localLane, directLane);
      if (directLane) return play.offerNothing(call);
      write(call, picture(1));
      call.end();
    };
    const stream = play.open();
    // Both wait already.
    const both = await Promise.all([stream.next(), stream.next()]);
    assert.deepEqual(
      both.map(({ value }) => value && seenOf(value)),
      [[1, 1, 4, false], undefined],
    );
    assert.deepEqual(asked, [true, true, true, true, true, false]);
  });

  it('of a later core that cannot be reached make it open again too, numbered on', async () => {
    const calls: PictureCall[] = [];
    play.serve = (call) => void calls.push(call);
    const stream = play.open();
    const seen = readAll(stream);
    await eventually(() => (calls.length === 1 ? undefined : 'the stream is not open'));
    const [first] = calls as [PictureCall];
    const cancelled = once(first, 'cancelled');
    const socket = await play.offer(first);
    // The offer comes before the lane was read to its end.
    play.offerNothing(first);
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
  });

  it('that cannot be reached though they were not asked for end the stream with an error', async () => {
    let calls = 0;
    play.serve = (call) => {
      calls += 1;
      play.offerNothing(call);
    };
    await assert.rejects(readAll(play.open()), {
      code: status.INTERNAL,
      message: /^cannot connect to .*nothing\.sock$/,
    });
    assert.equal(calls, 2);
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
      const [stream, call] = await play.opened(abort.signal);
      const gone = once(call, 'cancelled');
      const first = await play.offer(call);
      first.write(onLane(picture(1)));
      assert.equal((await stream.next()).value?.sequence, 1);
      await play.offer(call);
      assert.equal(play.sockets.size, 2);
      const waiting = stream.next();
      await giveUp(stream, abort);
      assert.deepEqual(await waiting, { value: undefined, done: true });
      await gone;
      await play.nothingOpen();
    });

  it('close when the loop breaks off while the lane is held, and with the client', async () => {
    const [stream, call] = await play.opened();
    const gone = once(call, 'cancelled');
    (await play.offer(call)).write(onLane(...[1, 2, 3, 4, 5].map((n) => picture(n))));
    for await (const { sequence } of stream) {
      assert.equal(sequence, 1);
      break;
    }
    await gone;
    await play.nothingOpen();
    const other = await AlirtcClient.connect(play.daemon.address);
    const called = new Promise<PictureCall>((resolve) => (play.serve = resolve));
    const more = other.engine('engine-1').pictures({ sharedMemory: true, localLane: true });
    (await play.offer(await called)).write(onLane(picture(1)));
    assert.equal((await more.next()).value?.sequence, 1);
    other.close();
    await assert.rejects(more.next(), { code: status.CANCELLED });
    await play.nothingOpen();
  });

  const NONSENSE: [string, Buffer, RegExp][] = [
    ['too long a message', Buffer.alloc(8, 0xff), /bytes make no sense: a message of 4294967295 bytes, at most/],
    ['what is no message', Buffer.from([0, 0, 0, 3, 0x0a, 0x7f, 0x08]), /bytes make no sense: /],
  ];
  for (const [what, bytes, message] of NONSENSE)
    it(`end the stream with an error when ${what} comes, and close`, async () => {
      const [stream, call] = await play.opened();
      const gone = once(call, 'cancelled');
      (await play.offer(call)).write(Buffer.concat([onLane(picture(1)), bytes]));
      assert.equal((await stream.next()).value?.sequence, 1);
      await assert.rejects(stream.next(), (error) => {
        assert.ok(error instanceof AlirtcStatusError);
        assert.equal(error.code, status.INTERNAL);
        assert.match(error.message, message);
        return true;
      });
      await gone;
      await play.nothingOpen();
    });
});
