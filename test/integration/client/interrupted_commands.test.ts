import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { CliIo } from '../../../client/cli/io.js';
import { INTERRUPTED, runProgram } from '../../../client/cli/program.js';
import { EngineSnapshot } from '../../../gen/alirtc/v1/events.js';
import { eventually } from '../../support/eventually.js';
import { FakeDaemon } from '../../support/fake_daemon/fake_daemon.js';
import { recordingEngineService } from '../../support/fake_daemon/fake_engine.js';
import type { RecordedCall } from '../../support/fake_daemon/fake_engine.js';
import { makeSourceFile } from '../../support/media/source_file.js';
import { BIN } from '../../support/running_daemon.js';
// Turns FFmpeg's own log off.
import '../../../client/media/av.js';

describe('A command that is interrupted', function () {
  this.timeout(15_000);
  let daemon: FakeDaemon;
  let folder: string;
  let file: string;
  const calls: RecordedCall[] = [];
  const was = (method: string): boolean => calls.some((call) => call.method === method);

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'interrupted_'));
    file = path.join(folder, 'source.mp4');
    await makeSourceFile({
      path: file,
      width: 64,
      height: 48,
      framesPerSecond: 10,
      seconds: 1,
      frequency: 500,
      beepFactor: 4,
    });
    daemon = await FakeDaemon.start({
      engine: recordingEngineService(calls, {
        createAliRtcEngine: (_call, callback) =>
          callback(null, { engineId: 'e1', corePort: 1, coreProcessId: 1, leaseSeconds: 0 }),
        // No answer: the channel server is slow.
        joinChannel: (call) => void calls.push({ method: 'joinChannel', request: call.request }),
      }),
      events: {
        getEventHandler: (call) => {
          let sequence = 0;
          const value = EngineSnapshot.fromPartial({ engineId: 'e1' });
          const timer = setInterval(() => {
            call.write({ sequence: (sequence += 1), timeUs: 1, event: { $case: 'snapshot', value } });
          }, 20);
          call.once('cancelled', () => clearInterval(timer));
        },
      },
      token: {
        generateToken: (call, callback) => {
          callback(null, { token: 'TOKEN', authInfo: call.request.authInfo, channelServerUrl: '' });
        },
      },
    });
  });
  beforeEach(() => void (calls.length = 0));
  after(async () => {
    daemon.stop();
    await rm(folder, { recursive: true });
  });

  const ROWS: { title: string; args: () => string[] }[] = [
    { title: 'record', args: () => ['record', '--out', path.join(folder, 'out')] },
    { title: 'play', args: () => ['play', file] },
  ];
  for (const { title, args } of ROWS)
    it(`while it joins ends at once, and releases its engine: ${title}`, async () => {
      const stop = new AbortController();
      const notes: string[] = [];
      const io: CliIo = {
        print: (line) => void notes.push(line),
        note: (line) => void notes.push(line),
        signal: stop.signal,
        env: { ALIRTCD_ADDRESS: daemon.address },
        readStdin: () => Promise.resolve(''),
        interactive: false,
      };
      const ended = runProgram([...args(), '--channel', 'c', '--user', 'u'], io);
      await eventually(() => (was('joinChannel') ? undefined : 'not joining yet'), 8_000);
      const begun = performance.now();
      stop.abort();
      assert.equal(await ended, INTERRUPTED);
      assert.ok(performance.now() - begun < 2_000);
      assert.ok(was('release'), 'the engine was not released');
      assert.deepEqual(notes, []);
      assert.deepEqual(await readdir(path.join(folder, 'out')).catch(() => []), []);
    });

  it('by the end of who reads its output releases its engine, and is no failure: events', async () => {
    const child = spawn(process.execPath, [path.join(BIN, 'alirtc.mjs'), 'events', '--channel', 'c', '--user', 'u'], {
      env: { ...process.env, ALIRTCD_ADDRESS: daemon.address },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    await once(child.stdout, 'data');
    child.stdout.destroy();
    assert.deepEqual(await exited, [0, null]);
    assert.ok(was('release'), 'the engine was not released');
  });
});
