import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { AlirtcClient, AlirtcStatusError } from '../../../client/index.js';
import type { TlsOptions } from '../../../client/index.js';
import { TestAuthority } from '../../support/certificates.js';
import { DaemonProcess } from '../../support/daemon_process.js';
import { eventually } from '../../support/eventually.js';
import { readFileSync } from 'node:fs';

const run = promisify(execFile);
/** The user that owns nothing. */
const NOBODY = 65_534;
/** Says how connecting to a socket ends. */
const CONNECT = `require('net').connect(process.argv[1])
  .on('connect', () => { console.log('connected'); process.exit(); })
  .on('error', ({ code }) => { console.log(code); process.exit(); })`;
const ALIRTC = fileURLToPath(new URL('../../../dist/bin/alirtc.mjs', import.meta.url));

describe('the listeners of the daemon', function () {
  this.timeout(120_000);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'listeners-'));
  const files = { certificate: path.join(folder, 'tls.pem'), key: path.join(folder, 'tls.key') };
  let authority: TestAuthority;
  before(async () => {
    authority = await TestAuthority.create();
  });
  after(async () => {
    await authority[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  /** Puts a new certificate in the place of the old one. */
  const renew = async (): Promise<void> => {
    const fresh = await authority.issue('DNS:localhost', 'IP:127.0.0.1');
    copyFileSync(fresh.certificate, files.certificate);
    copyFileSync(fresh.key, files.key);
  };
  const start = async (...flags: string[]): Promise<DaemonProcess> => {
    await renew();
    return DaemonProcess.start({
      listen: ['tls:127.0.0.1:0', `unix:${folder}/s.sock`],
      flags: ['--tls-cert', files.certificate, '--tls-key', files.key, ...flags],
    });
  };
  const addressOf = (daemon: DaemonProcess): string => daemon.ready.listen[0] ?? '';
  const fingerprintOf = (daemon: DaemonProcess): Promise<string> =>
    new Promise((resolve, reject) => {
      const port = Number(addressOf(daemon).split(':').at(-1));
      const socket = connect({
        host: '127.0.0.1',
        port,
        ca: readFileSync(authority.certificate),
        ALPNProtocols: ['h2'],
      });
      socket.once('error', reject);
      socket.once('secureConnect', () => {
        resolve(socket.getPeerCertificate().fingerprint256);
        socket.destroy();
      });
    });
  const ca = (): string => readFileSync(authority.certificate, 'utf8');
  const connectWith = (daemon: DaemonProcess, tls: TlsOptions): Promise<AlirtcClient> =>
    AlirtcClient.connect(addressOf(daemon), { tls });

  describe('with TLS', () => {
    let daemon: DaemonProcess;
    before(async () => {
      daemon = await start('--socket-mode', '0660');
    });
    after(() => daemon.stop());

    it('serve who trusts the authority, and nobody who does not', async () => {
      assert.match(addressOf(daemon), /^tls:127\.0\.0\.1:\d+$/);
      await using client = await connectWith(daemon, { ca: ca() });
      assert.equal((await client.nodeStatus()).engines, 0);
      await assert.rejects(connectWith(daemon, {}), (error: AlirtcStatusError) => {
        assert.equal(error.reason, 'UNAVAILABLE');
        // What is wrong is not that nobody listens.
        assert.match(error.message, /no daemon answers at tls:127\.0\.0\.1:\d+: .*certificate/);
        assert.match(error.remedy ?? '', /--ca, --cert and --key/);
        return true;
      });
      const port = addressOf(daemon).slice('tls:'.length);
      await assert.rejects(async () => {
        await using plain = await AlirtcClient.connect(`tcp:${port}`, { connectTimeoutMs: 3_000 });
        await plain.nodeStatus({ deadlineMs: 3_000 });
      }, AlirtcStatusError);
    });

    it('are reached by the command line with --ca', async () => {
      const args = [ALIRTC, '--address', addressOf(daemon), '--ca', authority.certificate, 'health'];
      const { stdout, stderr } = await run(process.execPath, args, { timeout: 60_000 });
      assert.deepEqual([stdout, stderr], ['SERVING\n', '']);
    });

    it('are warned of in the log while nobody has to say who he is', () => {
      const warned = daemon.log.filter((line) => line.includes('whoever reaches this address may do everything'));
      assert.equal(warned.length, 1);
      assert.match(warned[0] ?? '', /"listen":"tls:127\.0\.0\.1:\d+"/);
    });

    it('have a socket of the mode that the operator says', () => {
      assert.equal(statSync(path.join(folder, 's.sock')).mode & 0o777, 0o660);
    });

    it('take a new certificate on SIGHUP; a stream that runs goes on', async () => {
      await using client = await connectWith(daemon, { ca: ca() });
      const engine = await client.createEngine();
      let parameters = 0;
      const events = engine.events();
      const reading = (async () => {
        for await (const _ of events) parameters += 1;
      })();
      await eventually(() => (parameters > 0 ? undefined : 'no event yet'));
      const before = await fingerprintOf(daemon);
      await renew();
      assert.equal(await fingerprintOf(daemon), before);
      daemon.child.kill('SIGHUP');
      await eventually(async () => ((await fingerprintOf(daemon)) === before ? 'the old certificate' : undefined));
      const seen = parameters;
      // A join whose token is wrong is an event; it comes by the old connection.
      await engine.joinChannel({ token: 'none', channelId: 'c', userId: 'u' }).catch(() => undefined);
      await eventually(() => (parameters > seen ? undefined : 'the stream says nothing any more'));
      await engine.release();
      await reading;
      await using late = await connectWith(daemon, { ca: ca() });
      assert.equal((await late.nodeStatus()).engines, 0);
    });

    it('take a new certificate when nobody tells them, within half a minute', async () => {
      const before = await fingerprintOf(daemon);
      await renew();
      await eventually(
        async () => ((await fingerprintOf(daemon)) === before ? 'the old certificate' : undefined),
        60_000,
      );
    });

    it('keep the certificate while the files are wrong, and say so', async () => {
      const before = await fingerprintOf(daemon);
      writeFileSync(files.certificate, 'not a certificate');
      daemon.child.kill('SIGHUP');
      await eventually(() =>
        daemon.log.some((line) => line.includes('"file":"certificates"') && line.includes('not taken'))
          ? undefined
          : 'nothing is said',
      );
      assert.equal(await fingerprintOf(daemon), before);
    });
  });

  describe('with certificates of clients', () => {
    let daemon: DaemonProcess;
    before(async () => {
      daemon = await start('--client-ca', authority.certificate);
    });
    after(() => daemon.stop());

    it('serve who has one, and nobody without one or with one of a stranger', async () => {
      const own = await authority.issue('DNS:client');
      const stranger = await authority.selfSigned('DNS:client');
      const with_ = (pair: { certificate: string; key: string }): TlsOptions => ({
        ca: ca(),
        certificate: readFileSync(pair.certificate),
        key: readFileSync(pair.key),
      });
      await using client = await connectWith(daemon, with_(own));
      assert.equal((await client.nodeStatus()).engines, 0);
      for (const tls of [{ ca: ca() }, with_(stranger)])
        await assert.rejects(async () => {
          await using refused = await connectWith(daemon, tls);
          await refused.nodeStatus({ deadlineMs: 5_000 });
        }, AlirtcStatusError);
    });

    it('are reached by the command line with --ca, --cert and --key', async () => {
      const own = await authority.issue('DNS:client');
      const flags = ['--ca', authority.certificate, '--cert', own.certificate, '--key', own.key];
      const args = [ALIRTC, '--address', addressOf(daemon), ...flags, 'health'];
      assert.equal((await run(process.execPath, args, { timeout: 60_000 })).stdout, 'SERVING\n');
    });
  });

  describe('without TLS', () => {
    it('are not opened beyond loopback unless the operator says --insecure-listen', async () => {
      await assert.rejects(DaemonProcess.start({ listen: ['tcp:0.0.0.0:0'] }), /only loopback .*--insecure-listen/);
      const daemon = await DaemonProcess.start({ listen: ['tcp:0.0.0.0:0'], flags: ['--insecure-listen'] });
      assert.match(daemon.ready.listen[0] ?? '', /^tcp:0\.0\.0\.0:\d+$/);
      assert.ok(daemon.log.some((line) => line.includes('can be read and changed on the way')));
      await daemon.stop();
    });

    it('are warned of in the log when every user may open the socket, and nobody has to say who he is', async () => {
      for (const [mode, count] of [
        ['0666', 1],
        ['0660', 0],
      ] as const) {
        const daemon = await DaemonProcess.start({
          listen: [`unix:${folder}/open.sock`],
          flags: ['--socket-mode', mode],
        });
        const warned = daemon.log.filter((line) => line.includes('whoever reaches this address may do everything'));
        assert.equal(warned.length, count, mode);
        await daemon.stop();
      }
    });

    it('refuse another user of the machine at the socket, as long as its mode does (seen by root alone)', async function () {
      if (process.getuid?.() !== 0) {
        console.log('      not tried: only root can be somebody else');
        return this.skip();
      }
      const open = path.join(folder, 'open');
      mkdirSync(open);
      for (const entered of [folder, open]) chmodSync(entered, 0o755);
      const socket = path.join(open, 's.sock');
      for (const [mode, expected] of [
        ['0600', 'EACCES'],
        ['0660', 'EACCES'],
        ['0666', 'connected'],
      ] as const) {
        const daemon = await DaemonProcess.start({ listen: [`unix:${socket}`], flags: ['--socket-mode', mode] });
        const { stdout } = await run(process.execPath, ['-e', CONNECT, socket], { uid: NOBODY, gid: NOBODY, cwd: '/' });
        assert.equal(stdout.trim(), expected, mode);
        await daemon.stop();
      }
    });

    it('have a socket that only the own user may open', async () => {
      const socket = path.join(folder, 'own.sock');
      const daemon = await DaemonProcess.start({ listen: [`unix:${socket}`] });
      assert.equal(statSync(socket).mode & 0o777, 0o600);
      await daemon.stop();
    });
  });
});
