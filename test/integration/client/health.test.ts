import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { runProgram } from '../../../client/cli/program.js';

describe('alirtc health', () => {
  const health = new HealthImplementation({ '': 'SERVING', 'alirtc.v1.NodeService': 'NOT_SERVING' });
  const server = new Server();
  let folder: string;
  let address: string;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'alirtc-health-'));
    address = `unix:${folder}/alirtcd.sock`;
    health.addToServer(server);
    await new Promise<void>((resolve, reject) =>
      server.bindAsync(address, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      ),
    );
  });
  after(async () => {
    server.forceShutdown();
    await rm(folder, { recursive: true, force: true });
  });

  async function run(...args: string[]): Promise<{ code: number; out: string[]; err: string }> {
    const [out, err]: [string[], string[]] = [[], []];
    const code = await runProgram(['--address', address, 'health', ...args], {
      print: (line) => void out.push(line),
      note: (line) => void err.push(line),
      signal: new AbortController().signal,
      env: {},
      readStdin: () => Promise.resolve(''),
      interactive: false,
    });
    return { code, out, err: err.join('\n') };
  }

  it('ends with 0 when the daemon serves', async () => {
    assert.deepEqual(await run(), { code: 0, out: ['SERVING'], err: '' });
  });

  it('ends with 1 and says why when a service does not serve', async () => {
    const { code, out, err } = await run('--service', 'alirtc.v1.NodeService');
    assert.equal(code, 1);
    assert.deepEqual(out, ['NOT_SERVING']);
    assert.match(err, /NOT_SERVING[\s\S]*remedy: it starts or drains/);
  });

  it('ends with 1 when nobody knows the service', async () => {
    const { code, err } = await run('--service', 'alirtc.v1.Nothing');
    assert.equal(code, 1);
    assert.match(err, /NOT_FOUND/);
  });

  it('ends with 1 within its time when nobody listens, and prints JSON where wanted', async () => {
    const none = await runProgram(['--json', '--address', `${address}.gone`, 'health', '--timeout', '1s'], {
      print: () => assert.fail('nothing is to be printed'),
      note: (line) => assert.match(line, /"reason":"UNAVAILABLE"/),
      signal: new AbortController().signal,
      env: {},
      readStdin: () => Promise.resolve(''),
      interactive: false,
    });
    assert.equal(none, 1);
  });
});
