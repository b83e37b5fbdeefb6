import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AlirtcError } from '../../../common/errors.js';
import type { EndCause } from '../../../common/lifecycle.js';
import { createLogger } from '../../../common/logger.js';
import { CoreProcess } from '../../../daemon/engine/core_process.js';
import type { CoreProcessOptions } from '../../../daemon/engine/core_process.js';
import { PortRange, reservedPortCount } from '../../../daemon/engine/port_range.js';

const HELPERS = path.resolve(import.meta.dirname, '../../support/misbehaving_core');
const LADDER = { destroyMs: 150, closeMs: 150, termMs: 150, killMs: 2000 };
const logger = createLogger('test', 'silent');

describe('a core process', () => {
  let folder: string;
  let started: CoreProcess[];

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'core_process_'));
    started = [];
  });

  afterEach(async () => {
    await Promise.all(started.map((core) => core.close()));
    for (const core of started) {
      if (core.pid !== undefined) assert.throws(() => process.kill(core.pid as number, 0), { code: 'ESRCH' });
      if (core.port !== undefined) await assertNobodyListens(core.port);
    }
    assert.equal(reservedPortCount(), 0);
    await rm(folder, { recursive: true });
  });

  function make(helper: string, options: Partial<CoreProcessOptions> = {}): CoreProcess {
    const core = new CoreProcess({
      path: path.resolve(HELPERS, helper),
      ports: new PortRange({ low: 42000, high: 45000 }),
      workFolder: path.join(folder, 'work'),
      logger,
      ladder: LADDER,
      ...options,
    });
    started.push(core);
    return core;
  }

  async function start(helper: string, options?: Partial<CoreProcessOptions>): Promise<CoreProcess> {
    const core = make(helper, options);
    await core.start();
    return core;
  }

  async function startError(core: CoreProcess): Promise<AlirtcError> {
    const error = await core.start().then(
      () => assert.fail('it started'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof AlirtcError, String(error));
    assert.equal(core.state, 'closed');
    const cause = await core.done;
    assert.ok(cause.kind === 'failed' && cause.error === error);
    return error;
  }

  describe('that behaves', () => {
    it('is ready on a port of the range, answers, and ends when asked to', async () => {
      const core = await start('obedient.mjs');
      assert.ok((core.port ?? 0) >= 42000 && (core.port ?? 0) <= 45000);
      const answered = once(core.connection as NodeJS.EventEmitter, 'callback');
      core.connection.send('GET_SDK_VERSION', {});
      assert.deepEqual(await answered, [{ name: 'SDK_VERSION', fields: { sdkVersion: 'helper' }, payload: undefined }]);
      await core.close();
      assert.deepEqual(await core.done, { kind: 'requested' });
      assert.deepEqual(core.lastLines.slice(-2), ['command 40', 'command 23']);
    });

    it('logs its lines with their level, but not the line with its port', async () => {
      const lines: unknown[][] = [];
      const recorder = createLogger('test', 'silent');
      recorder.info = (...args: unknown[]) => void lines.push(['info', ...args]);
      recorder.warn = (...args: unknown[]) => void lines.push(['warn', ...args]);
      const core = await start('obedient.mjs', { logger: recorder });
      await core.close();
      assert.deepEqual(lines, [
        ['warn', { engine: 'e1' }, 'starting'],
        ['info', { stream: 'stdout' }, 'command 23'],
      ]);
    });

    it('gets a clean environment, its own folder, and no descriptors of the daemon', async () => {
      process.env['ALIRTCD_TEST_SECRET'] = 'secret';
      const core = await start('tells_surroundings.mjs', { environment: { EXTRA: 'yes' } });
      delete process.env['ALIRTCD_TEST_SECRET'];
      const told = JSON.parse(core.lastLines[0] ?? '') as {
        env: Record<string, string>;
        argv: string[];
        folder: string;
        descriptors: string[];
      };
      assert.equal(told.env['ALIRTCD_TEST_SECRET'], undefined);
      assert.equal(told.env['EXTRA'], 'yes');
      assert.equal(told.env['LD_LIBRARY_PATH']?.split(':')[0], HELPERS);
      assert.equal(told.folder, path.join(folder, 'work'));
      assert.equal(told.argv.length, 1);
      const inherited = told.descriptors.filter(
        (name) => !/^(\/dev\/null|pipe:|socket:|anon_inode:|gone|\/proc\/)/.test(name),
      );
      assert.deepEqual(inherited, []);
    });

    it('may dump core only when the operator says so', async () => {
      const limits = async (coreDumps: boolean): Promise<string[]> => {
        const core = await start('tells_surroundings.mjs', { coreDumps });
        const { coreLimit } = JSON.parse(core.lastLines[0] ?? '') as { coreLimit: string };
        await core.close();
        return coreLimit.trim().split('\n');
      };
      // The soft limit of this process, which its children inherit, is lowered meanwhile; the hard one stays.
      const soft = prlimit('--output=SOFT', '--noheadings').trim();
      prlimit('--core=0:');
      try {
        assert.equal((await limits(false))[0], '0');
        const [lifted, hard] = await limits(true);
        assert.notEqual(lifted, '0');
        assert.equal(lifted, hard);
      } finally {
        prlimit(`--core=${soft}:`);
      }
    });

    it('is made executable when it is not', async () => {
      const copy = path.join(folder, 'obedient.mjs');
      await copyFile(path.join(HELPERS, 'common.mjs'), path.join(folder, 'common.mjs'));
      await copyFile(path.join(HELPERS, 'obedient.mjs'), copy);
      await chmod(copy, 0o644);
      await start(copy);
      assert.equal((await stat(copy)).mode & 0o111, 0o111);
    });

    it('never shares a port with another one, however many start at once', async () => {
      const ports = new PortRange({ low: 43100, high: 43103 });
      const cores = await Promise.all([1, 2, 3].map(() => start('obedient.mjs', { ports, readyTimeoutMs: 15_000 })));
      assert.equal(new Set(cores.map((core) => core.port)).size, 3);
      assert.equal(reservedPortCount(), 3);
    });

    it('is closed once, by however many ask for it', async () => {
      const core = await start('obedient.mjs');
      await Promise.all([core.close(), core.close({ kind: 'owner_closed' }), core.close()]);
      assert.deepEqual(await core.done, { kind: 'requested' });
    });
  });

  describe('that cannot start', () => {
    it('because there is no such file: is refused naming the path', async () => {
      const error = await startError(make('no_such_core'));
      assert.equal(error.class, 'invalid_argument');
      assert.equal(error.field, 'core_service_path');
      assert.match(error.message, /no_such_core: there is no such file/);
    });

    it('because the path is a folder: is refused naming the path', async () => {
      const error = await startError(make('.'));
      assert.equal(error.class, 'invalid_argument');
      assert.match(error.message, /misbehaving_core: is not a file/);
    });

    it('because its interpreter is missing: is refused naming the path', async () => {
      const file = path.join(folder, 'core');
      await writeFile(file, '#!/no/such/interpreter\n', { mode: 0o755 });
      const error = await startError(make(file));
      assert.equal(error.class, 'failed_precondition');
      assert.match(error.message, /core: cannot be executed: spawn .* ENOENT/);
    });

    it('because its working folder cannot be made: is refused naming the folder', async () => {
      const file = path.join(folder, 'file');
      await writeFile(file, '');
      const error = await startError(make('obedient.mjs', { workFolder: path.join(file, 'work') }));
      assert.equal(error.class, 'failed_precondition');
      assert.match(error.message, /working folder .*file\/work/);
    });

    it('because it exits at once: fails with its own last lines, its exit code, and no token', async () => {
      const error = await startError(make('exits_at_once.mjs'));
      assert.equal(error.class, 'unavailable');
      assert.equal(error.reason, 'CORE_START_FAILED');
      assert.match(
        error.message,
        /failed to start: it exited with code 127; its last lines:\n.*libAliRtc\.so: cannot open/,
      );
      assert.match(error.message, /\[redacted\] is no good/);
      assert.equal(error.metadata['exit_code'], '127');
    });

    it('because it never says its port: fails at the deadline with its last lines', async () => {
      const begun = performance.now();
      const error = await startError(make('never_ready.mjs', { readyTimeoutMs: 2500 }));
      assert.equal(error.class, 'unavailable');
      assert.match(error.message, /not ready within 2500 ms; its last lines:\nstill looking for libAliRtc\.so/);
      assert.ok(performance.now() - begun < 5000);
    });

    it('because it says a port where nobody listens: fails after twenty attempts', async () => {
      const error = await startError(make('wrong_port.mjs'));
      assert.equal(error.class, 'unavailable');
      assert.match(error.message, /failed to start: nothing answers on 127\.0\.0\.1:\d+ after 20 attempts/);
    });

    it('because its owner closes it meanwhile: ends without waiting for the deadline', async () => {
      const recorder = createLogger('test', 'silent');
      const runs = new Promise<void>((resolve) => (recorder.info = () => resolve()));
      const core = make('never_ready.mjs', { readyTimeoutMs: 20_000, logger: recorder });
      const starting = assert.rejects(core.start(), { class: 'cancelled' });
      await runs;
      await core.close({ kind: 'owner_closed' });
      await starting;
      assert.deepEqual(await core.done, { kind: 'owner_closed' });
    });

    it('because no port is left: is refused naming the range', async () => {
      const taken = createServer();
      taken.listen(0, '127.0.0.1');
      await once(taken, 'listening');
      const { port } = taken.address() as { port: number };
      const error = await startError(make('obedient.mjs', { ports: new PortRange({ low: port, high: port }) }));
      taken.close();
      assert.equal(error.class, 'resource_exhausted');
      assert.match(error.message, new RegExp(`from ${port} to ${port}`));
    });
  });

  describe('that is hard to end', () => {
    const rows: [helper: string, title: string, leastMs: number, lastLines: string[]][] = [
      ['deaf_to_destroy.mjs', 'DESTROY_ENGINE: ends by its socket', 150, []],
      ['deaf_until_sigterm.mjs', 'DESTROY_ENGINE and its socket: ends by SIGTERM', 300, []],
      ['deaf.mjs', 'everything else: ends by SIGKILL', 450, ['SIGTERM passed over']],
    ];
    for (const [helper, title, leastMs, lastLines] of rows)
      it(`because it is deaf to ${title}, in bounded time`, async () => {
        const core = await start(helper);
        const begun = performance.now();
        await core.close();
        const tookMs = performance.now() - begun;
        assert.ok(tookMs > leastMs - 20 && tookMs < leastMs + 1500, `took ${tookMs} ms`);
        assert.deepEqual(await core.done, { kind: 'requested' });
        assert.deepEqual(core.lastLines, lastLines);
      });
  });

  describe('that ends by itself', () => {
    async function died(core: CoreProcess): Promise<AlirtcError> {
      const cause: EndCause = await core.done;
      assert.ok(cause.kind === 'failed' && cause.error instanceof AlirtcError);
      assert.equal(cause.error.class, 'unavailable');
      assert.equal(cause.error.reason, 'CORE_DIED');
      return cause.error;
    }

    it('by exiting: has died at once, with exit code and last lines', async () => {
      const core = await start('dies_on_command.mjs');
      core.connection.send('LEAVE_CHANNEL', {});
      const error = await died(core);
      assert.match(error.message, /died: it exited with code 7; its last lines:\nassertion failed: engine != nullptr/);
      assert.equal(error.metadata['exit_code'], '7');
    });

    it('by a signal: has died, with the signal', async () => {
      const core = await start('dies_on_command.mjs');
      core.connection.send('SET_PARAMETER', { param: 'SIGSEGV' });
      const error = await died(core);
      assert.match(error.message, /died: it was ended by SIGSEGV/);
      assert.equal(error.metadata['signal'], 'SIGSEGV');
    });

    const broken: [helper: string, expected: RegExp][] = [
      ['half_frame.mjs', /the connection ended in the middle of it/],
      ['oversize_unit.mjs', /a unit of 4294967280 bytes was announced, at most 1048576 are taken/],
      ['floods_garbage.mjs', /a unit of 16 bytes that begins with "garbage! garbage" is not JSON/],
      ['hangs_up.mjs', /it closed the connection/],
    ];
    for (const [helper, expected] of broken)
      it(`by breaking its connection (${helper}): has died, with the reason, in bounded time`, async () => {
        const core = await start(helper);
        const begun = performance.now();
        core.connection.send('LEAVE_CHANNEL', {});
        assert.match((await died(core)).message, expected);
        assert.ok(performance.now() - begun < 2500);
      });
  });

  it('that prints megabytes without a newline is ready all the same, and its line is cut', async () => {
    const core = await start('endless_line.mjs', { readyTimeoutMs: 15_000 });
    await core.close();
    const cut = core.lastLines.filter((line) => line.startsWith('xxx'));
    assert.equal(cut.length, 2);
    for (const line of cut) assert.match(line, /^x{4096} \[4190208 more bytes\]$/);
  });
});

function prlimit(...args: string[]): string {
  const core = args.some((arg) => arg.startsWith('--core')) ? [] : ['--core'];
  return execFileSync('prlimit', ['--pid', String(process.pid), ...core, ...args], { encoding: 'utf8' });
}

async function assertNobodyListens(port: number): Promise<void> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  server.close();
}
