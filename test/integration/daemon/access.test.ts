import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { AlirtcClient, AlirtcStatusError } from '../../../client/index.js';
import type { Engine } from '../../../client/index.js';
import { TestAuthority } from '../../support/certificates.js';
import { DaemonProcess } from '../../support/daemon_process.js';
import { eventually } from '../../support/eventually.js';

const run = promisify(execFile);
const ALIRTC = fileURLToPath(new URL('../../../dist/bin/alirtc.mjs', import.meta.url));
const TOKENS = {
  alice: 'token-of-alice-0123456789',
  bob: 'token-of-bob-012345678901',
  viewer: 'token-of-the-viewer-01234',
  operator: 'token-of-the-operator-012',
};

const refusalOf = async (call: Promise<unknown>): Promise<AlirtcStatusError> => {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof AlirtcStatusError, String(error));
    return error;
  }
  throw new Error('the call succeeded');
};

describe('access to the daemon with bearer tokens', function () {
  this.timeout(120_000);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'access-'));
  const file = path.join(folder, 'tokens.yaml');
  const write = (bob = true): void => {
    const rows = [
      `${TOKENS.alice}: alice read use`,
      ...(bob ? [`${TOKENS.bob}: bob read use`] : []),
      `${TOKENS.viewer}: viewer read`,
      `${TOKENS.operator}: operator admin`,
    ];
    writeFileSync(file, `${rows.join('\n')}\n`, { mode: 0o600 });
  };
  let daemon: DaemonProcess;
  const clients: AlirtcClient[] = [];
  const as = async (token?: string): Promise<AlirtcClient> => {
    const client = await AlirtcClient.connect(daemon.ready.listen[0] ?? '', token === undefined ? {} : { token });
    clients.push(client);
    return client;
  };
  let alice: AlirtcClient;
  let bob: AlirtcClient;
  let engine: Engine;

  before(async () => {
    write();
    const limits = [
      '--max-engines-per-client',
      '1',
      '--max-event-streams-per-engine',
      '1',
      '--max-message-bytes',
      '70000',
    ];
    daemon = await DaemonProcess.start({ flags: ['--tokens', file, ...limits] });
    [alice, bob] = await Promise.all([as(TOKENS.alice), as(TOKENS.bob)]);
    engine = await alice.createEngine();
  });
  after(async () => {
    for (const client of clients) client.close();
    await daemon.stop();
    rmSync(folder, { recursive: true });
  });

  it('is UNAUTHENTICATED without a token or with a wrong one; health can be asked without', async () => {
    for (const client of [await as(), await as('token-that-nobody-knows-1')]) {
      const error = await refusalOf(client.nodeStatus());
      assert.deepEqual([error.reason, error.field], ['BAD_BEARER_TOKEN', 'authorization']);
    }
    const args = [ALIRTC, '--address', daemon.ready.listen[0] ?? '', 'health'];
    assert.equal((await run(process.execPath, args, { timeout: 60_000 })).stdout, 'SERVING\n');
  });

  it('lets who may only read look, and nothing else', async () => {
    const viewer = await as(TOKENS.viewer);
    assert.equal((await viewer.nodeStatus()).engines, 1);
    const error = await refusalOf(viewer.createEngine());
    assert.equal(error.reason, 'SCOPE_MISSING');
    assert.match(error.message, /token:viewer has not the scope "use"/);
  });

  it('shows an engine to its owner and to an administrator, to nobody else', async () => {
    const ids = async (client: AlirtcClient): Promise<string[]> =>
      (await client.listEngines()).map(({ engineId }) => engineId);
    assert.deepEqual(await ids(alice), [engine.engineId]);
    assert.deepEqual(await ids(bob), []);
    assert.deepEqual(await ids(await as(TOKENS.operator)), [engine.engineId]);
    const seen = async (client: AlirtcClient): Promise<boolean> =>
      (await client.nodeStatus()).processes.some(({ engineId }) => engineId === engine.engineId);
    assert.deepEqual([await seen(alice), await seen(bob)], [true, false]);
  });

  it('lets an administrator release an engine of somebody else', async () => {
    const operator = await as(TOKENS.operator);
    const other = await bob.createEngine();
    const [mine] = (await operator.listEngines()).filter(({ engineId }) => engineId === other.engineId);
    assert.ok(mine !== undefined);
    const token = path.join(folder, 'operator.token');
    writeFileSync(token, TOKENS.operator, { mode: 0o600 });
    const request = JSON.stringify({ engine_id: other.engineId });
    const flags = ['--address', daemon.ready.listen[0] ?? '', '--token-file', token, 'call', 'Release', request];
    await run(process.execPath, [ALIRTC, ...flags], { timeout: 60_000 });
    assert.deepEqual(await bob.listEngines(), []);
  });

  it('counts engines for each client, and the refusal names limit, value and setting', async () => {
    const error = await refusalOf(alice.createEngine());
    assert.equal(error.reason, 'TOO_MANY_ENGINES');
    assert.deepEqual([error.metadata['limit'], error.metadata['setting']], ['1', 'max-engines-per-client']);
    assert.match(error.remedy ?? '', /--max-engines-per-client/);
    const another = await bob.createEngine();
    await another.release();
  });

  it('counts the readers of an engine, and frees the place of one that goes', async () => {
    const first = engine.events();
    const reading = first[Symbol.asyncIterator]();
    await reading.next();
    const second = engine.events();
    const error = await refusalOf(second[Symbol.asyncIterator]().next());
    assert.deepEqual([error.reason, error.metadata['setting']], ['TOO_MANY_STREAMS', 'max-event-streams-per-engine']);
    await reading.return?.();
    await eventually(async () => {
      const third = engine.events();
      const iterator = third[Symbol.asyncIterator]();
      const event = await iterator.next().catch(() => undefined);
      await iterator.return?.();
      return event === undefined ? 'there is no room yet' : undefined;
    });
  });

  it('refuses a message that is too large, and names the limit', async () => {
    const error = await refusalOf(engine.setParameter('x'.repeat(80_000)));
    assert.equal(error.reason, 'MESSAGE_TOO_LARGE');
    assert.deepEqual([error.metadata['limit'], error.metadata['setting']], ['70000', 'max-message-bytes']);
  });

  it('is taken from who is no longer in the file after SIGHUP; no token is in the log', async () => {
    write(false);
    daemon.child.kill('SIGHUP');
    await eventually(async () => {
      const error = await bob.nodeStatus().catch((thrown: unknown) => thrown);
      return error instanceof AlirtcStatusError && error.reason === 'BAD_BEARER_TOKEN' ? undefined : 'bob still may';
    });
    assert.equal((await alice.nodeStatus()).engines, 1);
    const log = daemon.log.join('\n');
    for (const token of Object.values(TOKENS)) assert.ok(!log.includes(token));
  });

  it('takes the console away, which has no login', () => {
    assert.equal(daemon.ready.console, undefined);
  });
});

