import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { AlirtcError } from '../../../common/errors.js';
import { createLogger } from '../../../common/logger.js';
import type { Callback } from '../../../coreservice/ipc/callbacks.js';
import type { Command } from '../../../coreservice/ipc/commands.js';
import type { CoreConnection } from '../../../coreservice/ipc/core_connection.js';
import { listenForHost } from '../../../coreservice/ipc/core_listener.js';
import type { ConnectionEnd } from '../../../coreservice/ipc/framed_socket.js';
import { HostConnection } from '../../../coreservice/ipc/host_connection.js';

async function pair(): Promise<{ host: HostConnection; core: CoreConnection }> {
  const listener = await listenForHost(0);
  const [host, core] = await Promise.all([HostConnection.connect({ port: listener.port }), listener.accept()]);
  return { host, core };
}

async function nextEnd(connection: HostConnection | CoreConnection): Promise<ConnectionEnd> {
  const emitter: NodeJS.EventEmitter = connection;
  const [end] = (await once(emitter, 'closed')) as [ConnectionEnd];
  return end;
}

/** A listener that hands its raw sockets to the test. */
async function rawServer(): Promise<{ server: Server; port: number; socket: Promise<Socket> }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = once(server, 'connection').then(([accepted]) => {
    server.close();
    return accepted as Socket;
  });
  return { server, port: (server.address() as AddressInfo).port, socket };
}

function unit(text: string): Buffer {
  const body = Buffer.from(text);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
}

