import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { JoinResponse, ParticipantInfo, Room, SignalResponse } from '@livekit/protocol';
import { ERROR_NUMBERS, type ErrorName } from '../../../common/error_codes.js';
import { ConnectionStatus } from '../../../coreservice/ipc/enums.js';
import { TestAuthority } from '../../support/certificates.js';
import { eventually } from '../../support/eventually.js';
import { forwardTo, OddServer, upgradeThenSay } from '../../support/odd_servers.js';
import { ChannelServerUnderTest, HostedCore, joinAs, joinConfig } from './support.js';

/** Looks like an access token; no text may hold it. */
const TOKEN = `eyJhbGciOiJIUzI1NiJ9.${Buffer.from('{"sub":"me","video":{"room":"here"}}').toString('base64url')}.c2VjcmV0LXNpZ25hdHVyZQ`;
/** The join has to answer in ten seconds; the rest is for a loaded machine. */
const LATE_MS = 13_000;

interface Row {
  title: string;
  server: () => Promise<OddServer>;
  scheme?: 'wss';
  host?: string;
  reason: ErrorName;
  /** What the text says beside the server's address. */
  text: RegExp;
  /** It takes the whole time of the join. */
  hangs?: true;
}

let authority: TestAuthority;
const binary = (...messages: Uint8Array[]) =>
  OddServer.webSocket((socket) => messages.forEach((message) => socket.send(message)));
const joined = (join: Partial<JoinResponse>): Uint8Array =>
  new SignalResponse({ message: { case: 'join', value: new JoinResponse(join) } }).toBinary();

