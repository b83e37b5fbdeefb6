import { strict as assert } from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLogger } from '../../../common/logger.js';
import type { Callback } from '../../../coreservice/ipc/callbacks.js';
import { createCoreStarter } from '../../../daemon/engine/core_starter.js';
import { reservedPortCount } from '../../../daemon/engine/port_range.js';

const HELPERS = path.resolve(import.meta.dirname, '../../support/misbehaving_core');

describe('the core of an engine session', () => {
  let workRoot: string;

  beforeEach(async () => {
    workRoot = await mkdtemp(path.join(tmpdir(), 'core_starter_'));
  });
  afterEach(() => rm(workRoot, { recursive: true }));

  function start(helper: string, onCallback: (callback: Callback) => void = () => {}) {
    return createCoreStarter({ logger: createLogger('test', 'silent'), workRoot })({
      engineId: 'e1',
      servicePath: path.join(HELPERS, helper),
      lowPort: 42_000,
      highPort: 45_000,
      logPath: workRoot,
      onCallback,
    });
  }

  it('takes commands, gives callbacks, works in its own folder, and ends when asked to', async () => {
    let told!: (callback: Callback) => void;
    const answer = new Promise<Callback>((resolve) => (told = resolve));
    const core = await start('obedient.mjs', told);
    core.send('GET_SDK_VERSION', {});
    await core.drained();
    assert.equal((await answer).name, 'SDK_VERSION');
    await core.close();
    assert.deepEqual(await core.done, { kind: 'requested' });
    assert.throws(() => core.send('LEAVE_CHANNEL', {}), { class: 'unavailable' });
    assert.equal(reservedPortCount(), 0);
  });

  it('keeps its last lines when it died', async () => {
    const core = await start('dies_on_command.mjs');
    core.send('LEAVE_CHANNEL', {});
    assert.equal((await core.done).kind, 'failed');
    assert.deepEqual(core.lastLines(), ['assertion failed: engine != nullptr']);
  });

  it('is known to be lost at once when it hangs up and lives on, and is ended behind that', async () => {
    const core = await start('hangs_up.mjs');
    const begun = performance.now();
    core.send('LEAVE_CHANNEL', {});
    const cause = await core.done;
    assert.equal(cause.kind, 'failed');
    assert.ok(performance.now() - begun < 1000);
    assert.doesNotThrow(() => process.kill(core.pid, 0));
    await core.close();
    assert.throws(() => process.kill(core.pid, 0), { code: 'ESRCH' });
    assert.equal(reservedPortCount(), 0);
  });

  it('is refused when the range is upside down', async () => {
    const starter = createCoreStarter({ logger: createLogger('test', 'silent'), workRoot });
    await assert.rejects(
      starter({
        engineId: 'e1',
        servicePath: path.join(HELPERS, 'obedient.mjs'),
        lowPort: 2,
        highPort: 1,
        logPath: '',
        onCallback: () => {},
      }),
      { class: 'invalid_argument', field: 'low_port' },
    );
  });
});
