import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { formatListenAddress, parseListenAddress } from '../../../daemon/config/listen_address.js';
import { ConfigError, loadConfig } from '../../../daemon/config/load_config.js';

const load = (argv: string[], environment: Record<string, string> = {}) =>
  loadConfig(argv, '1.2.3', { environment: { HOME: '/home/me', ...environment }, here: '/opt/alirtcd/bin' });

describe('the configuration', () => {
  it('has defaults for everything', () => {
    const config = load([]);
    assert.deepEqual(config.listen.map(formatListenAddress), [
      'unix:/home/me/.local/state/alirtcd/alirtcd.sock',
      'tcp:127.0.0.1:7420',
    ]);
    assert.equal(config['builtin-core-service'], '/opt/alirtcd/bin/AliRtcCoreService');
    assert.deepEqual([config['core-port-low'], config['core-port-high']], [42_000, 45_000]);
  });

  it('puts the socket where the platform wants it', () => {
    assert.deepEqual(load([], { XDG_RUNTIME_DIR: '/run/user/7' }).listen[0], {
      kind: 'unix',
      path: '/run/user/7/alirtcd.sock',
    });
  });

  describe('from several places', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'config-'));
    const file = path.join(folder, 'alirtcd.yaml');
    writeFileSync(file, 'max-engines: 7\nevent-ring: 70\nlog-level: warn\ncore-service: [/a/core]\n');
    after(() => rmSync(folder, { recursive: true }));

    it('lets flags go before the environment, and this before the file', () => {
      const config = load(['--config', file, '--max-engines', '9'], {
        ALIRTCD_MAX_ENGINES: '8',
        ALIRTCD_EVENT_RING: '80',
        ALIRTCD_LISTEN: 'tcp:127.0.0.1:1,tcp:[::1]:2',
      });
      assert.equal(config['max-engines'], 9);
      assert.equal(config['event-ring'], 80);
      assert.equal(config['log-level'], 'warn');
      assert.deepEqual(config['core-service'], ['/a/core']);
      assert.deepEqual(config.listen.map(formatListenAddress), ['tcp:127.0.0.1:1', 'tcp:[::1]:2']);
    });
  });

  describe('of the channel server', () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'config-'));
    after(() => rmSync(folder, { recursive: true }));
    const fromFile = (text: string) => {
      const file = path.join(folder, 'nested.yaml');
      writeFileSync(file, text);
      return load(['--config', file]);
    };
    const two = ['ws://a:7880', 'wss://b.example/rtc-cluster'];

    it('starts the embedded one unless a url is named', () => {
      assert.deepEqual([load([])['channel-server-url'], load([])['channel-server-allowed']], [[], []]);
    });

    it('reads nested maps of the file, several urls or one', () => {
      const config = fromFile(
        'channel_server:\n  url: [ws://a:7880, wss://b.example/rtc-cluster]\n  allowed: ws://c:1\n',
      );
      assert.deepEqual(config['channel-server-url'], two);
      assert.deepEqual(config['channel-server-allowed'], ['ws://c:1']);
      assert.deepEqual(fromFile('channel-server-url: ws://a:7880')['channel-server-url'], ['ws://a:7880']);
    });

    it('reads flags that are repeated, and commas in the environment', () => {
      const flags = two.flatMap((url) => ['--channel-server-url', url]);
      assert.deepEqual(load(flags)['channel-server-url'], two);
      const environment = { ALIRTCD_CHANNEL_SERVER_URL: two.join(','), ALIRTCD_CHANNEL_SERVER_ALLOWED: 'ws://c:1' };
      assert.deepEqual(load([], environment)['channel-server-url'], two);
      assert.deepEqual(load([], environment)['channel-server-allowed'], ['ws://c:1']);
      assert.deepEqual(load(flags, { ALIRTCD_CHANNEL_SERVER_URL: 'ws://c:1' })['channel-server-url'], two);
    });

    it('knows its name of earlier versions', () => {
      assert.deepEqual(load(['--channel-server', 'ws://a:7880'])['channel-server-url'], ['ws://a:7880']);
      assert.deepEqual(load([], { ALIRTCD_CHANNEL_SERVER: 'ws://a:7880' })['channel-server-url'], ['ws://a:7880']);
      assert.deepEqual(fromFile('channel-server: ws://a:7880')['channel-server-url'], ['ws://a:7880']);
    });

    it('refuses a setting that is there twice, or that nobody knows, by its whole name', () => {
      assert.throws(
        () => fromFile('channel_server: {url: ws://a:1}\nchannel-server-url: ws://b:1'),
        /channel-server-url is there twice/,
      );
      assert.throws(() => fromFile('channel_server: {uri: ws://a:1}'), /channel-server-uri/);
      assert.throws(() => fromFile('channel_server: {url: [http://a:1]}'), /channel-server-url.*ws:\/\//);
    });
  });

  for (const [title, argv, text] of [
    ['an address that others can reach', ['--listen', 'tcp:0.0.0.0:7420'], /only loopback/],
    ['a relative socket', ['--listen', 'unix:alirtcd.sock'], /absolute/],
    ['a port of 70000', ['--listen', 'tcp:127.0.0.1:70000'], /unix:\/path or tcp/],
    ['a range upside down', ['--core-port-low', '5', '--core-port-high', '4'], /core-port-high: lies below/],
    ['a relative key file', ['--keys', 'keys'], /keys: has to be an absolute path/],
    ['a channel server of another protocol', ['--channel-server', 'ftp://x'], /channel-server/],
    ['a config file that is not there', ['--config', '/nowhere.yaml'], /\/nowhere.yaml/],
  ] as const)
    it(`refuses ${title}, and says why`, () => {
      assert.throws(
        () => load([...argv]),
        (error) => error instanceof ConfigError && text.test(error.message),
      );
    });

  it('knows loopback when it sees it', () => {
    for (const good of ['tcp:localhost:1', 'tcp:127.1.2.3:0', 'tcp:[::1]:5'])
      assert.equal(parseListenAddress(good).kind, 'tcp');
    for (const exposed of ['tcp:[::]:5', 'tcp:10.0.0.1:1', 'tcp:localhost.example:1', 'tcp:0.0.0.0:1']) {
      assert.throws(() => load(['--listen', exposed]), /only loopback .*--insecure-listen/);
      assert.equal(load(['--listen', exposed, '--insecure-listen']).listen.length, 1);
    }
    for (const bad of ['tcp::1', 'http://x']) assert.throws(() => parseListenAddress(bad));
  });

  it('wants certificate and key for TLS, and TLS for certificates of clients', () => {
    const files = ['--tls-cert', '/a/cert.pem', '--tls-key', '/a/key.pem'];
    assert.throws(() => load(['--listen', 'tls:0.0.0.0:1']), /TLS needs tls-cert and tls-key/);
    assert.deepEqual(load(['--listen', 'tls:0.0.0.0:1', ...files]).listen, [{ kind: 'tls', host: '0.0.0.0', port: 1 }]);
    assert.throws(() => load([...files, '--client-ca', '/a/ca.pem']), /no listener has TLS/);
  });

  it('takes the mode of sockets as chmod writes it', () => {
    assert.equal(load([])['socket-mode'], '0600');
    assert.equal(load(['--socket-mode', '660'])['socket-mode'], '0660');
    assert.throws(() => load(['--socket-mode', '0888']), /three octal digits/);
  });
});