describe('the connection between host and core service', () => {
  it('ends when what takes its messages throws, and takes nothing else along', async () => {
    const { host, core } = await pair();
    const ended = nextEnd(host);
    host.on('callback', () => {
      throw new RangeError('a defect');
    });
    core.notify('GREET_READY', { ready: true });
    const end = await ended;
    assert.equal(end.kind === 'failed' && end.error.reason, 'IPC_MESSAGE_FAILED');
    assert.match(end.kind === 'failed' ? end.error.message : '', /GREET_READY could not be worked off: a defect/);
    await core.close();
  });

  it('carries a large picture each way, between other messages and in their order', async () => {
    const { host, core } = await pair();
    const picture = Buffer.alloc(1920 * 1080 * 1.5, 7);
    picture.write('first');
    picture.write('last', picture.length - 4);
    const commands: Command[] = [];
    const callbacks: Callback[] = [];
    const both = Promise.all([
      new Promise<void>((resolve) => core.on('command', (one) => commands.push(one) === 3 && resolve())),
      new Promise<void>((resolve) => host.on('callback', (one) => callbacks.push(one) === 3 && resolve())),
    ]);
    host.send('LEAVE_CHANNEL', {});
    host.send(
      'PUSH_VIDEO_FRAME',
      {
        source: 0,
        format: 1,
        bufferType: 0,
        strideY: 1920,
        strideU: 960,
        strideV: 960,
        height: 1080,
        width: 1920,
        rotation: 0,
        timestamp: 1_700_000_000_123,
      },
      picture,
    );
    host.send('MUTE_LOCAL_MIC', { mute: true });
    core.notify('LEAVE_RESULT', { leaveresult: 0 });
    core.notify(
      'DECODED_VIDEO_FRAME',
      {
        uid: 'bob',
        track: 1,
        type: 0,
        frame_ms: 40,
        width: 1920,
        height: 1080,
        frame_num: 1,
        qp: 0,
        mv_infos: [],
        slice_type: 0,
        alirtcd: { sequence: 1, captureTimeUs: 5 },
      },
      picture,
    );
    core.notify('AUDIO_BUFFER_FULL', { success: false });
    await Promise.all([host.drained(), core.drained(), both]);
    assert.deepEqual(
      commands.map(({ name }) => name),
      ['LEAVE_CHANNEL', 'PUSH_VIDEO_FRAME', 'MUTE_LOCAL_MIC'],
    );
    assert.deepEqual(
      callbacks.map(({ name }) => name),
      ['LEAVE_RESULT', 'DECODED_VIDEO_FRAME', 'AUDIO_BUFFER_FULL'],
    );
    assert.ok(commands[1]?.payload?.equals(picture));
    assert.ok(callbacks[1]?.payload?.equals(picture));
    assert.deepEqual(callbacks[1]?.fields.alirtcd, { sequence: 1, captureTimeUs: 5 });
    const ends = Promise.all([nextEnd(host), nextEnd(core)]);
    await host.close();
    assert.deepEqual(await ends, [{ kind: 'requested' }, { kind: 'peer_ended' }]);
  });

  it('delivers what was sent just before either end closes', async () => {
    const { host, core } = await pair();
    const names: string[] = [];
    host.on('callback', ({ name }) => names.push(name));
    const end = nextEnd(host);
    // Still unread when the core closes: must not turn its close into a reset.
    host.send('LEAVE_CHANNEL', {});
    for (let index = 0; index < 200; index++) core.notify('AUDIO_BUFFER_FULL', { success: true });
    core.notify('LEAVE_RESULT', { leaveresult: 0 });
    await core.close();
    assert.deepEqual(await end, { kind: 'peer_ended' });
    assert.equal(names.length, 201);
    assert.equal(names.at(-1), 'LEAVE_RESULT');
  });

  it('refuses to send commands after the end, and drops callbacks', async () => {
    const { host, core } = await pair();
    const end = nextEnd(core);
    host.destroy();
    await end;
    assert.throws(() => host.send('LEAVE_CHANNEL', {}), { class: 'unavailable', reason: 'IPC_CONNECTION_LOST' });
    core.notify('LEAVE_RESULT', { leaveresult: 0 });
    await Promise.all([core.drained(), host.drained()]);
  });

  it('holds a fast sender back until the reader reads on', async () => {
    const { host, core } = await pair();
    core.pause();
    const chunk = Buffer.alloc(1 << 20, 1);
    const fields = { timestamp: 0, isEndFrame: 0, frameID: '', sentenceID: 0, sequenceID: 0 };
    let sent = 0;
    do {
      host.send('PUSH_AUDIO_FRAME', fields, chunk);
      sent++;
    } while (host.writableLength === 0 && sent < 90);
    assert.ok(host.writableLength > 0, 'the socket took everything');
    let drained = false;
    const room = host.drained().then(() => (drained = true));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(drained, false);
    let received = 0;
    const all = new Promise<void>((resolve) => core.on('command', () => ++received === sent && resolve()));
    core.resume();
    await Promise.all([room, all]);
    await host.close();
  });

  it('ends the connection when more waits than is allowed', async () => {
    const listener = await listenForHost(0);
    const [host, core] = await Promise.all([
      HostConnection.connect({ port: listener.port, maxQueuedBytes: 1 << 20 }),
      listener.accept(),
    ]);
    core.pause();
    const end = nextEnd(host);
    const chunk = Buffer.alloc(1 << 20, 1);
    const fields = { timestamp: 0, isEndFrame: 0, frameID: '', sentenceID: 0, sequenceID: 0 };
    for (let index = 0; index < 60 && host.isOpen; index++) host.send('PUSH_AUDIO_FRAME', fields, chunk);
    const cause = await end;
    assert.equal(cause.kind, 'failed');
    assert.match(cause.kind === 'failed' ? cause.error.message : '', /the other end does not read: \d+ bytes wait/);
    core.destroy();
  });

  it('ends when the other end does, even if that one has stopped reading', async () => {
    const raw = await rawServer();
    const host = await HostConnection.connect({ port: raw.port });
    const peer = (await raw.socket).pause();
    peer.on('error', () => {});
    const fields = { timestamp: 0, isEndFrame: 0, frameID: '', sentenceID: 0, sequenceID: 0 };
    while (host.writableLength === 0) host.send('PUSH_AUDIO_FRAME', fields, Buffer.alloc(1 << 20, 1));
    const end = nextEnd(host);
    peer.end();
    assert.deepEqual(await end, { kind: 'peer_ended' });
    peer.destroy();
  });

  it('takes one host only', async () => {
    const listener = await listenForHost(0);
    const { port } = listener;
    const [host, core] = await Promise.all([HostConnection.connect({ port }), listener.accept()]);
    await assert.rejects(HostConnection.connect({ port, attempts: 2, intervalMs: 1 }), { class: 'unavailable' });
    assert.ok(host.isOpen && core.isOpen);
    await host.close();
  });

  it('listens elsewhere when the port is taken, and says where', async () => {
    const { server, port } = await rawServer();
    const listener = await listenForHost(port);
    assert.notEqual(listener.port, port);
    listener.close();
    server.close();
  });

  it('gives up waiting for a host, and listens no more', async () => {
    const listener = await listenForHost(0, { acceptTimeoutMs: 20 });
    const { port } = listener;
    await assert.rejects(listener.accept(), { class: 'deadline_exceeded', message: /within 20 ms/ });
    await assert.rejects(HostConnection.connect({ port, attempts: 1 }), { class: 'unavailable' });
  });

  it('connects to a core that listens late', async () => {
    const early = await rawServer();
    const { port } = early;
    early.server.close();
    await once(early.server, 'close');
    const connecting = HostConnection.connect({ port, attempts: 100, intervalMs: 5 });
    const listener = await listenForHost(port);
    assert.equal(listener.port, port);
    const [host] = await Promise.all([connecting, listener.accept()]);
    await host.close();
  });

  it('stops connecting when asked to', async () => {
    const early = await rawServer();
    early.server.close();
    const abort = new AbortController();
    const connecting = HostConnection.connect({ port: early.port, attempts: 1000, signal: abort.signal });
    setImmediate(() => abort.abort());
    await assert.rejects(connecting, { class: 'cancelled' });
  });

  const broken: [title: string, bytes: Buffer, expected: RegExp][] = [
    ['a unit that is not JSON', unit('GET / HTTP/1.1'), /begins with "GET \/ HTTP\/1.1" is not JSON/],
    ['an oversize unit', Buffer.from('ffffffff', 'hex'), /a unit of 4294967295 bytes was announced/],
    ['half a message', unit('{"Request":1018,"warningCode":-1}').subarray(0, 20), /ended in the middle/],
    ['a wrong type', unit('{"Request":1018,"warningCode":"x"}'), /WARNING key "warningCode": is "x", must be a whole/],
    [
      'half a payload',
      Buffer.concat([unit('{"Request":1019,"userid":"bob","size":9}'), Buffer.from([0, 0, 0, 9, 1])]),
      /SEI_RECEIVED: the connection ended after 1 of 9 bytes/,
    ],
  ];
  for (const [title, bytes, expected] of broken)
    it(`ends with a clear error on ${title}, after what came before it`, async () => {
      const raw = await rawServer();
      const host = await HostConnection.connect({ port: raw.port });
      const end = nextEnd(host);
      const names: string[] = [];
      host.on('callback', ({ name }) => names.push(name));
      const socket = await raw.socket;
      socket.on('error', () => {});
      socket.end(Buffer.concat([unit('{"Request":1005,"uid":"bob"}'), bytes]));
      const cause = await end;
      assert.ok(cause.kind === 'failed' && cause.error instanceof AlirtcError);
      assert.equal(cause.error.reason, 'IPC_PROTOCOL_ERROR');
      assert.match(cause.error.message, expected);
      assert.deepEqual(names, ['REMOTE_USER_ONLINE']);
      socket.destroy();
    });

  it('sees a reset as a lost connection', async () => {
    const raw = await rawServer();
    const host = await HostConnection.connect({ port: raw.port });
    const end = nextEnd(host);
    (await raw.socket).resetAndDestroy();
    const cause = await end;
    assert.ok(cause.kind === 'failed');
    assert.equal(cause.error.reason, 'IPC_CONNECTION_LOST');
  });

  it('tells of an unlisted number once, at level debug', async () => {
    const lines: unknown[] = [];
    const logger = createLogger('test', 'silent');
    logger.debug = (fields: unknown) => void lines.push(fields);
    const raw = await rawServer();
    const host = await HostConnection.connect({ port: raw.port, logger });
    const named = once(host as NodeJS.EventEmitter, 'callback');
    const peer = await raw.socket;
    peer.write(Buffer.concat([unit('{"Request":1033}'), unit('{"Request":1033}'), unit('{"Request":1006,"uid":"b"}')]));
    await named;
    assert.deepEqual(lines, [{ number: 1033 }]);
    host.destroy();
    peer.destroy();
  });
});