const ROWS: Row[] = [
  {
    title: 'refuses',
    server: async () => {
      const server = await OddServer.plain(() => undefined);
      await server[Symbol.asyncDispose]();
      return server;
    },
    reason: 'ERR_NETWORK_CONNECT_FAIL',
    text: /connection refused: is the server running, and are host and port of the URL right\? \(ECONNREFUSED\)/,
  },
  {
    title: 'has a name that does not exist',
    server: () => OddServer.plain(() => undefined),
    host: 'nowhere.invalid',
    reason: 'ERR_NETWORK_CONNECT_FAIL',
    text: /the host name (is not known|cannot be resolved): .*DNS/,
  },
  {
    title: 'accepts and says nothing',
    server: () => OddServer.plain((socket) => socket.resume()),
    reason: 'ERR_JOIN_TIMEOUT',
    text: /did not answer in time/,
    hangs: true,
  },
  {
    title: 'accepts a WebSocket and says nothing',
    server: () => OddServer.webSocket(() => undefined),
    reason: 'ERR_JOIN_TIMEOUT',
    text: /sent no JoinResponse in time: is it overloaded, or does a proxy/,
    hangs: true,
  },
  {
    title: 'hangs up at once',
    server: () => OddServer.plain((socket) => socket.destroy()),
    reason: 'ERR_JOIN_FAILED',
    text: /ended the connection without an answer: the URL has to be that of a LiveKit server/,
  },
  {
    title: 'presents a certificate that it signed itself',
    server: async () => OddServer.tls(await authority.selfSigned('DNS:localhost'), () => undefined),
    scheme: 'wss',
    host: 'localhost',
    reason: 'ERR_NETWORK_CONNECT_FAIL',
    text: /certificate is self-signed: give the daemon the certificate authority .*DEPTH_ZERO_SELF_SIGNED_CERT/,
  },
  {
    title: 'presents a certificate for another name',
    server: async () => OddServer.tls(await authority.issue('DNS:elsewhere.example'), () => undefined),
    scheme: 'wss',
    host: 'localhost',
    reason: 'ERR_NETWORK_CONNECT_FAIL',
    text: /certificate is for another name: use a name in the URL that stands in the certificate/,
  },
  {
    title: 'presents a certificate that has expired',
    server: async () => OddServer.tls(await authority.issueExpired('DNS:localhost'), () => undefined),
    scheme: 'wss',
    host: 'localhost',
    reason: 'ERR_NETWORK_CONNECT_FAIL',
    text: /certificate has expired: renew it/,
  },
  {
    title: 'has no TLS',
    server: () => OddServer.http(200, 'plain'),
    scheme: 'wss',
    reason: 'ERR_JOIN_FAILED',
    text: /there is no TLS at that port: use ws:\/\//,
  },
  {
    title: 'has TLS where none is asked for',
    server: async () => OddServer.tls(await authority.issue('DNS:localhost'), () => undefined),
    reason: 'ERR_JOIN_FAILED',
    text: /(another protocol|without an answer): the URL has to be that of a LiveKit server/,
  },
  {
    title: 'serves a web page',
    server: () => OddServer.http(200, '<html><style>p {}</style><p>Welcome\n to nginx</p></html>'),
    reason: 'ERR_JOIN_FAILED',
    text: /a web page instead of a WebSocket: the URL has to be .* Welcome to nginx \(HTTP status 200\)/,
  },
  {
    title: 'redirects',
    server: () => OddServer.http(302, '', { location: 'http://elsewhere.example/' }),
    reason: 'ERR_JOIN_FAILED',
    text: /a redirection to another address, which is not followed/,
  },
  {
    title: 'repeats what it is asked',
    server: () => OddServer.http(401, `you sent Bearer ${TOKEN}`),
    reason: 'ERR_JOIN_BAD_TOKEN',
    text: /you sent Bearer \*\*\* \(HTTP status 401\)/,
  },
  {
    title: 'answers with raw garbage',
    server: () => OddServer.plain((socket) => socket.once('data', () => socket.end(randomBytes(500)))),
    reason: 'ERR_JOIN_FAILED',
    text: /(another protocol|without an answer): the URL has to be that of a LiveKit server/,
  },
  {
    title: 'echoes',
    server: () => OddServer.plain((socket) => socket.pipe(socket)),
    reason: 'ERR_JOIN_FAILED',
    text: /another protocol: the URL has to be that of a LiveKit server/,
  },
  {
    title: 'accepts a WebSocket and sends garbage instead of frames',
    server: () => OddServer.plain(upgradeThenSay(Buffer.alloc(300, 0xff))),
    reason: 'ERR_JOIN_FAILED',
    text: /RSV|WebSocket|protocol/i,
  },
  {
    title: 'sends text',
    server: () => OddServer.webSocket((socket) => socket.send('{"hello":"there"}')),
    reason: 'ERR_JOIN_FAILED',
    text: /a WebSocket server that sends text: the URL has to be that of a LiveKit server/,
  },
  {
    title: 'sends what is no SignalResponse',
    server: () => binary(Buffer.alloc(200, 0xff)),
    reason: 'ERR_JOIN_FAILED',
    text: /does not speak the LiveKit protocol/,
  },
  {
    title: 'sends a JoinResponse without a room',
    server: () => binary(joined({})),
    reason: 'ERR_JOIN_FAILED',
    text: /a JoinResponse without room or participant/,
  },
  {
    title: 'sends another message first',
    server: () => binary(new SignalResponse({ message: { case: 'pong', value: 1n } }).toBinary()),
    reason: 'ERR_JOIN_FAILED',
    text: /the first message is "pong", not a JoinResponse/,
  },
];

/** One join of a core at `url`; the result, how long it took, and the states that were told. */
async function joinAt(host: HostedCore, url: string) {
  const alirtcd = { url, token: TOKEN };
  const startedAt = performance.now();
  const before = host.of('JOIN_RESULT').length;
  host.send('JOIN_CHANNEL_V2', {
    ...{ token: TOKEN, channel: 'here', userid: 'me', username: 'me' },
    ...{ config: joinConfig(), alirtcd },
  });
  await eventually(() => (host.of('JOIN_RESULT').length > before ? undefined : 'no result'), LATE_MS);
  const tookMs = performance.now() - startedAt;
  const result = host.of('JOIN_RESULT').at(-1)?.fields;
  assert.ok(result !== undefined);
  return { result, tookMs, outcome: result.alirtcd as { reason: string; text: string; number: number } };
}