describe('access to the daemon with certificates of clients', function () {
  this.timeout(120_000);
  it('gives engines to the subject of the certificate, and the node to the subjects that the operator names', async () => {
    await using authority = await TestAuthority.create();
    const server = await authority.issue('IP:127.0.0.1');
    const [client, operator] = [
      await authority.issueTo('/O=us/CN=bot', 'DNS:client'),
      await authority.issueTo('/O=us/CN=operator', 'DNS:operator'),
    ];
    // What reads the same when parts are only put together.
    const pretender = await authority.issueTo('/O=us,CN=operator', 'DNS:client');
    const tlsFlags = ['--tls-cert', server.certificate, '--tls-key', server.key, '--client-ca', authority.certificate];
    const daemon = await DaemonProcess.start({
      listen: ['tls:127.0.0.1:0', 'tcp:127.0.0.1:0'],
      flags: [...tlsFlags, '--admin-subject', 'O=us,CN=operator'],
    });
    try {
      const [tlsAddress = '', local = ''] = daemon.ready.listen;
      const connect = (pair: { certificate: string; key: string }): Promise<AlirtcClient> => {
        const files = { ca: authority.certificate, ...pair };
        const tls = Object.fromEntries(Object.entries(files).map(([name, file]) => [name, readFileSync(file)]));
        return AlirtcClient.connect(tlsAddress, { tls });
      };
      await using far = await connect(client);
      await using admin = await connect(operator);
      await using false_ = await connect(pretender);
      await using near = await AlirtcClient.connect(local);
      const hidden = await near.createEngine();
      const own = await far.createEngine();
      assert.deepEqual(
        (await far.listEngines()).map(({ engineId }) => engineId),
        [own.engineId],
      );
      assert.equal((await near.listEngines()).length, 2);
      const owners = (await admin.nodeStatus()).engineStatuses.map(({ owner }) => owner);
      assert.deepEqual(owners.sort(), ['local', 'tls:O=us,CN=bot']);
      assert.deepEqual(await false_.listEngines(), []);
      for (const client of [far, false_]) assert.equal((await refusalOf(client.nodeConfig())).reason, 'SCOPE_MISSING');
      assert.ok((await admin.nodeConfig()).settings.length > 20);
      await hidden.release();
    } finally {
      await daemon.stop();
    }
  });
});
