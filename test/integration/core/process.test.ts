import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CoreUnderTest, HostedCore, joinConfig } from './support.js';

const BIN = fileURLToPath(new URL('../../../dist/bin/', import.meta.url));

/** The exit code, or an error that says that the process did not end in time. */
async function exitWithin(core: CoreUnderTest, timeoutMs: number): Promise<number | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`still there after ${timeoutMs} ms\n${core.stderr}`)), timeoutMs);
  });
  try {
    return await Promise.race([core.exited, late]);
  } finally {
    clearTimeout(timer);
  }
}

describe('the core service process', () => {
  it('answers its host and ends by itself after DESTROY_ENGINE', async () => {
    await using host = await HostedCore.start();
    host.send('GET_SDK_VERSION', {});
    assert.match((await host.until('SDK_VERSION')).fields.sdkVersion, /^\d/);
    assert.equal(await host.destroy(), 0);
  });

  it('logs on standard error only, as JSON with a level', async () => {
    await using host = await HostedCore.start();
    await host.destroy();
    const lines = host.core.stderr.trim().split('\n');
    for (const line of lines) assert.equal(typeof (JSON.parse(line) as { level: unknown }).level, 'string', line);
  });

  it('ends when its host vanishes', async () => {
    await using core = await CoreUnderTest.start();
    const socket = connect(core.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
    assert.equal(await exitWithin(core, 3000), 0);
  });

  it('ends on SIGTERM, with and without a host', async () => {
    await using alone = await CoreUnderTest.start();
    alone.child.kill('SIGTERM');
    assert.equal(await exitWithin(alone, 3000), 0);
    await using host = await HostedCore.start();
    host.core.child.kill('SIGTERM');
    assert.equal(await exitWithin(host.core, 3000), 0);
  });

  it('ends by itself when no host connects within ten seconds', async () => {
    await using core = await CoreUnderTest.start();
    assert.equal(await exitWithin(core, 13_000), 3);
  });

  it('ends when garbage comes in on its port', async () => {
    await using core = await CoreUnderTest.start();
    const socket = connect(core.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.end('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await exitWithin(core, 3000);
    socket.destroy();
  });

  it('takes one host only', async () => {
    await using host = await HostedCore.start();
    const second = connect(host.core.port, '127.0.0.1');
    await Promise.race([once(second, 'error'), once(second, 'close')]).catch(() => undefined);
    second.destroy();
    host.send('GET_SDK_VERSION', {});
    await host.until('SDK_VERSION');
    await host.destroy();
  });

  it('takes another port when the asked-for one is in use, and prints it', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const child = spawn(path.join(BIN, 'AliRtcCoreService'), [String(port)], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    assert.match(line.toString(), /^Bind port: \d+\n$/);
    assert.notEqual(line.toString(), `Bind port: ${port}\n`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    taken.close();
  });

  it('refuses a port that is none', async () => {
    const child = spawn(path.join(BIN, 'AliRtcCoreService'), ['many'], { stdio: 'ignore' });
    assert.deepEqual(await once(child, 'exit'), [2, null]);
  });

  it('answers a join to a dead address within its deadline, and may be destroyed while joining', async () => {
    await using host = await HostedCore.start({ env: { ALIRTC_CHANNEL_SERVER_URL: 'ws://127.0.0.1:1' } });
    host.send('JOIN_CHANNEL_V2', {
      token: 'a.b.c',
      channel: 'room',
      userid: 'me',
      username: '',
      config: joinConfig(),
    });
    const result = await host.until('JOIN_RESULT');
    assert.notEqual(result.fields.joinresult, 0);
    const deaf = createServer().listen(0, '127.0.0.1');
    await once(deaf, 'listening');
    const { port } = deaf.address() as AddressInfo;
    host.send('JOIN_CHANNEL_V2', {
      token: 'x',
      channel: 'room',
      userid: 'me',
      username: '',
      config: joinConfig(),
      alirtcd: { url: `ws://127.0.0.1:${port}`, token: 'a.b.c' },
    });
    await host.until('CONNECTION_STATUS', () => host.of('CONNECTION_STATUS').length === 3);
    assert.equal(await host.destroy(), 0);
    deaf.close();
  });
});

describe('the launcher', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'alirtc-launcher-'));
    for (const file of ['AliRtcCoreService', 'alirtc-core.cjs']) cpSync(path.join(BIN, file), path.join(folder, file));
    // node-av's native part is found from the folder's place.
    cpSync(fileURLToPath(new URL('../../../dist/package.json', import.meta.url)), path.join(folder, 'package.json'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const caches: [title: string, prepare: () => void][] = [
    ['without a code cache', () => undefined],
    ['with a damaged one', () => writeFileSync(path.join(folder, 'alirtc-core.cache'), 'damaged')],
    ['with one of other code', () => cpSync(path.join(BIN, 'alirtc-core.cjs'), path.join(folder, 'alirtc-core.cache'))],
  ];
  for (const [title, prepare] of caches)
    it(`starts the core ${title}`, async () => {
      prepare();
      const child = spawn(path.join(folder, 'AliRtcCoreService'), ['0'], { stdio: ['ignore', 'pipe', 'ignore'] });
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      assert.match(line.toString(), /^Bind port: \d+\n$/);
      child.kill('SIGKILL');
      await once(child, 'exit');
    });

  it('that cannot write the cache says so and is content', () => {
    execFileSync(path.join(BIN, 'AliRtcCoreService'), ['--compile-cache'], { stdio: 'ignore' });
    const target = path.join(folder, 'alirtc-core.cache');
    execFileSync('mkdir', [target]);
    // Its native part is not reachable from here: what counts is that the launcher does not fail on the cache itself.
    assert.doesNotThrow(() =>
      execFileSync(path.join(folder, 'AliRtcCoreService'), ['--compile-cache'], {
        stdio: 'ignore',
        env: { ...process.env, NODE_PATH: fileURLToPath(new URL('../../../node_modules', import.meta.url)) },
      }),
    );
  });
});
