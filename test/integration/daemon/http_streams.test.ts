import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import type { EngineView, EventView, FeedSnapshot } from '../../../common/console_api.js';
import { descriptorsOf } from '../bad_input/footprint.js';
import { eventually } from '../../support/eventually.js';
import { HttpScene } from './http_scene.js';
import type { EventSourceReader } from './http_scene.js';
import { Scene } from './scene.js';

const FLAGS = ['--http-listen', '127.0.0.1:0', '--console', 'control'];

describe('the live streams of the HTTP port', function () {
  this.timeout(60_000);
  let scene: Scene;
  let http: HttpScene;
  const open: EventSourceReader[] = [];
  before(async () => {
    scene = await Scene.start({ flags: FLAGS });
    http = new HttpScene(scene.daemon);
  });
  afterEach(() => open.splice(0).forEach((stream) => stream.close()));
  after(() => scene.close());

  const stream = async (path: string, headers: Record<string, string> = {}): Promise<EventSourceReader> => {
    const reader = await http.stream(path, headers);
    open.push(reader);
    return reader;
  };

  it('begin with everything as it is, then tell what changes', async () => {
    const feed = await stream('/api/v1/stream');
    const first = await feed.next();
    assert.equal(first?.event, 'snapshot');
    assert.equal((first?.data as FeedSnapshot).node.processId, scene.daemon.ready.pid);
    const { engineId } = await scene.joined('bot');
    await feed.find<EventView>('event', (event) => event.engineId === engineId && event.name === 'onJoinChannelResult');
    const joined = await feed.find<EngineView>('engine', (one) => one.engineId === engineId && one.state === 'JOINED');
    assert.equal(joined.data.channel, 'room');
    await feed.find('sample');
  });

  it('go on where a reader was that comes back, and begin anew where that is not known any more', async () => {
    const feed = await stream('/api/v1/stream');
    const { id } = await feed.find('snapshot');
    feed.close();
    const { engineId } = await scene.engine();
    const again = await stream('/api/v1/stream', { 'last-event-id': id });
    const missed = await again.next();
    assert.notEqual(missed?.event, 'snapshot');
    assert.equal(Number(missed?.id.split('-')[1]), Number(id.split('-')[1]) + 1);
    await again.find<EngineView>('engine', (one) => one.engineId === engineId);
    for (const lost of ['00000000-1', `${id.split('-')[0]}-999999999`, 'nonsense', '-', `${id}-1`.slice(1)])
      assert.equal((await (await stream('/api/v1/stream', { 'last-event-id': lost })).next())?.event, 'snapshot', lost);
  });

  it("tell every callback of one engine by the engine's own numbers, from the last one seen", async () => {
    const { engineId, core } = await scene.joined('numbers');
    const events = await stream(`/api/v1/engines/${engineId}/events?last=1000`);
    const { id } = await events.find<EventView>('event', (event) => event.name === 'onJoinChannelResult');
    core.send('REMOTE_USER_ONLINE', { uid: 'ann' });
    const online = await events.find<EventView>('event', (event) => event.name === 'onRemoteUserOnLineNotify');
    assert.deepEqual(online.data.data, { uid: 'ann' });
    events.close();

    const again = await stream(`/api/v1/engines/${engineId}/events`, { 'last-event-id': id });
    for (let sequence = Number(id) + 1; sequence <= Number(online.id); sequence++)
      assert.equal((await again.next())?.id, String(sequence));
    await http.ask(`/api/v1/engines/${engineId}`, { method: 'DELETE', headers: { 'x-alirtc-console': '1' } });
    await again.find<EventView>('event', (event) => event.name === 'ended');
    const { data } = await again.find<{ reason: string }>('bye');
    assert.equal(data.reason, 'ENGINE_ENDED');
    assert.equal(await again.next(), undefined);
  });

  it('refuse positions that are none', async () => {
    const { engineId } = await scene.engine();
    for (const last of ['-1', '1e3', 'x', '1001', ''])
      assert.deepEqual(await http.refusal(`/api/v1/engines/${engineId}/events?last=${last}`), [400, 'INVALID_FIELD']);
    const headers = { 'last-event-id': 'x' };
    assert.deepEqual(await http.refusal(`/api/v1/engines/${engineId}/events`, { headers }), [400, 'INVALID_FIELD']);
  });

  it('are limited in number, and free when they end', async () => {
    const streams = await Promise.all(Array.from({ length: 64 }, () => stream('/api/v1/stream')));
    await Promise.all(streams.map((one) => one.next()));
    assert.deepEqual(await http.refusal('/api/v1/stream'), [429, 'TOO_MANY_VIEWERS']);
    streams[0]?.close();
    await eventually(async () => {
      const next = await http.stream('/api/v1/stream');
      open.push(next);
      return next.status === 200 ? undefined : `${next.status}`;
    });
  });

  it('end readers that do not keep up, with the reason, and those that take nothing at all', async function () {
    this.timeout(120_000);
    const { engineId, core } = await scene.joined('flood');
    const { pid } = scene.daemon.ready;
    const before = descriptorsOf(pid);
    const [slow, dead] = [await http.socket(), await http.socket()];
    for (const socket of [slow, dead]) {
      socket.write(`GET /api/v1/engines/${engineId}/events HTTP/1.1\r\nhost: ${http.host}\r\n\r\n`);
      await new Promise((resolve) => socket.once('data', resolve));
      socket.pause();
    }
    // Far more than the kernel takes for a reader that does not read, and many times what the ring keeps.
    const text = 'x'.repeat(400);
    for (let n = 0; n < 30_000; n++) core.send('WARNING', { warningCode: -1, alirtcd: { text: `${n} ${text}` } });
    core.send('WARNING', { warningCode: -1, alirtcd: { text: 'the last one' } });
    await eventually(async () => {
      const { status } = await http.ask(`/api/v1/engines/${engineId}`);
      if (status !== 200) return `the daemon answers ${status}`;
      const last = await http.stream(`/api/v1/engines/${engineId}/events?last=1`);
      const { data } = await last.find<EventView>('event');
      last.close();
      return data.data['text'] === 'the last one' ? undefined : 'the flood has not arrived';
    }, 60_000);
    assert.match(await rest(slow), /event: bye\ndata: \{"reason":"(EVENTS_TOO_SLOW|TOO_SLOW)"/);
    await eventually(() => {
      const held = descriptorsOf(pid) - before;
      return held <= 0 ? undefined : `${held} descriptors more than before`;
    }, 40_000);
    dead.destroy();
  });

  it('end with the daemon, which says so', async () => {
    const own = await Scene.start({ flags: FLAGS });
    const feed = await new HttpScene(own.daemon).stream('/api/v1/stream');
    await feed.find('snapshot');
    const [exit, { data }] = await Promise.all([own.close(), feed.find<{ reason: string }>('bye')]);
    assert.equal(data.reason, 'DAEMON_STOPS');
    assert.equal(exit.code, 0);
  });
});

/** The end of what still comes. */
function rest(socket: Socket): Promise<string> {
  let tail = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => (tail = (tail + text).slice(-2000)));
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(tail)));
  socket.resume();
  return closed;
}
