import assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import type { EngineView, HistoryView, NodeView, TokenAnswer } from '../../../common/console_api.js';
import { CONSOLE_HEADER } from '../../../common/console_api.js';
import { eventually } from '../../support/eventually.js';
import { HttpScene } from './http_scene.js';
import { Scene } from './scene.js';

const LISTEN = ['--http-listen', '127.0.0.1:0'];
const OWN = { [CONSOLE_HEADER]: '1', 'content-type': 'application/json' };

describe('the HTTP port of the daemon', function () {
  this.timeout(60_000);
  let scene: Scene;
  let http: HttpScene;
  before(async () => {
    scene = await Scene.start({ flags: LISTEN });
    http = new HttpScene(scene.daemon);
  });
  after(() => scene.close());

  it('says in the ready line where the console is', () => {
    assert.match(scene.daemon.ready.console ?? '', /^http:\/\/127\.0\.0\.1:\d+\/$/);
  });

  it('tells of the node and of its engines as they are', async () => {
    const node = await http.json<NodeView>('/api/v1/node');
    assert.equal(node.processId, scene.daemon.ready.pid);
    assert.deepEqual([node.access, node.tokens, node.maxEngines], ['read', false, 64]);
    const { engineId, core } = await scene.joined('bot');
    const [engine] = (await http.json<{ engines: EngineView[] }>('/api/v1/engines')).engines;
    assert.equal(engine?.engineId, engineId);
    assert.deepEqual([engine?.state, engine?.channel, engine?.userId], ['JOINED', 'room', 'bot']);
    core.send('REMOTE_USER_ONLINE', { uid: 'ann' });
    await eventually(async () => {
      const { users } = await http.json<EngineView>(`/api/v1/engines/${engineId}`);
      return users.some(({ uid }) => uid === 'ann') ? undefined : 'the user is not there';
    });
    await eventually(async () => {
      const { samples, intervalMs } = await http.json<HistoryView>(`/api/v1/engines/${engineId}/history`);
      assert.equal(intervalMs, 2000);
      return samples.some(({ residentBytes }) => residentBytes > 0) ? undefined : 'no sample yet';
    }, 15_000);
  });

  it('puts the protecting headers on every answer, also on refusals', async () => {
    for (const path of ['/', '/api/v1/node', '/api/v1/engines/nobody', '/nothing']) {
      const { headers } = await http.ask(path);
      const policy = String(headers['content-security-policy']);
      assert.match(policy, /^default-src 'self'; connect-src 'self' ws:\/\/127\.0\.0\.1:9 http:\/\/127\.0\.0\.1:9; /);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['referrer-policy'], 'no-referrer');
      assert.equal(headers['cache-control'], path === '/' ? 'no-cache' : 'no-store');
      assert.equal(headers['access-control-allow-origin'], undefined);
    }
  });

  it('answers only under its own names, whatever the port is, against DNS rebinding', async () => {
    for (const host of ['127.0.0.1', 'localhost:8080', '[::1]:1', 'LOCALHOST'])
      assert.equal((await http.ask('/api/v1/node', { headers: { host } })).status, 200, host);
    for (const host of ['evil.example', '127.0.0.1.evil.example', 'localhost@evil', '127.0.0.1:99999999', '[::1'])
      assert.deepEqual(await http.refusal('/api/v1/node', { headers: { host } }), [421, 'WRONG_HOST'], host);
  });

  it('changes nothing for whoever may only read', async () => {
    const { engineId } = await scene.engine();
    const refused = [403, 'READ_ONLY'];
    const leave = `/api/v1/engines/${engineId}/leave`;
    assert.deepEqual(await http.refusal(leave, { method: 'POST', headers: OWN }), refused);
    assert.deepEqual(await http.refusal(`/api/v1/engines/${engineId}`, { method: 'DELETE', headers: OWN }), refused);
    const body = JSON.stringify({ channel: 'room', userId: 'ann' });
    assert.deepEqual(await http.refusal('/api/v1/tokens', { method: 'POST', headers: OWN, body }), [403, 'NO_TOKENS']);
    assert.equal((await http.json<EngineView>(`/api/v1/engines/${engineId}`)).state, 'READY');
  });

  it('serves the page compressed, and says when nothing has changed', async () => {
    const page = await http.ask('/');
    assert.equal(page.status, 200);
    const script = /src="(\/assets\/[^"]+\.js)"/.exec(page.text)?.[1] ?? '';
    const plain = await http.ask(script);
    assert.match(String(plain.headers['content-type']), /^text\/javascript/);
    const { headers } = await http.ask(script, { method: 'HEAD', headers: { 'accept-encoding': 'gzip' } });
    assert.equal(headers['content-encoding'], 'gzip');
    assert.ok(Number(headers['content-length']) < plain.text.length / 2);
    const packed = await fetch(`http://${http.host}${script}`, { headers: { 'accept-encoding': 'gzip' } });
    assert.equal(await packed.text(), plain.text);
    assert.throws(() => gunzipSync(plain.text), 'what was not asked for compressed is not');
    const again = await http.ask(script, { headers: { 'if-none-match': String(plain.headers.etag) } });
    assert.deepEqual([again.status, again.text], [304, '']);
  });

  it('names what it does not know, and serves no file but the console', async () => {
    for (const path of [
      '/nothing',
      '/assets/../alirtcd.mjs',
      '/assets/%2e%2e%2fbin',
      '/assets/',
      '/api/v1/engines/%ff',
    ])
      assert.deepEqual(await http.refusal(path), [404, 'NO_SUCH_PAGE'], path);
    assert.deepEqual(await http.refusal('/api/v1/engines/eng_nobody'), [404, 'ENGINE_NOT_FOUND']);
    assert.deepEqual(await http.refusal('/api/v1/node', { method: 'PUT' }), [405, 'METHOD_NOT_ALLOWED']);
    const { engineId } = await scene.engine();
    const preview = `/api/v1/engines/${engineId}/preview`;
    assert.deepEqual(await http.refusal(preview), [400, 'INVALID_FIELD']);
    assert.deepEqual(await http.refusal(`${preview}?uid=ann&track=both`), [400, 'INVALID_FIELD']);
    assert.deepEqual(await http.refusal(`${preview}?uid=ann`), [503, 'NO_PICTURE']);
  });
});

