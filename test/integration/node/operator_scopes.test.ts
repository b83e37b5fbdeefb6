import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { AlirtcClient } from '../../../client/index.js';
import type { Engine } from '../../../client/index.js';
import { alirtc } from '../../support/alirtc_command.js';
import type { Ended } from '../../support/alirtc_command.js';
import { DaemonProcess } from '../../support/daemon_process.js';

const TOKENS = {
  alice: 'token-of-alice-0123456789 read use',
  viewer: 'token-of-the-viewer-01234 read',
  operator: 'token-of-the-operator-012 admin',
};
type Person = keyof typeof TOKENS;

describe('alirtc node, where callers need tokens', function () {
  this.timeout(120_000);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'operators-'));
  let daemon: DaemonProcess;
  let owner: AlirtcClient;
  let engine: Engine;

  before(async () => {
    const rows: string[] = [];
    for (const [name, text] of Object.entries(TOKENS)) {
      const [token = '', ...scopes] = text.split(' ');
      writeFileSync(path.join(folder, name), token);
      rows.push(`${token}: ${name} ${scopes.join(' ')}`);
    }
    const file = path.join(folder, 'tokens.yaml');
    writeFileSync(file, rows.join('\n'), { mode: 0o600 });
    daemon = await DaemonProcess.start({ flags: ['--tokens', file] });
    owner = await AlirtcClient.connect(daemon.ready.listen[0] ?? '', { token: TOKENS.alice.split(' ')[0] });
    engine = await owner.createEngine({ detached: true });
  });
  after(async () => {
    owner.close();
    await daemon.stop();
    rmSync(folder, { recursive: true });
  });

  const as = (person: Person | undefined, ...args: string[]): Promise<Ended> => {
    const token = person === undefined ? [] : ['--token-file', path.join(folder, person)];
    return alirtc(['--address', daemon.ready.listen[0] ?? '', ...token, ...args]);
  };
  const LOOKING = [['status'], ['engines'], ['top', '--once']];
  const ADMINISTERING = [
    ['drain', '--deadline', '1h'],
    ['logs'],
    ['config'],
    ['logs', '--engine', 'ENGINE', '--set-level', 'debug'],
  ];

  it('status, engines and top take the scope read', async () => {
    for (const command of LOOKING) {
      const { code, err } = await as('viewer', 'node', ...command);
      assert.equal(code, 0, err.join('\n'));
    }
  });

  it('drain, logs and config take the scope admin; the refusal says so, and what to do', async () => {
    for (const person of ['viewer', 'alice'] as const)
      for (const command of ADMINISTERING) {
        // Whose engine it is does not matter.
        const words = command.map((word) => (word === 'ENGINE' && person === 'alice' ? engine.engineId : word));
        const { code, out, err } = await as(person, 'node', ...words);
        const what = `${person}: ${command.join(' ')}`;
        assert.deepEqual([code, out], [1, []], what);
        assert.match(err[0] ?? '', new RegExp(`^error: token:${person} has not the scope "admin"`), what);
        assert.match(err.join('\n'), /code: +PERMISSION_DENIED SCOPE_MISSING\n[\s\S]*remedy: have the operator give/);
      }
    const { err } = await as('viewer', 'node', 'config', '--json');
    const { error } = JSON.parse(err[0] ?? '') as { error: { reason: string; metadata: { scope: string } } };
    assert.deepEqual([error.reason, error.metadata.scope], ['SCOPE_MISSING', 'admin']);
  });

  it('without a token everything is UNAUTHENTICATED but health', async () => {
    for (const command of [...LOOKING, ...ADMINISTERING]) {
      const { code, err } = await as(undefined, 'node', ...command);
      assert.equal(code, 1);
      assert.match(err.join('\n'), /UNAUTHENTICATED BAD_BEARER_TOKEN[\s\S]*remedy: send the header/);
    }
    const health = await as(undefined, 'health');
    assert.deepEqual([health.code, health.out], [0, ['SERVING']]);
    assert.equal((await as(undefined, 'health', '--service', 'alirtc.v1.NodeService')).code, 0);
  });

  it('shows an engine, its owner and its load to who may see it, and to nobody else', async () => {
    const status = async (person: Person): Promise<string> => (await as(person, 'node', 'status', '--json')).out.join();
    assert.match((await as('operator', 'node', 'engines')).out[1] ?? '', /^eng_\w+ +token:alice +ready/);
    assert.ok((await status('alice')).includes(engine.engineId));
    assert.ok(!(await status('viewer')).includes(engine.engineId), 'seen by somebody else');
    const none = await as('viewer', 'node', 'engines');
    assert.deepEqual([none.code, none.out, none.err], [0, [], ['no engines']]);
  });

  it('lets the operator read the log of an engine of somebody else, and in it no token', async () => {
    const { code, out } = await as('operator', 'node', 'logs', '--engine', engine.engineId);
    assert.equal(code, 0);
    assert.match(out.join('\n'), /engine created/);
    const all = (await as('operator', 'node', 'logs', '--since-lines', '5000', '--json')).out;
    assert.ok(all.length > 5);
    for (const text of Object.values(TOKENS)) assert.ok(!all.join().includes(text.split(' ')[0] ?? ''));
  });

  it('shows the operator the settings, and of secrets only where they lie', async () => {
    const { code, out } = await as('operator', 'node', 'config');
    assert.equal(code, 0);
    assert.ok(out.some((line) => line.startsWith(`tokens: ${JSON.stringify(path.join(folder, 'tokens.yaml'))}`)));
    for (const text of Object.values(TOKENS)) assert.ok(!out.join().includes(text.split(' ')[0] ?? ''));
  });
});
