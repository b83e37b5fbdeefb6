import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { JoinRequest, WrappedJoinRequest, WrappedJoinRequest_Compression } from '@livekit/protocol';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeToken, tokenHash } from '../../../common/token/alirtc_token.js';
import { checkAccess } from '../../../channelserver/signal/access.js';
import { APP_ID, APP_KEY, KEYS, RunningServer, tokenFor } from './running_server.js';
import { SignalClient } from './signal_client.js';

const BINARY = fileURLToPath(new URL('../../../dist/bin/alirtc-channelserver', import.meta.url));

describe('The channel server as a process', () => {
  it('prints exactly one line of JSON with its address when it listens', async () => {
    await using server = await RunningServer.start();
    assert.match(server.url, /^ws:\/\/127\.0\.0\.1:\d+$/);
    await server.end();
    assert.deepEqual(server.stdoutLines, [JSON.stringify({ url: server.url })]);
  });

  for (const how of ['SIGTERM', 'SIGINT'] as const)
    it(`says good-bye to everybody and ends with code 0 on ${how}`, async () => {
      await using server = await RunningServer.start();
      await using client = await SignalClient.join(server.url, await tokenFor('room', 'alice'));
      const code = await server.end(how);
      const leave = await client.waitFor('leave');
      assert.equal(leave.reason, 3, 'SERVER_SHUTDOWN');
      assert.equal(code, 0);
    });

  it('ends when its standard input closes, if told so', async () => {
    await using server = await RunningServer.start(['--exit-with-stdin']);
    assert.equal(await server.end('stdin'), 0);
  });

  it('does not start with a key file that others may read, a wrong port or a wrong limit, and says why', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'channelserver-'));
    const keyFile = path.join(folder, 'keys.yaml');
    try {
      writeFileSync(keyFile, `${APP_ID}: ${APP_KEY}\n`);
      const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
        spawnSync(process.execPath, [BINARY, ...args], { encoding: 'utf8', timeout: 10_000 });
      chmodSync(keyFile, 0o644);
      const open = run('--keys', keyFile);
      chmodSync(keyFile, 0o600);
      const rows = [
        { ...open, says: /others than its owner may read it/ },
        { ...run('--keys', keyFile, '--port', '70000'), says: /--port is a number/ },
        { ...run('--keys', keyFile, '--limit', 'romms=1'), says: /no limit \\"romms\\"/ },
        { ...run(), says: /--keys names the file/ },
      ];
      for (const { status, stdout, stderr, says } of rows) {
        assert.equal(status, 1);
        assert.equal(stdout, '');
        assert.match(stderr, says);
        assert.doesNotMatch(stderr, new RegExp(APP_KEY));
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('The HTTP side of the channel server', () => {
  let server: RunningServer;
  before(async () => {
    server = await RunningServer.start();
  });
  after(() => server[Symbol.asyncDispose]());

  const get = (target: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(server.httpUrl + target, { headers: { connection: 'close', ...headers } });

  it('answers what clients probe: health, and a join request on /rtc/v1 that is missing, broken, or good with a bad token', async () => {
    assert.equal(await (await get('/')).text(), 'OK');
    assert.equal((await get('/nothing')).status, 404);
    const wrapped = (joinRequest: Uint8Array, compression: WrappedJoinRequest_Compression): string =>
      Buffer.from(new WrappedJoinRequest({ joinRequest, compression }).toBinary()).toString('base64url');
    const request = new JoinRequest({ metadata: 'm'.repeat(20_000) }).toBinary();
    const good = [
      wrapped(request, WrappedJoinRequest_Compression.NONE),
      wrapped(gzipSync(request), WrappedJoinRequest_Compression.GZIP),
    ];
    const token = await tokenFor('room', 'alice');
    const rows = [
      ['', 400, /join_request is required/],
      ['join_request=!!', 400, /not the base64/],
      [`join_request=${wrapped(request, WrappedJoinRequest_Compression.GZIP)}`, 400, /not the base64/],
      [`join_request=${wrapped(gzipSync(Buffer.alloc(9_000_000)), WrappedJoinRequest_Compression.GZIP)}`, 400, /not/],
      ...good.map((text) => [`join_request=${text}`, 401, /no token/] as const),
      ...good.map((text) => [`join_request=${text}&access_token=${token}`, 200, /success/] as const),
    ] as const;
    for (const [query, status, says] of rows) {
      const probe = await get(`/rtc/v1/validate?${query}`);
      const text = await probe.text();
      assert.equal(probe.status, status, text);
      assert.match(text, says);
      assert.equal(probe.headers.get('access-control-allow-origin'), '*');
      if (status !== 200)
        await assert.rejects(SignalClient.openOn(`${server.url}/rtc/v1?${query}`), new RegExp(`${status} `));
    }
  });

  it('sends clients from /rtc/v1 to /rtc by a 404 where single connections are switched off', async () => {
    await using dual = await RunningServer.start(['--no-single-connection']);
    const probe = await fetch(`${dual.httpUrl}/rtc/v1/validate?join_request=x`, { headers: { connection: 'close' } });
    assert.equal(probe.status, 404);
    assert.equal(probe.headers.get('access-control-allow-origin'), '*');
    assert.doesNotMatch(await probe.text(), /requested room does not exist/);
    await assert.rejects(SignalClient.openOn(`${dual.url}/rtc/v1?join_request=x`), /404/);
  });

  it('validates a token given in the query or as bearer', async () => {
    const token = await tokenFor('room', 'alice');
    assert.equal((await get(`/rtc/validate?access_token=${token}`)).status, 200);
    assert.equal((await get('/rtc/validate', { authorization: `Bearer ${token}` })).status, 200);
    const refused = await get('/rtc/validate?access_token=a.b.c');
    assert.equal(refused.status, 401);
    assert.match(await refused.text(), /token/);
  });

  const exchange = (body: unknown): Promise<Response> =>
    fetch(`${server.httpUrl}/alirtc/v1/exchange`, {
      method: 'POST',
      headers: { connection: 'close' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const alirtcToken = (timestamp: number, key = APP_KEY): string => {
    const auth = { appId: APP_ID, channel: 'room', userId: 'alice', nonce: 'n', timestamp };
    return encodeToken(auth, tokenHash(auth, key));
  };

  it('exchanges an AliRTC token for a LiveKit token with the grants of an engine', async () => {
    const timestamp = Math.floor(Date.now() / 1000) + 300;
    const response = await exchange({
      token: alirtcToken(timestamp),
      channel: 'room',
      userid: 'alice',
      username: 'Alice A.',
      profile: 1,
      role: 'live',
    });
    assert.equal(response.status, 200);
    const { url, token } = (await response.json()) as { url: string; token: string };
    assert.equal(url, server.url);
    const grants = await checkAccess(token, KEYS);
    assert.equal(grants.room, 'room');
    assert.equal(grants.identity, 'alice');
    assert.equal(grants.name, 'Alice A.');
    assert.deepEqual(grants.attributes, { 'alirtc.role': 'live', 'alirtc.profile': '1' });
    assert.ok(grants.canPublish && grants.canSubscribe && grants.canPublishData && grants.canUpdateOwnMetadata);
  });

  it('refuses a bad AliRTC token by name and number, a bad body, and a body that is too long', async () => {
    const soon = Math.floor(Date.now() / 1000) + 300;
    const join = { channel: 'room', userid: 'alice' };
    const rows = [
      { body: { ...join, token: alirtcToken(soon, 'another key') }, status: 401, says: /hash/ },
      { body: { ...join, token: alirtcToken(soon - 1000) }, status: 401, says: /expired/ },
      { body: { ...join, channel: 'other', token: alirtcToken(soon) }, status: 401, says: /is for channel \\"room\\"/ },
      { body: { ...join }, status: 400, says: /token/ },
      { body: 'no json', status: 400, says: /not JSON/ },
      { body: 'x'.repeat(20_000), status: 413, says: /more than/ },
    ];
    for (const { body, status, says } of rows) {
      const response = await exchange(body);
      const text = await response.text();
      assert.equal(response.status, status, text);
      assert.match(text, says);
      if (status !== 401) continue;
      assert.equal((JSON.parse(text) as { number: number }).number, 0x02010205);
      assert.equal((JSON.parse(text) as { reason: string }).reason, 'ERR_JOIN_BAD_TOKEN');
    }
  });
});
