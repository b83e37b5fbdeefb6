import assert from 'node:assert/strict';
import { judgeEmbedded, judgeServer } from '../../../client/cli/doctor/channel_servers.js';
import { skewOf } from '../../../client/cli/doctor/channel_server_probe.js';
import type { Finding } from '../../../client/cli/doctor/check.js';
import { judgeCodecs } from '../../../client/cli/doctor/codecs.js';
import { judgeConfiguration } from '../../../client/cli/doctor/configuration.js';
import { judgeCore } from '../../../client/cli/doctor/core_services.js';
import { reportLines, summaryOf, summaryText } from '../../../client/cli/doctor/report.js';
import { judgeAddress } from '../../../client/cli/doctor/running_daemon.js';
import { judgeKeys, judgeMissingKeys, judgeSecret } from '../../../client/cli/doctor/secret_files.js';
import { loadConfigWithSources } from '../../../daemon/config/load_config.js';

function only(findings: readonly Finding[]): Finding {
  assert.equal(findings.length, 1, JSON.stringify(findings));
  return findings[0] as Finding;
}

/** Verdict and remedy of the one finding. */
function judged(findings: readonly Finding[]): [string, string] {
  const { verdict, remedy } = only(findings);
  return [verdict, remedy ?? ''];
}

describe('alirtc doctor: the installation', () => {
  it('says every fault of the configuration in the daemon’s own words, and that the rest goes by the defaults', () => {
    const findings = judgeConfiguration('a.yaml:3: max-engines: wrong\na.yaml:4: listen: wrong', false);
    assert.deepEqual(
      findings.map(({ verdict, finding }) => [verdict, finding]),
      [
        ['failure', 'a.yaml:3: max-engines: wrong'],
        ['failure', 'a.yaml:4: listen: wrong'],
        ['info', 'the other checks go by the defaults'],
      ],
    );
  });

  it('tells how many settings are set, and a file that was not looked at', () => {
    const environment = { ALIRTCD_MAX_ENGINES: '3' };
    const loaded = loadConfigWithSources([], '0', { environment, here: '/opt' });
    const findings = judgeConfiguration(loaded, true);
    assert.deepEqual(
      findings.map(({ verdict }) => verdict),
      ['ok', 'info'],
    );
    assert.match(findings[0]?.finding ?? '', /no file; 1 settings are set/);
    assert.match(findings[1]?.finding ?? '', /with --config \/etc\/alirtcd\/alirtcd\.yaml/);
  });

  describe('secrets', () => {
    const facts = { setting: 'keys', file: '/etc/k.yaml', content: '1 app ids', mode: 0o600 } as const;

    it('fail when others may read them, as alirtcd does not take them so', () => {
      assert.deepEqual(judged(judgeSecret(facts)), ['ok', '']);
      assert.deepEqual(judged(judgeSecret({ ...facts, mode: 0o644 })), ['failure', 'chmod 600 /etc/k.yaml']);
      assert.match(only(judgeSecret({ ...facts, mode: 0o640 })).finding, /mode 0640/);
    });

    it('are warned of where the daemon takes them all the same; a public key is none', () => {
      assert.equal(judged(judgeSecret({ ...facts, setting: 'tls-key', mode: 0o644 }))[0], 'warning');
      assert.equal(judged(judgeSecret({ ...facts, setting: 'jwt-key', mode: 0o644 }))[0], 'ok');
    });

    it('fail when they are missing or wrong, with the reader’s text', () => {
      const { content: _content, mode: _mode, ...missing } = facts;
      assert.match(only(judgeSecret(missing)).finding, /cannot be found/);
      const { content: _, ...wrong } = facts;
      assert.equal(
        only(judgeSecret({ ...wrong, error: 'key file /etc/k.yaml: is not YAML' })).finding,
        'key file /etc/k.yaml: is not YAML',
      );
    });

    it('are warned of where an app key is so short that it may be guessed, without telling it', () => {
      const strong = ['strong', 'k'.repeat(32)] as const;
      assert.deepEqual(
        judgeKeys('/etc/k.yaml', () => new Map([strong])),
        [],
      );
      const finding = only(judgeKeys('/etc/k.yaml', () => new Map([strong, ['weak', 'k'.repeat(31)]])));
      assert.equal(finding.verdict, 'warning');
      assert.match(finding.finding, /the key of weak has less than 32 characters/);
      assert.ok(!JSON.stringify(finding).includes('kkkk'));
    });

    it('are missed where a channel server has to know them', () => {
      assert.equal(judged(judgeMissingKeys(false))[0], 'info');
      assert.match(judged(judgeMissingKeys(true))[1], /API key and secret/);
    });
  });

  describe('a core service', () => {
    const facts = { path: '/c', isBuiltin: true, version: '0.1.0', readyMs: 200, sdkVersion: '7.0.0-alirtcd.0.1.0' };

    it('is fine when it answers in time, in this version', () => {
      assert.deepEqual(judged(judgeCore(facts)), ['ok', '']);
      // A vendor's has a version of its own.
      assert.equal(judged(judgeCore({ ...facts, isBuiltin: false, sdkVersion: '7.0.0.1' }))[0], 'ok');
    });

    it('is warned of when it is slow, of another version, or not executable', () => {
      assert.match(judged(judgeCore({ ...facts, readyMs: 3000 }))[1], /warm-cores/);
      assert.match(judged(judgeCore({ ...facts, sdkVersion: '7.0.0-alirtcd.0.0.9' }))[1], /one version/);
      assert.deepEqual(judged(judgeCore({ ...facts, isNotExecutable: true })), ['warning', 'chmod +x /c']);
    });

    it('fails when it does not start or answer', () => {
      const { readyMs: _ready, sdkVersion: _version, ...rest } = facts;
      const error = { text: 'core service /c failed to start: it exited with code 1' };
      assert.equal(judged(judgeCore({ ...rest, error }))[0], 'failure');
      assert.match(judged(judgeCore({ ...rest, error, isBuiltin: false }))[1], /correct core-service/);
    });
  });

  it('fails for each codec that does not work, and for one that was not tried', () => {
    const fine = { ok: true, ms: 3, text: 'came back' };
    assert.deepEqual(
      judgeCodecs({ results: { h264: fine, vp8: fine, opus: fine } }).map(({ verdict }) => verdict),
      ['ok', 'ok', 'ok'],
    );
    assert.deepEqual(
      judgeCodecs({ results: { h264: fine, vp8: { ok: false, ms: 1, text: 'no libvpx' } } }).map(
        ({ verdict }) => verdict,
      ),
      ['ok', 'failure', 'failure'],
    );
    assert.match(judged(judgeCodecs({ error: 'cannot find node-av' }))[1], /install the package again/);
  });

  describe('a channel server', () => {
    const url = 'wss://sfu.example.com';
    const answer = { url, hasKey: true, status: 200, text: 'success', skewMs: 0 };

    it('is fine when it takes our key, also when it makes no rooms by itself', () => {
      assert.equal(judged(judgeServer(answer))[0], 'ok');
      const text = 'requested room does not exist';
      assert.equal(judged(judgeServer({ ...answer, status: 404, text }))[0], 'ok');
    });

    it('fails when it refuses our key; when the clock is wrong, that comes first', () => {
      const refused = { ...answer, status: 401, text: 'invalid API key: none' };
      assert.match(only(judgeServer(refused)).finding, /refuses our key \(401 invalid API key/);
      assert.match(judged(judgeServer(refused))[1], /file keys/);
      assert.match(judged(judgeServer({ ...refused, skewMs: 90_000 }))[1], /correct the clock first/);
      assert.equal(judged(judgeServer({ ...refused, hasKey: false }))[0], 'info');
    });

    it('fails when it is something else', () => {
      assert.match(only(judgeServer({ ...answer, status: 404, text: 'nginx' })).finding, /not as a LiveKit server/);
      assert.equal(judged(judgeServer({ ...answer, hasKey: false }))[0], 'warning');
    });

    for (const [code, finding, remedy] of [
      ['ENOTFOUND', /no address/, /DNS/],
      ['ECONNREFUSED', /cannot be reached/, /whether the server runs/],
      ['ETIMEDOUT', /cannot be reached/, /firewall/],
      ['ECONNRESET', /does not speak HTTP/, /ws:\/\/ for wss:\/\//],
      ['CERT_HAS_EXPIRED', /TLS fails/, /renew the certificate.*NODE_EXTRA_CA_CERTS/],
    ] as const)
      it(`fails with ${code} by a remedy of its own`, () => {
        const found = only(judgeServer({ url, hasKey: true, error: { code, text: code } }));
        assert.equal(found.verdict, 'failure');
        assert.match(found.finding, finding);
        assert.match(found.remedy ?? '', remedy);
      });

    it('that is embedded fails with its last words', () => {
      assert.equal(judged(judgeEmbedded({ file: '/s', readyMs: 3, probe: answer }))[0], 'ok');
      const { verdict, finding } = only(judgeEmbedded({ file: '/s', error: 'the channel server /s did not start' }));
      assert.deepEqual([verdict, finding], ['failure', 'embedded: the channel server /s did not start']);
    });

    it('has a clock that differs only by what its whole seconds cannot explain', () => {
      const second = Date.parse('Sun, 22 Nov 2026 12:00:00 GMT');
      const date = 'Sun, 22 Nov 2026 12:00:00 GMT';
      assert.equal(skewOf(date, second + 400, second + 600), 0);
      assert.equal(skewOf(date, second + 990, second + 1010), 0);
      assert.equal(skewOf(date, second - 60_000, second - 59_000), 59_000);
      assert.equal(skewOf(date, second + 60_999, second + 61_999), -60_000);
      assert.equal(skewOf('soon', second, second), 0);
    });
  });

  describe('the running daemon', () => {
    const facts = { address: 'tcp:127.0.0.1:7420', version: '0.1.0', connection: 'open', health: 'SERVING' };
    const of = (more: Partial<Parameters<typeof judgeAddress>[0]>, isRunning = true): [string, string] =>
      judged(judgeAddress({ ...facts, ...more }, isRunning));

    it('need not run', () => {
      const absent = { connection: 'ECONNREFUSED', health: undefined } as never;
      assert.equal(of(absent, false)[0], 'info');
      assert.equal(of(absent, true)[0], 'warning');
      const socket = { address: 'unix:/run/a.sock', version: '0', connection: 'ECONNREFUSED' };
      assert.match(only(judgeAddress(socket, false)).finding, /left the socket, the next one removes it/);
    });

    it('is fine when it serves, in this version', () => {
      assert.equal(of({ daemonVersion: '0.1.0' })[0], 'ok');
      assert.match(of({ daemonVersion: '0.0.9' })[1], /restart the daemon/);
      assert.equal(of({ needsToken: true })[0], 'ok');
      assert.equal(of({ health: 'NOT_SERVING' })[0], 'warning');
    });

    it('fails when somebody else has its address, or it may not be used', () => {
      const { health: _, ...silent } = facts;
      const found = only(judgeAddress({ ...silent, holder: 'nginx (pid 4)', error: 'reset' }, false));
      assert.deepEqual([found.verdict, found.finding.includes('nginx (pid 4) listens')], ['failure', true]);
      assert.match(of({ connection: 'EACCES' })[1], /group of the socket/);
    });

    it('is warned of when it shows an old certificate', () => {
      assert.match(of({ health: 'TLS', hasOldCertificate: true })[1], /SIGHUP/);
      assert.equal(of({ health: 'TLS', hasOldCertificate: false })[0], 'ok');
    });
  });

  describe('the report', () => {
    const result = {
      check: 'codecs',
      findings: [
        { verdict: 'ok', finding: 'fine' },
        { verdict: 'failure', finding: 'broken\nlast \u001b[2Jline', remedy: 'mend it' },
      ],
    } as const;

    it('is ASCII where it is read by programs, with the remedy below', () => {
      assert.deepEqual(reportLines(result, { rich: false }), [
        'ok   codecs          fine',
        'FAIL codecs          broken',
        '                     last  [2Jline',
        '                     -> mend it',
      ]);
    });

    it('has marks and colours in a terminal, but nothing that others wrote moves its cursor', () => {
      const lines = reportLines(result, { rich: true });
      assert.match(lines[0] ?? '', /✓.* codecs/);
      assert.match(lines[1] ?? '', /✗/);
      assert.match(lines[3] ?? '', /→ mend it/);
      assert.ok(!lines.join('').includes('\u001b[2J'));
    });

    it('sums up', () => {
      assert.equal(summaryText(summaryOf([result, result])), '2 failures, 0 warnings.');
      assert.equal(summaryText({ failures: 0, warnings: 1 }), 'alirtcd can run here; 1 warning.');
      assert.equal(summaryText({ failures: 0, warnings: 0 }), 'alirtcd can run here.');
    });
  });
});