describe('the HTTP port of a daemon whose operator allows more', function () {
  this.timeout(60_000);
  let scene: Scene;
  let http: HttpScene;
  before(async () => {
    scene = await Scene.start({
      flags: [...LISTEN, '--console', 'control', '--console-tokens', 'on', '--http-host', 'bots.example'],
    });
    http = new HttpScene(scene.daemon);
  });
  after(() => scene.close());

  it('answers under the names that the operator adds', async () => {
    assert.equal((await http.ask('/api/v1/node', { headers: { host: 'bots.example' } })).status, 200);
  });

  it('takes changes from its own page alone', async () => {
    const { engineId } = await scene.engine();
    const path = `/api/v1/engines/${engineId}`;
    const foreign = [403, 'FOREIGN_REQUEST'];
    for (const headers of [
      {},
      { ...OWN, origin: 'http://evil.example' },
      { ...OWN, origin: 'null' },
      { ...OWN, 'sec-fetch-site': 'cross-site' },
      { ...OWN, 'sec-fetch-site': 'same-site' },
    ] as Record<string, string>[])
      assert.deepEqual(await http.refusal(path, { method: 'DELETE', headers }), foreign, JSON.stringify(headers));
    assert.equal((await http.json<EngineView>(path)).state, 'READY');
  });

  it('releases an engine, and tells of it as released', async () => {
    const { engineId } = await scene.joined('going');
    const path = `/api/v1/engines/${engineId}`;
    const headers = { ...OWN, origin: `http://${http.host}`, 'sec-fetch-site': 'same-origin' };
    assert.equal((await http.ask(`${path}/leave`, { method: 'POST', headers })).status, 200);
    assert.equal((await http.json<EngineView>(path)).state, 'READY');
    assert.equal((await http.ask(path, { method: 'DELETE', headers })).status, 200);
    assert.equal((await http.json<EngineView>(path)).ended?.cause, 'RELEASED');
  });

  it('gives a token for one channel and one name, for a short time, and keeps it out of the log', async () => {
    const body = JSON.stringify({ channel: 'lobby', userId: 'ann' });
    const answer = await http.json<TokenAnswer>('/api/v1/tokens', { method: 'POST', headers: OWN, body });
    assert.equal(answer.url, 'ws://127.0.0.1:9');
    const claims = JSON.parse(Buffer.from(answer.token.split('.')[1] ?? '', 'base64url').toString()) as {
      sub: string;
      exp: number;
      video: Record<string, unknown>;
    };
    assert.deepEqual([claims.sub, claims.video['room'], claims.video['roomAdmin']], ['ann', 'lobby', undefined]);
    const lifeS = claims.exp - Date.now() / 1000;
    assert.ok(lifeS > 300 && lifeS <= 660, `it lives for ${lifeS} s`);
    assert.ok(!scene.daemon.log.some((line) => line.includes(answer.token)));
  });

  it('refuses tokens for bad names, for engines, and bodies that are none', async () => {
    const ask = (body: string, headers: Record<string, string> = OWN): Promise<[number, string]> =>
      http.refusal('/api/v1/tokens', { method: 'POST', headers, body });
    await scene.joined('bot');
    assert.deepEqual(await ask(JSON.stringify({ channel: 'a b', userId: 'ann' })), [400, 'INVALID_FIELD']);
    assert.deepEqual(await ask(JSON.stringify({ channel: 'room', userId: 7 })), [400, 'INVALID_FIELD']);
    assert.deepEqual(await ask(JSON.stringify({ channel: 'room', userId: 'bot' })), [409, 'USER_IS_AN_ENGINE']);
    assert.deepEqual(await ask('[]'), [400, 'BAD_JSON']);
    assert.deepEqual(await ask('{'), [400, 'BAD_JSON']);
    assert.deepEqual(await ask('{}', { [CONSOLE_HEADER]: '1', 'content-type': 'text/plain' }), [415, 'NOT_JSON']);
    assert.deepEqual(await ask('x'.repeat(100_000)), [413, 'BODY_TOO_LARGE']);
  });
});

