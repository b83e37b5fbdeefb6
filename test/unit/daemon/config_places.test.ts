import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { createLogger } from '../../../common/logger.js';
import { mergeReloadable } from '../../../daemon/config/config_changes.js';
import { exampleConfig } from '../../../daemon/config/example_config.js';
import { ConfigError, loadConfigWithSources } from '../../../daemon/config/load_config.js';
import { LogLevel } from '../../../daemon/config/log_level.js';
import { nearestName } from '../../../daemon/config/nearest_name.js';
import { printConfig } from '../../../daemon/config/print_config.js';
import { SETTINGS } from '../../../daemon/config/settings.js';

const load = (argv: string[], environment: Record<string, string> = {}) =>
  loadConfigWithSources(argv, '1.2.3', { environment: { HOME: '/home/me', ...environment }, here: '/opt/bin' });

describe('where the configuration comes from', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'config-places-'));
  const file = path.join(folder, 'alirtcd.yaml');
  after(() => rmSync(folder, { recursive: true }));
  const fromFile = (text: string, ...flags: string[]) => {
    writeFileSync(file, text);
    return load(['--config', file, ...flags]);
  };
  const faultOf = (text: string): string => {
    try {
      fromFile(text);
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      return error.message;
    }
    throw new Error('it was taken');
  };

  it('prints every setting and the line, variable or flag that says it, as YAML that means the same', () => {
    writeFileSync(file, '# a comment\nlog-level: warn\n\nchannel_server:\n  url: [ws://a:1]\nmax-engines: 5\n');
    const loaded = load(['--config', file, '--max-engines', '7'], { ALIRTCD_EVENT_RING: '64' });
    const text = printConfig(loaded);
    assert.match(text, new RegExp(`^log-level: "warn" +# ${file}:2$`, 'm'));
    assert.match(text, new RegExp(`^channel-server-url: \\["ws://a:1"\\] +# ${file}:5$`, 'm'));
    assert.match(text, /^max-engines: 7 +# --max-engines$/m);
    assert.match(text, /^event-ring: 64 +# ALIRTCD_EVENT_RING$/m);
    assert.match(text, /^core-port-low: 42000 +# default$/m);
    assert.equal(text.split('\n').length, Object.keys(SETTINGS).length);
    assert.deepEqual(fromFile(text).config, loaded.config);
  });

  it('hides what is secret in an address', () => {
    const text = printConfig(load(['--channel-server-url', 'ws://user:secret1@a:1/rtc?access_token=secret2']));
    assert.doesNotMatch(text, /secret/);
    assert.match(text, /ws:\/\/hidden@a:1\/rtc\?hidden/);
  });

  it('names file, line and the nearest setting for one that nobody knows', () => {
    assert.equal(
      faultOf('log-level: info\nmax-engine: 3\n'),
      `${file}:2: max-engine is not a setting; did you mean max-engines?`,
    );
    assert.match(faultOf('\nzzzzzz: 3\n'), /:2: zzzzzz is not a setting; allowed: listen, socket-mode, /);
  });

  it('names every fault of a file at once', () => {
    assert.deepEqual(
      faultOf('max-engine: 3\nlog-leve: 3\n')
        .split('\n')
        .map((line) => line.split(':')[1]),
      ['1', '2'],
    );
  });

  for (const [text, line, allowed] of [
    ['log-level: loud', 1, /log-level: has to be one of the words, not "loud"; allowed: fatal, error, .*, silent$/],
    ['\nmax-engines: 0', 2, /max-engines: has to be at least 1, not 0; allowed: a whole number from 1 to 10000$/],
    ['max-engines: 10001', 1, /max-engines: has to be at most 10000, not 10001; allowed/],
    ['max-engines: many', 1, /max-engines: has to be a whole number, not "many"; allowed: a whole number from 1/],
    ['max-engines: true', 1, /has to be a whole number, not true/],
    ['max-engines:', 1, /has to be a whole number, not null/],
    ['max-engines: [3]', 1, /has to be a whole number, not \[3\]/],
    ['max-engines: 1.5', 1, /has to be a whole number, not 1\.5/],
    ['console_tokens: perhaps', 1, /console-tokens: has to be on or off, not "perhaps"; allowed: on, off$/],
    ['tls: {cert: 5}', 1, /tls-cert: has to be a text, not 5/],
    ['jwt-issuer: ""', 1, /jwt-issuer: is empty/],
    ['listen: unix:/a', 1, /listen: has to be a list: \[a, b\], not "unix:\/a"/],
    ['listen: []', 1, /listen: is an empty list/],
    ['listen:\n  - tcp:127.0.0.1:1\n  - 5\n', 3, /listen: has to be a text, not 5/],
    ['listen:\n  - tcp:127.0.0.1:1\n  - tcp:0.0.0.0:2\n', 3, /listen: .*only loopback/],
    ['core-port-low: 50000', 1, /core-port-high: lies below core-port-low/],
    ['log-level: info\njwt-issuer: us', 2, /jwt-issuer: .*add jwt-key/],
    ['\njwt-audience: us', 2, /jwt-audience: .*add jwt-key/],
    ['admin-subject: [CN=operator]', 1, /admin-subject: .*add client-ca/],
    ['tls-cert: /a.pem', 1, /tls-cert: .*no listener has TLS/],
    ['a: [1', 1, /is not YAML/],
    ['max-engines: 1\nmax-engines: 2', 2, /is not YAML: Map keys must be unique/],
  ] as const)
    it(`names file, line, value and what is allowed for ${JSON.stringify(text)}`, () => {
      const fault = faultOf(text);
      assert.ok(fault.startsWith(`${file}:${line}: `), fault);
      assert.match(fault, allowed);
    });

  it('names the variable or the flag that is wrong', () => {
    assert.throws(
      () => load([], { ALIRTCD_MAX_ENGINES: 'x' }),
      /^ConfigError: ALIRTCD_MAX_ENGINES: max-engines: has to/,
    );
    assert.throws(
      () => load(['--max-engines', '99999']),
      /^ConfigError: --max-engines: has to be at most 10000, not "99999"/,
    );
    assert.throws(() => load(['--max-engine', '9']), /unknown option '--max-engine'/);
  });

  it('shows no value that may hold a secret', () => {
    for (const url of ['ftp://user:SECRET@a/', 'user:SECRET@a', '//a?key=SECRET'])
      for (const name of ['channel-server-url', 'traces-endpoint', 'http-host', 'console']) {
        const fault = faultOf(`${name}: ${JSON.stringify(url)}`);
        assert.ok(!fault.includes('SECRET'), fault);
      }
  });

  it('refuses a variable that is no setting, and lets those be that Kubernetes sets for its services', () => {
    assert.throws(
      () => load([], { ALIRTCD_TOKEN: '/etc/tokens.yaml', ALIRTCD_ZZZ: '' }),
      /^ConfigError: ALIRTCD_TOKEN is not a setting; did you mean ALIRTCD_TOKENS\?\nALIRTCD_ZZZ is not a setting; allowed: ALIRTCD_/,
    );
    assert.throws(() => load([], { ALIRTCD_CORE_PORT: '42000' }), /ALIRTCD_CORE_PORT is not a setting/);
    load([], {
      ALIRTCD_ADDRESS: 'unix:/x',
      ALIRTCD_SERVICE_HOST: '10.0.0.1',
      ALIRTCD_SERVICE_PORT: '7420',
      ALIRTCD_SERVICE_PORT_GRPC: '7420',
      ALIRTCD_PORT: 'tcp://10.0.0.1:7420',
      ALIRTCD_PORT_7420_TCP: 'tcp://10.0.0.1:7420',
      ALIRTCD_PORT_7420_TCP_ADDR: '10.0.0.1',
      ALIRTCD_FLEET_SERVICE_HOST: '10.0.0.2',
    });
  });

  it('takes white space behind the commas of a variable', () => {
    const { config } = load([], { ALIRTCD_HTTP_HOST: 'a.example, b.example' });
    assert.deepEqual(config['http-host'], ['a.example', 'b.example']);
  });

  it('has an example file that is the schema of today, and that means nothing but the defaults', () => {
    const example = readFileSync(new URL('../../../docs/alirtcd.example.yaml', import.meta.url), 'utf8');
    assert.equal(example, exampleConfig());
    const settings = example.replaceAll(/^# (?=[a-z-]+:(?: |$))/gm, '').replaceAll(/^[a-z-]+:$/gm, '');
    assert.ok(Object.keys(parse(settings) as object).length > 15);
    const written = fromFile(settings);
    const defaults = loadConfigWithSources([], '1', {
      environment: { HOME: '/home/you' },
      here: '/opt/alirtcd/dist/bin',
    });
    assert.deepEqual(written.config, defaults.config);
  });

  it('guesses the nearest name, and none when nothing is near', () => {
    assert.equal(nearestName('log_level', ['log-root', 'log-level']), 'log-level');
    assert.equal(nearestName('banana', ['log-root', 'log-level']), undefined);
  });
});

describe('reloading the configuration', () => {
  it('takes limits and the log level, and says what needs a restart', () => {
    const old = load([]).config;
    const next = load(['--max-engines', '3', '--log-level', 'debug', '--event-ring', '32', '--core-port-low', '43000']);
    const { config, changes } = mergeReloadable(old, next.config);
    assert.deepEqual(
      changes.map(({ setting, from, to, taken }) => [setting, from, to, taken]),
      [
        ['core-port-low', 42_000, 43_000, false],
        ['log-level', 'info', 'debug', true],
        ['max-engines', 64, 3, true],
        ['event-ring', 4096, 32, true],
      ],
    );
    assert.deepEqual([config['max-engines'], config['core-port-low']], [3, 42_000]);
  });

  it('sets the level of loggers that are there already, of their children, and of new ones', () => {
    const root = createLogger('test', 'info');
    const level = new LogLevel(root);
    const child = root.child({ a: 1 });
    const grandchild = child.child({ b: 1 });
    level.set('error');
    assert.deepEqual(
      [root, child, grandchild, root.child({})].map((logger) => logger.level),
      Array(4).fill('error'),
    );
  });
});
