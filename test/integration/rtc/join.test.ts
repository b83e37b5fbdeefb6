import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer as createTcpServer } from 'node:net';
import { LiveKitRoom } from '../../../coreservice/rtc/livekit_room.js';
import { RoomConnectError } from '../../../coreservice/rtc/connect_error.js';
import { createLogger } from '../../../common/logger.js';
import { eventually } from '../../support/eventually.js';
import { nextEvent, Rooms, RunningServer, tokenFor } from './support.js';

const logger = createLogger('test', 'fatal');

async function connectTo(url: string, token = 'x', connectTimeoutMs = 5000): Promise<RoomConnectError> {
  const room = new LiveKitRoom({ url, token, logger, connectTimeoutMs, reconnectLimitMs: 1000 });
  try {
    await room.connect();
  } catch (error) {
    assert.ok(error instanceof RoomConnectError, String(error));
    return error;
  } finally {
    await room.close();
  }
  throw new Error('it connected');
}

/** A listener that does with connections what it is told. */
async function misbehaving(onSocket: (socket: Socket) => void): Promise<{ url: string; close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

describe('joining a room', () => {
  let server: RunningServer;
  before(async () => {
    server = await RunningServer.start();
  });
  after(() => server[Symbol.asyncDispose]());

  it('tells who was there behind the join, then who comes and goes, in order', async () => {
    await using rooms = new Rooms(server.url, 'order');
    const first = await rooms.join('first');
    const second = await rooms.create('second');
    const seen: string[] = [];
    second.on('participant_joined', ({ identity }) => seen.push(`joined ${identity}`));
    second.on('participant_left', ({ identity }) => seen.push(`left ${identity}`));
    await second.connect();
    assert.deepEqual(seen, []);
    assert.equal(second.localIdentity, 'second');
    assert.equal(second.roomName, 'order');
    await nextEvent(second, 'participant_joined');
    const third = await rooms.join('third');
    await eventually(() => (second.participants.size === 2 ? undefined : 'third is not seen'));
    await third.close();
    await first.close();
    await eventually(() => (second.participants.size === 0 ? undefined : 'somebody is still there'));
    assert.deepEqual(seen, ['joined first', 'joined third', 'left third', 'left first']);
  });

  it('ends once with "left" when it is closed, and closing again waits for the same end', async () => {
    await using rooms = new Rooms(server.url, 'closing');
    const room = await rooms.join('one');
    const ended: string[] = [];
    room.on('ended', (cause) => ended.push(cause));
    await Promise.all([room.close(), room.close()]);
    assert.deepEqual(ended, ['left']);
    await assert.rejects(room.publishAudio({ name: 'mic', stereo: false }), /not connected/);
  });

  it('ends with "duplicate_identity" when the same identity joins elsewhere', async () => {
    await using rooms = new Rooms(server.url, 'duplicate');
    const earlier = await rooms.join('same');
    const ended = nextEvent(earlier, 'ended');
    await rooms.join('same');
    assert.equal((await ended)[0], 'duplicate_identity');
  });

  it('shows attributes to the others', async () => {
    await using rooms = new Rooms(server.url, 'attributes');
    const one = await rooms.join('one');
    const two = await rooms.join('two');
    const changed = nextEvent(two, 'participant_changed');
    await one.setAttributes({ 'alirtc.role': 'live' });
    const [participant] = await changed;
    assert.equal(participant.identity, 'one');
    assert.equal(participant.attributes['alirtc.role'], 'live');
  });

  for (const reliable of [true, false])
    it(`carries ${reliable ? 'reliable' : 'lossy'} data with topic and sender`, async () => {
      await using rooms = new Rooms(server.url, `data-${reliable}`);
      const one = await rooms.join('one');
      const two = await rooms.join('two');
      await nextEvent(two, 'participant_joined');
      // Both receivers open their channels behind the join; a lossy message before that would be lost by right.
      const answer = nextEvent(one, 'data');
      await eventually(async () => {
        const received = Promise.race([nextEvent(two, 'data'), new Promise((resolve) => setTimeout(resolve, 300))]);
        await one.sendData(Buffer.from('hello'), { topic: 'greeting', reliable });
        const message = (await received) as [{ identity: string; topic: string; payload: Buffer; reliable: boolean }];
        if (!Array.isArray(message)) return 'nothing received';
        assert.deepEqual(message[0], { identity: 'one', topic: 'greeting', payload: Buffer.from('hello'), reliable });
        return undefined;
      });
      await two.sendData(Buffer.alloc(50_000, 7), { topic: 'large', reliable: true });
      assert.equal((await answer)[0].payload.length, 50_000);
    });

  it('refuses larger data by name', async () => {
    await using rooms = new Rooms(server.url, 'large');
    const room = await rooms.join('one');
    await assert.rejects(room.sendData(Buffer.alloc(70_000), { topic: 't', reliable: true }), /at most 60000 bytes/);
  });

  it('says "unauthorized" with the server\'s text for a wrong key', async () => {
    const token = await tokenFor('room', 'one', { appKey: 'another-key-that-is-long-enough-01234567' });
    const error = await connectTo(server.url, token);
    assert.equal(error.kind, 'unauthorized');
    assert.match(error.message, /HTTP status 401/);
    assert.ok(!error.message.includes(token));
  });
});

/** A way to a server that notes the paths that are asked for. */
async function noting(target: number): Promise<{ url: string; paths: string[] } & AsyncDisposable> {
  const paths: string[] = [];
  const { url, close } = await misbehaving((socket) => {
    const other = connect(target, '127.0.0.1');
    socket.once('data', (data) => paths.push(/^GET ([^? ]*)/.exec(data.toString('latin1'))?.[1] ?? ''));
    for (const [from, to] of [
      [socket, other],
      [other, socket],
    ] as const)
      from.on('error', () => to.destroy()).on('close', () => to.destroy());
    socket.pipe(other).pipe(socket);
  });
  return { url, paths, [Symbol.asyncDispose]: close };
}

describe('the path by which a room is joined', () => {
  it('is /rtc/v1 where the server has it', async () => {
    await using server = await RunningServer.start();
    await using way = await noting(Number(new URL(server.url).port));
    await using rooms = new Rooms(way.url, 'paths');
    await rooms.join('one');
    await rooms.join('two', { connections: 'dual' });
    assert.deepEqual(way.paths, ['/rtc/v1', '/rtc']);
  });

  it('is /rtc where the server has only that, and /rtc/v1 is not asked for again', async () => {
    await using server = await RunningServer.start(['--no-single-connection']);
    await using way = await noting(Number(new URL(server.url).port));
    await using rooms = new Rooms(way.url, 'paths');
    for (const identity of ['one', 'two', 'three']) await rooms.join(identity);
    assert.deepEqual(way.paths, ['/rtc/v1', '/rtc', '/rtc', '/rtc']);
    const forced = await rooms.create('four', { connections: 'single' });
    await assert.rejects(forced.connect(), { kind: 'not_found' });
  });
});

describe('joining where no room is', () => {
  it('says "refused" where nobody listens', async () => {
    const { url, close } = await misbehaving(() => undefined);
    await close();
    assert.equal((await connectTo(url)).kind, 'refused');
  });

  it('says "timeout" where nobody answers', async () => {
    const { url, close } = await misbehaving(() => undefined);
    assert.equal((await connectTo(url, 'x', 200)).kind, 'timeout');
    await close();
  });

  it('says "protocol" where something else answers', async () => {
    const { url, close } = await misbehaving((socket) => socket.end('220 mail.example ESMTP\r\n'));
    assert.equal((await connectTo(url)).kind, 'protocol');
    await close();
  });

  for (const [status, kind] of [
    [404, 'not_found'],
    [503, 'server'],
  ] as const)
    it(`says "${kind}" for the HTTP status ${status}`, async () => {
      const server = createServer((_request, response) => response.writeHead(status).end('because'));
      server.on('upgrade', (_request, socket) =>
        socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 7\r\nconnection: close\r\n\r\nbecause`),
      );
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const error = await connectTo(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
      assert.equal(error.kind, kind);
      assert.match(error.message, /because/);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
});
