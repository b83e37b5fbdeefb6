import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client, credentials, InterceptingCall, status } from '@grpc/grpc-js';
import { AlirtcClient } from '../../../client/index.js';
import type { Engine } from '../../../client/index.js';
import { METHOD_SCOPES } from '../../../daemon/api/method_scopes.js';
import { DaemonProcess } from '../../support/daemon_process.js';
import { methodsOfContract } from '../bad_input/table/contract.js';
import type { Method } from '../bad_input/table/contract.js';
import { METHOD_RECORDS } from '../bad_input/table/method_records.js';
import { rawCall } from '../bad_input/table/raw_call.js';
import type { Outcome } from '../bad_input/table/raw_call.js';
import { forEngine, messagesOf } from '../bad_input/table/value_rows.js';

const TOKENS = {
  alice: ['token-of-alice-0123456789', 'read use'],
  bob: ['token-of-bob-012345678901', 'read use'],
  viewer: ['token-of-the-viewer-01234', 'read'],
} as const;
type Person = keyof typeof TOKENS;
const UNKNOWN = 'eng_aaaaaaaaaaaa';
const METHODS = methodsOfContract();
/** Those that are about one engine. */
const ON_ENGINES = METHODS.filter(({ request: { fields } }) =>
  fields.some(({ name }) => name === 'engine_id' || name === 'open'),
);

/** Every call of the contract, from clients that may not: the table goes through the .proto, so a new call is in it at once. */
describe('every call of another client', function () {
  this.timeout(120_000);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'isolation-'));
  const clients: Client[] = [];
  let daemon: DaemonProcess;
  let alice: AlirtcClient;
  let live: Engine;
  let ended: Engine;

  before(async () => {
    const tokens = path.join(folder, 'tokens.yaml');
    const rows = Object.entries(TOKENS).map(([name, [token, scopes]]) => `${token}: ${name} ${scopes}\n`);
    writeFileSync(tokens, rows.join(''), { mode: 0o600 });
    daemon = await DaemonProcess.start({ flags: ['--tokens', tokens] });
    alice = await AlirtcClient.connect(daemon.ready.listen[0] ?? '', { token: TOKENS.alice[0] });
    [live, ended] = [await alice.createEngine({ detached: true }), await alice.createEngine()];
    await ended.release();
  });
  after(async () => {
    for (const client of clients) client.close();
    alice.close();
    await daemon.stop();
    rmSync(folder, { recursive: true });
  });

  const as = (person: Person | undefined): Client => {
    const interceptor: ConstructorParameters<typeof Client>[2] = {
      interceptors: [
        (options, next) =>
          new InterceptingCall(next(options), {
            start: (metadata, listener, begin) => {
              if (person !== undefined) metadata.set('authorization', `Bearer ${TOKENS[person][0]}`);
              begin(metadata, listener);
            },
          }),
      ],
    };
    const client = new Client(daemon.target, credentials.createInsecure(), interceptor);
    clients.push(client);
    return client;
  };
  const call = (client: Client, method: Method, engineId: string): Promise<Outcome> => {
    const request = METHOD_RECORDS[method.name]?.request ?? assert.fail(`no record of ${method.name}`);
    return rawCall(client, method, messagesOf(method, forEngine(method, request, engineId), false));
  };
  const scopeOf = ({ name }: Method): string => METHOD_SCOPES.get(name.split('.').pop() ?? '') ?? 'none';

  it('on an engine, live or ended, is answered word for word as on one that never was', async () => {
    assert.ok(ON_ENGINES.length > 40, `only ${ON_ENGINES.length} calls`);
    const bob = as('bob');
    for (const method of ON_ENGINES)
      for (const { engineId } of [live, ended]) {
        const [his, nobodys] = [await call(bob, method, engineId), await call(bob, method, UNKNOWN)];
        const expected = scopeOf(method) === 'admin' ? status.PERMISSION_DENIED : status.NOT_FOUND;
        assert.equal(his.code, expected, `${method.name}: ${his.message}`);
        const text = JSON.stringify(his).replaceAll(engineId, UNKNOWN);
        assert.equal(text, JSON.stringify(nobodys), method.name);
      }
  });

  it('that looks at the whole node leaves the engine out', async () => {
    const bob = as('bob');
    const methods = METHODS.filter(({ name }) => /\.(ListEngines|GetNodeStatus)$/.test(name));
    assert.equal(methods.length, 2);
    for (const method of methods) {
      const [his, hers] = [await call(bob, method, ''), await call(as('alice'), method, '')];
      assert.ok(JSON.stringify(hers.response).includes(live.engineId), method.name);
      assert.ok(!JSON.stringify(his.response).includes(live.engineId), method.name);
    }
    const metrics = await (await fetch(`${daemon.ready.http ?? ''}/metrics`)).text();
    assert.ok(!metrics.includes(live.engineId));
  });

  it('that changes something is PERMISSION_DENIED with the scope read, before anybody asks whose the engine is', async () => {
    const viewer = as('viewer');
    const methods = METHODS.filter((method) => scopeOf(method) !== 'read');
    assert.ok(methods.length > 40);
    for (const method of methods) {
      const { code, info } = await call(viewer, method, live.engineId);
      assert.deepEqual([code, info?.reason], [status.PERMISSION_DENIED, 'SCOPE_MISSING'], method.name);
      assert.equal(info?.metadata['scope'], scopeOf(method), method.name);
    }
  });

  it('is UNAUTHENTICATED without a token', async () => {
    const nobody = as(undefined);
    for (const method of METHODS) {
      const { code, info } = await call(nobody, method, live.engineId);
      assert.deepEqual([code, info?.reason], [status.UNAUTHENTICATED, 'BAD_BEARER_TOKEN'], method.name);
    }
  });

  it('has changed nothing in the end', async () => {
    const ids = (await alice.listEngines()).map(({ engineId }) => engineId);
    assert.deepEqual(ids, [live.engineId]);
    assert.equal((await live.snapshot())?.channel, '');
    const { draining } = await alice.nodeStatus();
    assert.equal(draining, false);
  });
});
