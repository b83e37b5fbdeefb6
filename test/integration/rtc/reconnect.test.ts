import assert from 'node:assert/strict';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { eventually } from '../../support/eventually.js';
import {
  collectUnits,
  EncodedPictures,
  EncodedSource,
  nextEvent,
  Rooms,
  RunningServer,
  subscribeTo,
} from './support.js';

const LAYER = { quality: 'high', width: 320, height: 180, bitrateKbps: 300 } as const;

/** A way to the signalling port that can be cut; media does not go over it. */
class Wire implements AsyncDisposable {
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;

  constructor(private readonly target: number) {}

  async open(): Promise<string> {
    const server = createServer((socket) => {
      const other = connect(this.target, '127.0.0.1');
      for (const [from, to] of [
        [socket, other],
        [other, socket],
      ] as const) {
        this.#sockets.add(from);
        from.on('error', () => to.destroy()).on('close', () => to.destroy());
        from.pipe(to);
      }
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    return `ws://127.0.0.1:${this.#port}`;
  }

  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
  }
}

describe('a lost connection', () => {
  let pictures: EncodedPictures;
  before(() => {
    pictures = new EncodedPictures(320, 180, 30);
  });

  it('comes back after its signalling was cut: media flows again both ways, tracks stay valid', async () => {
    await using server = await RunningServer.start();
    await using wire = new Wire(Number(new URL(server.url).port));
    const url = await wire.open();
    await using rooms = new Rooms(url, 'cut');
    const receiver = await rooms.join('receiver');
    const sender = await rooms.join('sender');
    const subscribed = subscribeTo(receiver, 'video');
    const track = await sender.publishVideo({ source: 'camera', name: 'camera', frameRate: 30, layers: [LAYER] });
    using source = new EncodedSource();
    source.playPictures(track, [{ quality: 'high', pictures }]);
    await collectUnits(await subscribed, 10);
    const events: string[] = [];
    sender.on('reconnecting', (reason) => events.push(`reconnecting ${reason}`));
    sender.on('reconnected', () => events.push('reconnected'));
    const oldSid = track.sid;
    const again = subscribeTo(receiver, 'video');
    const back = Promise.all([nextEvent(sender, 'reconnected'), nextEvent(receiver, 'reconnected')]);
    await wire.cut();
    await eventually(() => (events.length > 0 ? undefined : 'the cut is not noticed'));
    await wire.open();
    await back;
    assert.deepEqual(events, ['reconnecting signal', 'reconnected']);
    const [unit] = await collectUnits(await again, 10);
    assert.equal(unit?.keyFrame, true);
    assert.notEqual(track.sid, oldSid);
  });

  it('comes back after the server was started anew', async () => {
    const first = await RunningServer.start();
    const port = new URL(first.url).port;
    await using rooms = new Rooms(first.url, 'restart');
    const room = await rooms.join('one');
    const reconnecting = nextEvent(room, 'reconnecting');
    await first[Symbol.asyncDispose]();
    assert.equal((await reconnecting)[0], 'signal');
    const reconnected = nextEvent(room, 'reconnected');
    await using second = await RunningServer.start(['--port', port]);
    assert.equal(second.url, first.url);
    await reconnected;
    const other = await rooms.join('two');
    await eventually(() => (room.participants.has('two') ? undefined : 'the newcomer is not seen'));
    await other.sendData(Buffer.from('hi'), { topic: 't', reliable: true });
    assert.equal((await nextEvent(room, 'data'))[0].identity, 'two');
  });

  it('ends with "connection_lost" when the limit has passed', async () => {
    const server = await RunningServer.start();
    await using rooms = new Rooms(server.url, 'limit');
    const room = await rooms.join('one', { reconnectLimitMs: 600 });
    const events: string[] = [];
    room.on('reconnecting', () => events.push('reconnecting'));
    room.on('ended', (cause) => events.push(cause));
    const ended = nextEvent(room, 'ended');
    // Without a word.
    await server.end('SIGKILL');
    await ended;
    assert.deepEqual(events, ['reconnecting', 'connection_lost']);
    await server[Symbol.asyncDispose]();
  });

  it('ends with "server_shutdown" when the server said so and does not come back', async () => {
    const server = await RunningServer.start();
    await using rooms = new Rooms(server.url, 'shutdown');
    const room = await rooms.join('one', { reconnectLimitMs: 600 });
    const ended = nextEvent(room, 'ended');
    await server[Symbol.asyncDispose]();
    assert.equal((await ended)[0], 'server_shutdown');
  });

  it('can be closed while it tries to come back', async () => {
    const server = await RunningServer.start();
    await using rooms = new Rooms(server.url, 'close');
    const room = await rooms.join('one');
    const reconnecting = nextEvent(room, 'reconnecting');
    await server[Symbol.asyncDispose]();
    await reconnecting;
    const ended = nextEvent(room, 'ended');
    await room.close();
    assert.equal((await ended)[0], 'left');
  });
});
