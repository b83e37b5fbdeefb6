import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { DaemonProcess } from '../../support/daemon_process.js';
import { eventually } from '../../support/eventually.js';
import { CreateAliRTCEngineRequest, JoinChannelRequest } from '../../../gen/alirtc/v1/engine.js';
import type { CreateAliRTCEngineResponse, JoinChannelResponse } from '../../../gen/alirtc/v1/engine.js';
import type { GetNodeStatusResponse } from '../../../gen/alirtc/v1/node.js';
import { GenerateTokenRequest } from '../../../gen/alirtc/v1/token.js';
import type { GenerateTokenResponse } from '../../../gen/alirtc/v1/token.js';
import { refused } from '../../support/refused.js';
import { rpc } from '../../support/rpc.js';

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL('../../../dist/bin/alirtcd.mjs', import.meta.url));

describe('the configuration of a running daemon', function () {
  this.timeout(90_000);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'configuration-'));
  const file = path.join(folder, 'alirtcd.yaml');
  const keys = path.join(folder, 'keys.yaml');
  const config = (maxEngines: number, level: string, portLow: number): void =>
    writeFileSync(file, `max-engines: ${maxEngines}\nlog-level: ${level}\ncore-port-low: ${portLow}\nkeys: ${keys}\n`);
  const keyFile = (...lines: string[]): void => writeFileSync(keys, `${lines.join('\n')}\n`, { mode: 0o600 });
  let daemon: DaemonProcess;

  before(async () => {
    config(1, 'info', 42_000);
    keyFile('first: key-of-the-first-application');
    daemon = await DaemonProcess.start({ flags: ['--config', file] });
  });
  after(async () => {
    await daemon.stop();
    rmSync(folder, { recursive: true });
  });

  const hangUp = async (): Promise<Record<string, unknown>[]> => {
    const seen = daemon.log.length;
    daemon.child.kill('SIGHUP');
    await eventually(() => {
      const isOver = daemon.log.slice(seen).some((line) => /configuration (read again|was not taken)/.test(line));
      return isOver ? undefined : 'SIGHUP has not been answered';
    });
    return daemon.log.slice(seen).map((line) => JSON.parse(line) as Record<string, unknown>);
  };
  const tokenOf = (appId: string) =>
    rpc<GenerateTokenResponse>((done) => {
      const request = { authInfo: { appId, channel: 'c', userId: 'u' } };
      return daemon.tokens.generateToken(GenerateTokenRequest.fromPartial(request), done);
    });
  const create = () =>
    rpc<CreateAliRTCEngineResponse>((done) =>
      daemon.engines.createAliRtcEngine(CreateAliRTCEngineRequest.fromPartial({}), done),
    );
  const release = (engineId: string) => rpc((done) => daemon.engines.release({ engineId }, done));

  it('is printed by --print-config, with places, and nothing is started', async () => {
    const { stdout } = await run(process.execPath, [PROGRAM, '--config', file, '--print-config'], { timeout: 60_000 });
    assert.match(stdout, new RegExp(`^max-engines: 1 +# ${file}:1$`, 'm'));
    assert.equal((parse(stdout) as Record<string, unknown>)['max-engines'], 1);
  });

  it('ends the daemon with 2 and the place of the fault when it is wrong', async () => {
    const wrong = path.join(folder, 'wrong.yaml');
    writeFileSync(wrong, '\nmax-engine: 1\n');
    await assert.rejects(run(process.execPath, [PROGRAM, '--config', wrong], { timeout: 60_000 }), {
      code: 2,
      stderr: `alirtcd: ${wrong}:2: max-engine is not a setting; did you mean max-engines?\n`,
    });
  });

  it('is read again on SIGHUP: limits and the log level are taken, ports need a restart', async () => {
    const first = await create();
    const tooMany = await refused(create());
    assert.equal(tooMany.reason, 'TOO_MANY_ENGINES');
    config(2, 'debug', 43_000);
    const lines = await hangUp();
    const said = lines.flatMap(({ msg, setting, from, to }) =>
      setting === undefined ? [] : [[setting, from, to, msg]],
    );
    assert.deepEqual(said, [
      ['core-port-low', 42_000, 43_000, 'setting needs a restart'],
      ['log-level', 'info', 'debug', 'setting taken'],
      ['max-engines', 1, 2, 'setting taken'],
    ]);
    const second = await create();
    for (const { engineId } of [first, second]) await release(engineId);
    const metrics = await (await fetch(`${daemon.ready.http ?? ''}/metrics`)).text();
    assert.match(metrics, /^alirtcd_engines_limit 2$/m);
  });

  it('has another capacity at once, for engines, status, metrics and health', async () => {
    writeFileSync(file, `max-engines: 2\nlog-level: debug\ncapacity-ms: 1\nkeys: ${keys}\n`);
    await hangUp();
    assert.equal((await refused(create())).reason, 'NODE_FULL');
    const { load } = await rpc<GetNodeStatusResponse>((done) => daemon.node.getNodeStatus({}, done));
    assert.equal(load?.capacityMs, 1);
    const health = (await (await fetch(`${daemon.ready.http ?? ''}/healthz`)).json()) as { capacityMs: number };
    assert.equal(health.capacityMs, 1);
    const metrics = await (await fetch(`${daemon.ready.http ?? ''}/metrics`)).text();
    assert.match(metrics, /^alirtcd_capacity_cores 0\.001$/m);
    config(2, 'debug', 43_000);
    await hangUp();
    await release((await create()).engineId);
  });

  it('takes a key file that has changed, also for who joins', async () => {
    assert.equal((await refused(tokenOf('second'))).reason, 'ERR_JOIN_BAD_APPID');
    keyFile('first: key-of-the-first-application', 'second: a-short-key');
    const lines = await hangUp();
    const warned = lines.find(({ msg }) => String(msg).startsWith('app keys of less than 32 characters'));
    assert.deepEqual(warned?.['appIds'], ['first', 'second']);
    assert.ok(!/key-of-the|a-short-key/.test(JSON.stringify(lines)));
    const { token } = await tokenOf('second');
    const { engineId } = await create();
    const joined = await rpc<JoinChannelResponse>((done) => {
      const credential = { $case: 'token' as const, value: token };
      return daemon.engines.joinChannel(JoinChannelRequest.fromPartial({ engineId, credential, wait: true }), done);
    });
    assert.equal(joined.result, 0);
    await release(engineId);
  });

  it('stays as it was when the file has become wrong', async () => {
    writeFileSync(file, 'max-engines: none\n');
    const lines = await hangUp();
    const { reason } = lines.find(({ msg }) => String(msg).includes('not taken')) ?? {};
    assert.match(String(reason), new RegExp(`^${file}:1: max-engines: has to be a whole number`));
    keyFile('first: [');
    config(2, 'debug', 43_000);
    const again = await hangUp();
    assert.ok(again.some(({ msg }) => String(msg).startsWith('file not taken')));
    await tokenOf('second');
  });
});
