import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { runCommand, readCommand, type Finished } from '../image/support/run_command.js';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const NPM = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel', 'error'];

describe('The npm package, installed in an empty folder', function () {
  this.timeout(600_000);
  let folder: string;
  let files: string[];

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'alirtcd-package-'));
    const args = ['pack', '--json', '--ignore-scripts', '--loglevel', 'error', '--pack-destination', folder];
    const [packed] = JSON.parse(await readCommand('npm', [...args, PROJECT])) as [
      { filename: string; files: { path: string }[] },
    ];
    files = packed.files.map((file) => file.path);
    await writeFile(path.join(folder, 'package.json'), '{ "name": "empty", "private": true, "type": "module" }\n');
    await npm('install', ...NPM, path.join(folder, packed.filename));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  function run(file: string, args: string[], timeoutMs?: number): Promise<Finished> {
    return runCommand('env', ['-C', folder, file, ...args], process.env, timeoutMs);
  }

  async function npm(...args: string[]): Promise<void> {
    const { code, err } = await run('npm', args, 500_000);
    assert.equal(code, 0, err);
  }

  it('contains what contents.txt lists, no more and no less', async () => {
    const listed = (await readFile(new URL('./contents.txt', import.meta.url), 'utf8'))
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    const patterns = listed.map((line) => ({
      line,
      pattern: new RegExp(`^${line.split('*').map(escape).join('[^/]*')}$`),
    }));
    assert.deepEqual(
      files.filter((file) => !patterns.some(({ pattern }) => pattern.test(file))),
      [],
      'not listed',
    );
    assert.deepEqual(
      patterns.filter(({ pattern }) => !files.some((file) => pattern.test(file))).map(({ line }) => line),
      [],
      'not there',
    );
  });

  it('runs npx alirtcd, and npx alirtc doctor finds that it can run here', async () => {
    const { version } = JSON.parse(await readFile(path.join(PROJECT, 'package.json'), 'utf8')) as { version: string };
    assert.equal((await run('npx', ['--no-install', 'alirtcd', '--version'])).out.trim(), version);
    const doctor = await run('npx', ['--no-install', 'alirtc', 'doctor']);
    assert.equal(doctor.code, 0, doctor.out + doctor.err);
    const lines = doctor.out.split('\n');
    assert.deepEqual(
      lines.filter((line) => line.startsWith('FAIL')),
      [],
    );
    // With the core service, the codecs and the channel server of the package itself.
    for (const found of [
      /^ok {3}node /,
      /^ok {3}core service +builtin: ready in/,
      /^ok {3}channel server +embedded: ready in/,
    ])
      assert.ok(
        lines.some((line) => found.test(line)),
        `${found}: ${doctor.out}`,
      );
    assert.equal(lines.filter((line) => /^ok {3}codecs /.test(line)).length, 3, doctor.out);
    assert.match(doctor.out, /\nalirtcd can run here/);
    assert.ok(existsSync(path.join(folder, 'node_modules', 'alirtcd', 'dist', 'bin', 'alirtcd.mjs')));
  });

  it('ends npx alirtc doctor with 1, and says what to do, when something is broken', async () => {
    const flags = ['--channel-server-url', 'ws://127.0.0.1:1', '--log-root', path.join(folder, 'log')];
    const { code, out, err } = await run('npx', ['--no-install', 'alirtc', 'doctor', '--', ...flags]);
    assert.equal(code, 1, out + err);
    assert.match(
      out,
      /FAIL channel server +ws:\/\/127\.0\.0\.1:1: cannot be reached .*\n +-> see whether the server runs/,
    );
    assert.match(err, /the installation has faults: 1 failure/);
  });

  it('serves a program that imports it: an engine joins a channel', async () => {
    const address = `unix:${folder}/alirtcd.sock`;
    const daemon = spawn(
      'npx',
      ['--no-install', 'alirtcd', '--listen', address, '--http-listen', 'off', '--log-root', path.join(folder, 'log')],
      { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const log: string[] = [];
    let pid: number | undefined;
    createInterface({ input: daemon.stderr }).on('line', (line) => log.push(line));
    try {
      const lines = createInterface({ input: daemon.stdout });
      const [ready] = (await once(lines, 'line', { signal: AbortSignal.timeout(60_000) })) as [string];
      pid = (JSON.parse(ready) as { pid: number }).pid;
      assert.equal((await run('npx', ['--no-install', 'alirtc', '--address', address, 'health'])).out, 'SERVING\n');
      await writeFile(path.join(folder, 'join.js'), JOIN);
      const joined = await run(process.execPath, ['join.js', address]);
      assert.deepEqual([joined.code, joined.out], [0, 'joined, ChannelRecorder: function\n'], joined.err);
    } finally {
      const exited = once(daemon, 'exit');
      // npx hands no signals on.
      if (pid === undefined) daemon.kill('SIGKILL');
      else process.kill(pid, 'SIGTERM');
      const [code] = (await exited) as [number | null];
      assert.equal(code, 0, log.slice(-10).join('\n'));
    }
  });

  for (const [name, settings] of Object.entries({
    node16: { module: 'node16', moduleResolution: 'node16' },
    bundler: { module: 'esnext', moduleResolution: 'bundler' },
  }))
    it(`has types under ${name} resolution: a right program compiles, a wrong one does not`, async () => {
      const project = path.join(folder, name);
      await mkdir(project, { recursive: true });
      const compilerOptions = {
        ...settings,
        strict: true,
        noEmit: true,
        target: 'es2023',
        lib: ['es2023', 'esnext.disposable'],
        types: ['node'],
      };
      await writeFile(path.join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }));
      const compile = async (program: string): Promise<Finished> => {
        await writeFile(path.join(project, 'program.ts'), program);
        return runCommand(path.join(PROJECT, 'node_modules', '.bin', 'tsc'), ['-p', project], process.env, 120_000);
      };
      const right = await compile(PROGRAM);
      assert.equal(right.code, 0, right.out);
      const wrong = await compile(PROGRAM.replace('picture.width', 'picture.breadth').replace("'archive'", '7'));
      assert.match(wrong.out, /TS2322: Type 'number' is not assignable to type 'string'/);
      assert.match(wrong.out, /TS2339: Property 'breadth' does not exist/);
    });
});

/** A program in JavaScript. */
const JOIN = `import { AlirtcClient } from 'alirtcd';
import { ChannelRecorder } from 'alirtcd/media';
const client = await AlirtcClient.connect(process.argv[2]);
const engine = await client.createEngine();
const { token } = await client.generateToken({ channel: 'room', userId: 'bot' });
await engine.joinChannel({ token, channelId: 'room', userId: 'bot' });
await engine.release();
client.close();
console.log('joined, ChannelRecorder: ' + typeof ChannelRecorder);
`;

/** A program in TypeScript. */
const PROGRAM = `import { AlirtcClient, SubscribeMode, defaultAddress, type Engine } from 'alirtcd';
import { ChannelRecorder } from 'alirtcd/media';
const client = await AlirtcClient.connect(defaultAddress());
const engine: Engine = await client.createEngine();
await engine.joinChannel({ token: '', channelId: 'c', userId: 'u', config: { subscribeMode: SubscribeMode.AUTOMATICALLY } });
engine.on('onRemoteUserOnLineNotify', ({ value }) => console.log(value.uid.length));
for await (const picture of engine.pictures()) console.log(picture.width, picture.data.length);
export const recorder = new ChannelRecorder(client, { channel: 'c', userId: 'archive', outFolder: '.' });
`;

function escape(text: string): string {
  return text.replaceAll('.', '\\.');
}
