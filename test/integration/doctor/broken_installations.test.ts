import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { TestAuthority } from '../../support/certificates.js';
import { OddServer } from '../../support/odd_servers.js';
import { APP_ID, APP_KEY, startDaemon } from '../../support/running_daemon.js';
import type { RunningDaemon } from '../../support/running_daemon.js';
import { DoctorScene, expectFinding, faultsOf } from './doctor_scene.js';

const MISBEHAVING = fileURLToPath(new URL('../../support/misbehaving_core/', import.meta.url));
const core = (name: string): string => path.join(MISBEHAVING, `${name}.mjs`);
const KEYS = `${APP_ID}: ${APP_KEY}\n`;

/** What others have on this machine, and what it is, is not this test's: only faults of the checks named. */
const ofInstallation = (faults: readonly string[]): string[] =>
  faults.filter(
    (fault) => !/ (clock: NTP|leftovers|limits|shared memory|media ports|core service: .*: slow$)/.test(fault),
  );

describe('alirtc doctor', function () {
  this.timeout(90_000);
  let scene: DoctorScene;
  let authority: TestAuthority;
  let daemon: RunningDaemon;

  before(async () => {
    scene = await DoctorScene.create();
    authority = await TestAuthority.create();
    daemon = await startDaemon();
  });
  after(async () => {
    await daemon.stop();
    await authority[Symbol.asyncDispose]();
    await scene[Symbol.asyncDispose]();
  });

  it('finds an installation with everything in it sound: exit code 0, in a few seconds', async () => {
    const { certificate, key } = await authority.issue('IP:127.0.0.1', 'DNS:localhost');
    await chmod(key, 0o600);
    const keys = await scene.write('keys.yaml', KEYS);
    const tokens = await scene.write('tokens.yaml', '0123456789abcdef0123: bot use\n');
    const result = await scene.run({
      listen: [daemon.address, 'tls:127.0.0.1:0'],
      'tls-cert': certificate,
      'tls-key': key,
      'client-ca': authority.certificate,
      keys,
      tokens,
      'channel-server-url': daemon.ready.channelServerUrl,
      'core-service': [core('obedient')],
    });
    // The authority of the tests signs for two days.
    const unexpected = ofInstallation(faultsOf(result)).filter((fault) => !/expires in/.test(fault));
    assert.deepEqual(unexpected, []);
    assert.equal(result.code, 0);
    assert.ok(result.seconds < 15, `${result.seconds} s`);
    expectFinding(result, 'codecs', 'ok', /^h264: a picture of 320x180 encoded \(\d+ bytes\) and decoded, \d+ dB/);
    expectFinding(result, 'codecs', 'ok', /^vp8: a picture/);
    expectFinding(result, 'codecs', 'ok', /^opus: a tone of 1000 Hz/);
    expectFinding(result, 'core service', 'ok', /^builtin: ready in \d+ ms, version 7\.0\.0-alirtcd/);
    expectFinding(result, 'core service', 'ok', /obedient\.mjs: ready in \d+ ms, version helper/);
    expectFinding(result, 'channel server', 'ok', /answers as LiveKit does, and takes our key/);
    expectFinding(result, 'clock', 'ok', /^agrees with that of ws:/);
    expectFinding(result, 'daemon', 'ok', /alirtcd [\d.]+ serves$/);
    expectFinding(result, 'secrets', 'ok', /keys\.yaml: 1 app ids, mode 0600/);
    expectFinding(result, 'secrets', 'ok', /tokens\.yaml: 1 bearer tokens/);
  });

  it('leaves no process and no folder behind, and changes nothing', async () => {
    const before = (await readdir(os.tmpdir())).filter((name) => name.startsWith('alirtc-doctor-'));
    const result = await scene.run();
    assert.equal(result.code, 0, faultsOf(result).join('\n'));
    expectFinding(result, 'channel server', 'ok', /^embedded: ready in \d+ ms, answers/);
    expectFinding(result, 'daemon', 'info', /: not running$/);
    const after = (await readdir(os.tmpdir())).filter((name) => name.startsWith('alirtc-doctor-'));
    assert.deepEqual(
      after.filter((name) => !before.includes(name)),
      [],
    );
    assert.deepEqual((await readdir(scene.folder)).includes('log'), false);
  });

  it('finds ports that are taken, and by whom', async () => {
    const held = await holdNeighbours(3);
    const [low, high] = [held.low, held.low + 2];
    const result = await scene.run({ 'core-port-low': low, 'core-port-high': high });
    held.close();
    assert.equal(result.code, 1);
    expectFinding(
      result,
      'ipc ports',
      'failure',
      new RegExp(
        `^0 of the 3 ports ${low} to ${high} are free: no engine can be created; taken by .*\\(pid ${process.pid}\\)`,
      ),
      /widen the range with core-port-low and core-port-high, or end what holds them/,
    );
    expectFinding(result, 'core service', 'failure', /builtin: no free local port/);
  });

  it('finds core services that are missing, hang or die, each with what it said last', async () => {
    const result = await scene.run({
      'core-service': ['/nowhere/AliRtcCoreService', core('deaf'), core('exits_at_once')],
    });
    assert.equal(result.code, 1);
    expectFinding(result, 'core service', 'ok', /^builtin/);
    expectFinding(
      result,
      'core service',
      'failure',
      /^\/nowhere\/AliRtcCoreService: .*there is no such file/,
      /correct core-service/,
    );
    expectFinding(
      result,
      'core service',
      'failure',
      /deaf\.mjs: it runs, but does not answer GET_SDK_VERSION in 3 s: it hangs/,
    );
    expectFinding(result, 'core service', 'failure', /exits_at_once\.mjs: .*failed to start: it exited with code/);
    assert.ok(result.seconds < 15, `${result.seconds} s`);
    assert.doesNotMatch(spawnSync('ps', ['-o', 'args', '--ppid', String(process.pid)]).stdout.toString(), /deaf\.mjs/);
  });

  it('finds a core service and codecs that are not installed', async () => {
    const result = await scene.run({ 'builtin-core-service': core('exits_at_once') });
    assert.equal(result.code, 1);
    expectFinding(result, 'core service', 'failure', /^builtin: .*it exited with code/, /install the package again/);
    expectFinding(result, 'codecs', 'failure', /--self-test: /, /@seydx\/node-av/);
  });

  it('finds certificates that are over, and keys of others', async () => {
    const expired = await authority.issueExpired('IP:127.0.0.1');
    const other = await authority.issue('DNS:elsewhere.example.com');
    const listen = ['tls:127.0.0.1:0'];
    const over = await scene.run({ listen, 'tls-cert': expired.certificate, 'tls-key': expired.key });
    assert.equal(over.code, 1);
    expectFinding(over, 'certificates', 'failure', /the certificate of CN=server expired on/, /renew it; .*SIGHUP/);
    await chmod(expired.key, 0o644);
    const mixed = await scene.run({ listen, 'tls-cert': other.certificate, 'tls-key': expired.key });
    assert.equal(mixed.code, 1);
    expectFinding(mixed, 'certificates', 'failure', /server-\d+\.key is not that of the certificate/, /made with/);
    expectFinding(
      mixed,
      'certificates',
      'warning',
      /is for DNS:elsewhere\.example\.com, not for 127\.0\.0\.1/,
      /subjectAltName IP:127\.0\.0\.1/,
    );
    expectFinding(mixed, 'certificates', 'warning', /expires in 1 days/);
    expectFinding(mixed, 'secrets', 'warning', /tls-key .*mode 0644/, /^chmod 600/);
  });

  it('finds secrets that others may read or that hold something else, and folders that are none', async () => {
    const keys = await scene.write('open.yaml', KEYS);
    await chmod(keys, 0o644);
    const file = await scene.write('file', '');
    const result = await scene.run({
      keys,
      tokens: await scene.write('bad.yaml', 'not tokens'),
      'log-root': file,
      listen: [`unix:${file}`],
    });
    assert.equal(result.code, 1);
    expectFinding(
      result,
      'secrets',
      'failure',
      /keys .*open\.yaml: others than its owner may read it \(mode 0644\)/,
      /^chmod 600/,
    );
    expectFinding(result, 'secrets', 'failure', /tokens .*bad\.yaml: has to hold lines/);
    expectFinding(result, 'folders', 'failure', /folder of logs, .*is no folder/, /log-root/);
    expectFinding(result, 'folders', 'failure', /is there and is no socket/, /remove it/);
    assert.ok(!JSON.stringify(result).includes(APP_KEY), 'a key is told');
  });

  it('finds a configuration that the daemon would refuse, with its place', async () => {
    const result = await scene.run({ 'max-engines': 'many', listn: 'x' });
    assert.equal(result.code, 1);
    expectFinding(
      result,
      'configuration',
      'failure',
      /alirtcd\.yaml:\d+: listn is not a setting; did you mean listen\?/,
    );
  });

  it('finds channel servers that are away, refuse our key, have another time, or are something else', async () => {
    const keys = await scene.write('wrong.yaml', `${APP_ID}: not-the-key-of-that-server-0123456789\n`);
    const closed = await OddServer.plain(() => undefined);
    await closed[Symbol.asyncDispose]();
    await using late = await OddServer.http(200, 'success', { date: new Date(Date.now() + 3_600_000).toUTCString() });
    await using page = await OddServer.http(404, 'no such page');
    const files = await authority.selfSigned('IP:127.0.0.1');
    await using tls = await OddServer.tls(files, (socket) => socket.resume());
    await using ssh = await OddServer.plain((socket) => socket.end('SSH-2.0-OpenSSH\r\n'));
    const url = (port: number, scheme = 'ws'): string => `${scheme}://127.0.0.1:${port}`;
    const result = await scene.run({
      keys,
      'channel-server-url': [
        daemon.ready.channelServerUrl,
        ...[url(closed.port), url(late.port), url(page.port), url(tls.port, 'wss'), url(ssh.port)],
        'ws://no-such-host.invalid',
      ],
    });
    assert.equal(result.code, 1);
    const expectServer = (server: string, finding: RegExp, remedy: RegExp): void =>
      expectFinding(result, 'channel server', 'failure', new RegExp(`^${server}/?: ${finding.source}`), remedy);
    expectServer(daemon.ready.channelServerUrl, /refuses our key \(401 /, /API key and secret of the LiveKit server/);
    expectServer(url(closed.port), /cannot be reached/, /whether the server runs/);
    expectServer(url(page.port), /answers \/rtc\/validate with 404 no such page/, /correct channel-server-url/);
    expectServer(url(tls.port, 'wss'), /TLS fails/, /NODE_EXTRA_CA_CERTS/);
    expectServer(url(ssh.port), /something listens, but does not speak HTTP/, /host, port/);
    expectServer('ws://no-such-host\\.invalid', /its name has no address/, /DNS/);
    expectFinding(
      result,
      'clock',
      'failure',
      new RegExp(`this clock is 3\\d{3} s behind that of ${url(late.port)}`),
      /NTP/,
    );
    expectFinding(result, 'clock', 'ok', new RegExp(`^agrees with that of ${daemon.ready.channelServerUrl}`));
    assert.ok(!JSON.stringify(result).includes('not-the-key'), 'a key is told');
  });

  it('ends in 15 seconds when nothing answers any more', async () => {
    await using silent = await OddServer.plain(() => undefined);
    await using taken = await OddServer.plain(() => undefined);
    const result = await scene.run({
      listen: [`tcp:127.0.0.1:${taken.port}`],
      'channel-server-url': `ws://127.0.0.1:${silent.port}`,
      'builtin-core-service': core('never_ready'),
      'core-service': [core('never_ready'), core('never_ready')],
    });
    assert.equal(result.code, 1);
    assert.ok(result.seconds < 15, `${result.seconds} s`);
    expectFinding(result, 'channel server', 'failure', /cannot be reached \(no answer in 5 s\)/);
    expectFinding(
      result,
      'daemon',
      'failure',
      new RegExp(
        `tcp:127\\.0\\.0\\.1:${taken.port}: .*\\(pid ${process.pid}\\) listens, but does not answer as alirtcd`,
      ),
      /have alirtcd listen elsewhere/,
    );
    expectFinding(
      result,
      'core service',
      'failure',
      /^builtin: .*not ready within 5000 ms; its last lines:\nstill looking/,
    );
    expectFinding(result, 'codecs', 'failure', /--self-test/);
  });

  it('finds a daemon that shows an old certificate, and one that wants to know who asks', async () => {
    const [old, renewed] = [await authority.issue('IP:127.0.0.1'), await authority.issue('IP:127.0.0.1')];
    const tokens = await scene.write('t.yaml', '0123456789abcdef0123: bot use\n');
    const tls = ['--tls-cert', old.certificate, '--tls-key', old.key, '--tokens', tokens];
    await using other = await startDaemon({ args: ['--listen', 'tls:127.0.0.1:0', ...tls] });
    const listen = other.ready.listen;
    const result = await scene.run({ listen, 'tls-cert': renewed.certificate, 'tls-key': renewed.key, tokens });
    expectFinding(result, 'daemon', 'warning', /^tls:.*shows another certificate than the file/, /SIGHUP/);
    expectFinding(result, 'daemon', 'ok', /^unix:.*serves; its version takes a token/);
  });

  it('finds core services that are left of daemons that have died', async () => {
    await mkdir(scene.file('work'), { recursive: true });
    const file = core('never_ready');
    const shell = spawn('sh', ['-c', `'${file}' 1 >/dev/null 2>&1 & echo $!`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(shell.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    await once(shell, 'exit');
    try {
      const result = await scene.run({ 'core-service': [file] });
      expectFinding(
        result,
        'leftovers',
        'warning',
        new RegExp(`pid .*\\b${pid}\\b`),
        new RegExp(`kill .*\\b${pid}\\b`),
      );
    } finally {
      process.kill(pid, 'SIGKILL');
    }
  });
});

/** Listens on ports beside each other. */
async function holdNeighbours(count: number): Promise<{ low: number; close: () => void }> {
  for (let tries = 0; tries < 50; tries += 1) {
    const servers: Server[] = [];
    try {
      for (let index = 0; index < count; index += 1) {
        const first = servers[0]?.address() as AddressInfo | undefined;
        const server = createServer();
        server.listen(first === undefined ? 0 : first.port + index, '127.0.0.1');
        await once(server, 'listening');
        servers.push(server);
      }
      const { port: low } = servers[0]?.address() as AddressInfo;
      return { low, close: () => servers.forEach((server) => server.close()) };
    } catch {
      servers.forEach((server) => server.close());
    }
  }
  throw new Error('no neighbouring ports are free');
}
