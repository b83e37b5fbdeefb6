import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { SignalRequest, SignalResponse } from '@livekit/protocol';
import WebSocket from 'ws';
import { EngineState, TokenFormat } from '../../../client/index.js';
import { eventually } from '../../support/eventually.js';
import { descriptorsOf, residentBytes } from './footprint.js';
import { within } from './refused.js';
import { newChannel, TestBed } from './test_bed.js';

/** Resolves when the other end has closed, with what it said before. */
async function closedBy(socket: Socket, timeoutMs = 8_000): Promise<string> {
  let said = '';
  socket.on('data', (chunk: Buffer) => (said += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  // Not events.once(): it rejects at an error, which a refused connection is.
  const closed = new Promise<void>((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve())));
  await within(closed, timeoutMs, () => 'the connection stays open');
  return said;
}

describe('faults: hostile peers', function () {
  this.timeout(30_000);
  let bed: TestBed;
  let url: URL;
  let serverPid: number;
  before(async () => {
    bed = await TestBed.open();
    url = new URL(bed.daemon.ready.channelServerUrl);
    const { processes } = await bed.client.nodeStatus();
    serverPid = processes.find(({ kind }) => kind === 'channel-server')?.processId ?? 0;
  });
  after(() => bed[Symbol.asyncDispose]());

  const toServer = (): Socket => connect({ host: url.hostname, port: Number(url.port) });

  async function webSocket(channel: string): Promise<WebSocket> {
    const { token } = await bed.client.generateToken({ channel, userId: 'hostile', format: TokenFormat.LIVEKIT });
    const socket = new WebSocket(`${url.href}rtc?access_token=${token}`);
    socket.on('error', () => undefined);
    const first = (await within(once(socket, 'message'), 5_000, () => 'no join response')) as [Buffer];
    assert.equal(SignalResponse.fromBinary(first[0]).message.case, 'join');
    return socket;
  }

  const closeCode = async (socket: WebSocket): Promise<number> => {
    const closed = new Promise<number>((resolve) => socket.once('close', (code: number) => resolve(code)));
    return within(closed, 8_000, () => 'the WebSocket stays open');
  };

  /** The same process serves on, and a join works. */
  async function serverIsWell(): Promise<void> {
    const { processes } = await bed.client.nodeStatus();
    assert.equal(processes.find(({ kind }) => kind === 'channel-server')?.processId, serverPid, 'it was started again');
    const engine = await bed.joined(newChannel(), 'me');
    await engine.release();
    await bed.nothingIsLeft();
  }

  it("a second connection to the core's port is refused, and the engine does not notice", async () => {
    await using engine = await bed.joined(newChannel(), 'me');
    for (let i = 0; i < 20; i++) {
      const socket = connect({ host: '127.0.0.1', port: engine.corePort });
      socket.on('error', () => undefined);
      socket.write(randomBytes(10_000));
      await closedBy(socket);
    }
    assert.match(await engine.getSdkVersion(), /./);
    assert.equal((await engine.snapshot())?.state, EngineState.JOINED);
    await engine.release();
    await bed.nothingIsLeft();
  });

  it("random bytes at the channel server's port end that connection only", async () => {
    for (let i = 0; i < 20; i++) {
      const socket = toServer();
      const closed = closedBy(socket);
      socket.write(randomBytes(5_000));
      socket.write('\r\n\r\n');
      await closed;
    }
    await serverIsWell();
  });

  it('odd HTTP requests get an answer of 4xx', async () => {
    const base = `http://${url.host}`;
    const long = 'x'.repeat(10_000);
    for (const [path, init, expected] of [
      ['/', { method: 'POST', body: 'x' }, 405],
      ['/nothing', {}, 404],
      ['/rtc/validate', {}, 401],
      ['/rtc/validate?access_token=%00%ff', {}, 401],
      [`/rtc/validate?access_token=${long}`, {}, 401],
      ['/alirtc/v1/exchange', { method: 'POST', body: '{' }, 400],
      ['/alirtc/v1/exchange', { method: 'POST', body: 'null' }, 400],
      ['/alirtc/v1/exchange', { method: 'POST', body: 'x'.repeat(100_000) }, 413],
      ['/../../etc/passwd', {}, 404],
    ] as [string, RequestInit, number][]) {
      const response = await fetch(base + path, { ...init, signal: AbortSignal.timeout(5_000) });
      assert.equal(response.status, expected, path.slice(0, 60));
      await response.arrayBuffer();
    }
    await serverIsWell();
  });

  it('a header that never ends is cut off', async () => {
    const socket = toServer();
    socket.write('GET / HTTP/1.1\r\nX: ');
    const closed = closedBy(socket, 10_000);
    const feeding = setInterval(() => socket.writable && socket.write('x'.repeat(4_000)), 20);
    const said = await closed.finally(() => clearInterval(feeding));
    assert.match(said, /^HTTP\/1\.1 (431|400|408)/);
    await serverIsWell();
  });

  for (const [title, send, codes] of [
    ['random bytes', () => Buffer.concat([Buffer.from([0xff]), randomBytes(500)]), [1007]],
    ['a frame of 2 MB', () => Buffer.alloc(2_000_000), [1009, 1006]],
    ['text', () => 'hello', [1003]],
  ] as [string, () => Buffer | string, number[]][])
    it(`a WebSocket that sends ${title} is closed by code, its participant leaves`, async () => {
      const socket = await webSocket(newChannel());
      const closed = closeCode(socket);
      socket.send(send());
      const code = await closed;
      assert.ok(codes.includes(code), `closed with ${code}`);
      await serverIsWell();
    });

  for (const [title, message] of [
    ['an answer that nobody asked for', { case: 'answer', value: { type: 'answer', sdp: 'v=0' } }],
    ['an offer of garbage', { case: 'offer', value: { type: 'offer', sdp: '\u0000garbage\r\nm=video -1' } }],
    ['a candidate of garbage', { case: 'trickle', value: { candidateInit: '{"candidate":7}' } }],
    ['a candidate that is no JSON', { case: 'trickle', value: { candidateInit: '{' } }],
    ['a mute of a track that is not there', { case: 'mute', value: { sid: 'TR_none', muted: true } }],
    ['a track without a name', { case: 'addTrack', value: { cid: '', name: '', width: 4_000_000_000 } }],
    ['nothing', { case: undefined }],
  ] as [string, object][])
    it(`a WebSocket that sends ${title} does not harm the server`, async () => {
      const channel = newChannel();
      await using witness = await bed.joined(channel, 'witness');
      const socket = await webSocket(channel);
      socket.send(new SignalRequest({ message: message as SignalRequest['message'] }).toBinary());
      socket.send(new SignalRequest({ message: { case: 'ping', value: 1n } }).toBinary());
      // Answered or closed: never silent for ever.
      await within(
        Promise.race([once(socket, 'close'), once(socket, 'message')]),
        5_000,
        () => 'neither answered nor closed',
      );
      socket.terminate();
      assert.equal((await witness.snapshot())?.state, EngineState.JOINED);
      assert.match(await witness.getSdkVersion(), /./);
      await witness.release();
      await serverIsWell();
    });

  it('a flood of 5,000 requests at once ends that connection', async () => {
    const socket = await webSocket(newChannel());
    const closed = closeCode(socket);
    const request = new SignalRequest({
      message: { case: 'offer', value: { type: 'offer', sdp: 'v=0\r\n' } },
    }).toBinary();
    for (let i = 0; i < 5_000 && socket.readyState === WebSocket.OPEN; i++) socket.send(request);
    assert.ok([1007, 1008, 1011, 1006].includes(await closed));
    await serverIsWell();
  });

  it('1,000 connections that are opened and dropped leave no descriptor and no memory', async () => {
    const before = { descriptors: descriptorsOf(serverPid), memory: residentBytes(serverPid) };
    for (let round = 0; round < 10; round++) {
      const sockets = Array.from({ length: 100 }, toServer);
      for (const socket of sockets) socket.on('error', () => undefined);
      await Promise.all(sockets.map((socket) => once(socket, 'connect')));
      sockets.forEach((socket, i) => (i % 2 === 0 ? socket.write('GET /rtc HTT') : socket.resetAndDestroy()));
      sockets.forEach((socket) => socket.destroy());
    }
    await eventually(() => {
      const now = descriptorsOf(serverPid);
      return now <= before.descriptors + 2 ? undefined : `${now} descriptors, ${before.descriptors} before`;
    });
    const grownMb = (residentBytes(serverPid) - before.memory) / 1e6;
    assert.ok(grownMb < 60, `it grew by ${Math.round(grownMb)} MB`);
    await serverIsWell();
  });

  it("random bytes at the daemon's own socket end that connection only", async () => {
    for (let i = 0; i < 20; i++) {
      const socket = connect(bed.daemon.address.slice('unix:'.length));
      const closed = closedBy(socket);
      socket.write(randomBytes(50_000));
      socket.end();
      await closed;
    }
    await bed.nothingIsLeft();
  });
});