describe('a channel server that', function () {
  this.timeout(40_000);
  let host: HostedCore;
  before(async () => {
    authority = await TestAuthority.create();
    // Of the certificates here, only the authority can be in order.
    host = await HostedCore.start({ env: { NODE_EXTRA_CA_CERTS: authority.certificate } });
  });
  after(async () => {
    await host.destroy();
    await authority[Symbol.asyncDispose]();
  });

  for (const { title, server: start, scheme = 'ws', host: name = '127.0.0.1', reason, text, hangs } of ROWS)
    it(`${title}: the join fails with ${reason}, says why, and leaves nothing`, async () => {
      await using server = await start();
      const url = `${scheme}://${name}:${server.port}`;
      const { result, tookMs, outcome } = await joinAt(host, `${url}/?access_token=${TOKEN}`);
      assert.equal(outcome.reason, reason, outcome.text);
      assert.equal(outcome.number, ERROR_NUMBERS[reason]);
      assert.equal(result.joinresult, ERROR_NUMBERS[reason]);
      assert.ok(outcome.text.startsWith(`channel server ${url}: `), outcome.text);
      assert.match(outcome.text, text);
      assert.ok(!outcome.text.includes(TOKEN) && !host.core.stderr.includes(TOKEN), 'the token is told');
      if (hangs === true) assert.ok(tookMs > 5000, `it took ${Math.round(tookMs)} ms`);
      assert.ok(tookMs < LATE_MS, `it took ${Math.round(tookMs)} ms`);
      assert.equal(host.of('CONNECTION_STATUS').at(-1)?.fields.status, ConnectionStatus.Failed);
      await eventually(() => (server.sockets.size === 0 ? undefined : `${server.sockets.size} connections left`));
    });

  it('sends a JoinResponse full of nonsense: the core lives, and leaves', async () => {
    const nonsense = joined({
      room: new Room({ sid: '', name: '\u0000' }),
      participant: new ParticipantInfo({ sid: '', identity: '' }),
      otherParticipants: [new ParticipantInfo(), new ParticipantInfo({ sid: 'x', tracks: [] })],
      iceServers: [{ urls: ['', 'turn:', 'http://x', 'stun:::::'], username: '\n', credential: '' }] as never,
      pingInterval: -5,
      pingTimeout: 2 ** 31 - 1,
    });
    const offer = { type: 'offer', sdp: 'v=0\r\nm=nonsense\r\n', id: 7 };
    const garbage = new SignalResponse({ message: { case: 'offer', value: offer } }).toBinary();
    await using server = await binary(nonsense, garbage);
    const { result, outcome } = await joinAt(host, `ws://127.0.0.1:${server.port}`);
    // Whatever it makes of it, it says so, and can be asked.
    if (result.joinresult !== 0) assert.match(outcome.text, /\w/);
    const left = host.of('LEAVE_RESULT').length;
    host.send('LEAVE_CHANNEL', {});
    await eventually(() => (host.of('LEAVE_RESULT').length > left ? undefined : 'it does not leave'));
    await eventually(() => (server.sockets.size === 0 ? undefined : 'connections left'));
  });
});

describe('several channel servers', function () {
  this.timeout(40_000);

  it('are asked one after the other, and the text of a failure names each', async () => {
    await using host = await HostedCore.start();
    await using page = await OddServer.http(200, 'a page');
    await using closed = await OddServer.plain(() => undefined);
    await closed[Symbol.asyncDispose]();
    const urls = [`ws://127.0.0.1:${closed.port}`, `ws://127.0.0.1:${page.port}`];
    host.send('JOIN_CHANNEL_V2', {
      ...{ token: TOKEN, channel: 'here', userid: 'me', username: 'me', config: joinConfig() },
      alirtcd: { url: urls[0] ?? '', urls, token: TOKEN },
    });
    const { fields } = await host.until('JOIN_RESULT');
    const { text } = fields.alirtcd as { text: string };
    assert.match(
      text,
      new RegExp(`channel server ${urls[0]}: connection refused.*; channel server ${urls[1]}: .*page`),
    );
    await host.destroy();
  });
});

describe('a channel server with a proper certificate', function () {
  this.timeout(40_000);

  it('is joined by wss:// when its authority is known', async () => {
    await using own = await TestAuthority.create();
    await using server = await ChannelServerUnderTest.start();
    const files = await own.issue('DNS:localhost');
    await using front = await OddServer.tls(files, forwardTo(Number(new URL(server.url).port)));
    await using host = await HostedCore.start({
      env: { NODE_EXTRA_CA_CERTS: own.certificate, ALIRTC_CHANNEL_SERVER_URL: `wss://localhost:${front.port}` },
    });
    await joinAs(host, 'me', 'here');
    assert.ok(front.sockets.size > 0);
    await host.destroy();
  });
});
