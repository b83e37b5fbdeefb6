import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { MediaTransportFactory } from '../../../webrtc/media_transport.js';
import { WeriftTransport } from '../../../webrtc/werift_transport.js';
import { eventually } from '../../support/eventually.js';
import { TcpWire } from '../../support/tcp_wire.js';
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

/** A firewall: no candidate of the server is ever reached. */
const DEAF: MediaTransportFactory = {
  prepare: () => WeriftTransport.prepare(),
  create: async (options) => {
    const transport = await WeriftTransport.create({ ...options, connectTimeoutMs: 1000 });
    transport.addRemoteCandidate = () => undefined;
    return transport;
  },
};

describe('a lost connection', () => {
  let pictures: EncodedPictures;
  before(() => {
    pictures = new EncodedPictures(320, 180, 30);
  });

  for (const isLong of [false, true])
    it(`comes back after its signalling was cut, ${isLong ? 'when its place is gone: media flows again both ways, tracks stay valid' : 'to its place: media has gone on'}`, async function () {
      this.timeout(60_000);
      await using server = await RunningServer.start();
      await using wire = await TcpWire.open(Number(new URL(server.url).port));
      await using rooms = new Rooms(wire.url, 'cut');
      await using others = new Rooms(server.url, 'cut');
      const witness = await others.join('witness');
      const receiver = await rooms.join('receiver');
      const sender = await rooms.join('sender');
      const subscribed = subscribeTo(receiver, 'video');
      const track = await sender.publishVideo({ source: 'camera', name: 'camera', frameRate: 30, layers: [LAYER] });
      using source = new EncodedSource();
      source.playPictures(track, [{ quality: 'high', pictures }]);
      const remote = await subscribed;
      await collectUnits(remote, 10);
      await eventually(() => (witness.participants.size === 2 ? undefined : 'the witness does not see both'));
      const events: string[] = [];
      sender.on('reconnecting', (reason) => events.push(`reconnecting ${reason}`));
      sender.on('reconnected', () => events.push('reconnected'));
      const oldSid = track.sid;
      const left: string[] = [];
      witness.on('participant_left', ({ identity }) => left.push(identity));
      const again = isLong ? subscribeTo(receiver, 'video', 40_000) : undefined;
      const back = [sender, receiver].map((room) => once(room, 'reconnected', { signal: AbortSignal.timeout(40_000) }));
      await wire.cut();
      if (isLong) await eventually(() => (left.length === 2 ? undefined : `${left.length} have left`), 20_000);
      await wire.mend();
      await Promise.all(back);
      assert.deepEqual(events, ['reconnecting signal', 'reconnected']);
      const [unit] = await collectUnits((await again) ?? remote, 10);
      assert.equal(track.sid === oldSid, !isLong);
      assert.deepEqual(left.sort(), isLong ? ['receiver', 'sender'] : []);
      if (isLong) assert.equal(unit?.keyFrame, true);
    });

  it('ends behind the limit when media never comes, however often it joins', async function () {
    this.timeout(40_000);
    await using server = await RunningServer.start();
    await using rooms = new Rooms(server.url, 'deaf');
    const room = await rooms.create('one', { reconnectLimitMs: 2500, transports: DEAF });
    const lost: string[] = [];
    room.on('reconnecting', (reason) => lost.push(reason));
    const ended = once(room, 'ended', { signal: AbortSignal.timeout(30_000) });
    await room.connect();
    const [cause, detail] = (await ended) as [string, string];
    assert.equal(cause, 'connection_lost');
    assert.match(detail, /no connection in time/);
    assert.ok(lost.length >= 2, 'it joined again before it gave up');
    assert.deepEqual([...new Set(lost)], ['media']);
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
    const received = nextEvent(room, 'data');
    await other.sendData(Buffer.from('hi'), { topic: 't', reliable: true });
    assert.equal((await received)[0].identity, 'two');
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