describe('the HTTP settings of the daemon', function () {
  this.timeout(60_000);

  it('switch the port off, or the console alone', async () => {
    const off = await Scene.start({ flags: ['--http-listen', 'off'] });
    try {
      assert.equal(off.daemon.ready.console, undefined);
    } finally {
      await off.close();
    }
    const plain = await Scene.start({ flags: [...LISTEN, '--console', 'off'] });
    try {
      assert.equal(plain.daemon.ready.console, undefined);
    } finally {
      await plain.close();
    }
  });

  it('refuse addresses that others could reach, and ports that are taken', async () => {
    await assert.rejects(
      Scene.start({ flags: ['--http-listen', '0.0.0.0:0'] }),
      /http-listen: only loopback addresses/,
    );
    await assert.rejects(Scene.start({ flags: ['--http-listen', 'nonsense'] }), /has to be host:port/);
    const first = await Scene.start({ flags: LISTEN });
    try {
      const address = new URL(first.daemon.ready.console ?? '').host;
      await assert.rejects(Scene.start({ flags: ['--http-listen', address] }), /cannot listen on http .*EADDRINUSE/s);
    } finally {
      await first.close();
    }
  });

  it('let the port be reached from elsewhere when the operator says so', async () => {
    const open = await Scene.start({ flags: ['--http-listen', '0.0.0.0:0', '--http-remote', 'on'] });
    try {
      const http = new HttpScene(open.daemon);
      assert.equal((await http.ask('/api/v1/node', { headers: { host: '127.0.0.1' } })).status, 200);
    } finally {
      await open.close();
    }
  });
});
