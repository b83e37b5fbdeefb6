import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { BIN, startDaemon } from '../../support/running_daemon.js';
import type { RunningDaemon } from '../../support/running_daemon.js';
import { eventually } from '../../support/eventually.js';
import { analyseRecording } from '../../support/media/recording_analysis.js';
import { makeSourceFile } from '../../support/media/source_file.js';
import { AlirtcClient, EngineState } from '../../../client/index.js';
import type { UserReport } from '../../../client/media/index.js';

/** The real daemon, core service, channel server and command line; each `alirtc` is a process of its own. */
describe('alirtc record and alirtc play', function () {
  this.timeout(90_000);
  let daemon: RunningDaemon;
  let source: string;
  const running: ChildProcess[] = [];

  before(async () => {
    daemon = await startDaemon();
    source = path.join(daemon.folder, 'source.mp4');
    const size = { width: 320, height: 180, framesPerSecond: 15 };
    await makeSourceFile({ path: source, ...size, seconds: 8, frequency: 500, beepFactor: 4 });
  });

  after(async () => {
    for (const child of running) if (child.exitCode === null) child.kill('SIGKILL');
    await daemon.stop();
  });

  function alirtc(...args: string[]): { child: ChildProcess; out: string[]; err: string[]; exit: Promise<unknown> } {
    const child = spawn(process.execPath, [path.join(BIN, 'alirtc.mjs'), '--address', daemon.address, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.push(child);
    const out: string[] = [];
    const err: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => void out.push(line));
    createInterface({ input: child.stderr }).on('line', (line) => void err.push(line));
    // "close" comes after the last line, "exit" may not.
    const exit = once(child, 'close').then(([code]) => code as unknown);
    return { child, out, err, exit };
  }

  it('what one plays the other records; Ctrl-C leaves a whole file, and no engine', async () => {
    const out = path.join(daemon.folder, 'out');
    const record = alirtc('record', '--channel', 'film', '--user', 'recorder', '--out', out, '--user-id', 'player');
    await eventually(
      () => (record.err.some((line) => line.includes('Ctrl-C')) ? undefined : record.err.join('\n')),
      20_000,
    );
    const play = alirtc('--json', 'play', source, '--channel', 'film', '--user', 'player', '--loop', '--seconds', '8');
    assert.equal(await play.exit, 0, play.err.join('\n'));
    record.child.kill('SIGINT');
    assert.equal(await record.exit, 0, record.err.join('\n'));
    assert.deepEqual(await readdir(out), ['player.mp4']);
    assert.match(record.out[0] ?? '', /^player: .*player\.mp4, .*h264 as sent 320x180/);
    const { video, audio, avOffsetMs } = await analyseRecording(path.join(out, 'player.mp4'), {
      frequency: 500,
      beepFrequency: 2000,
    });
    assert.ok(video !== undefined && video.numbers.length > 15, `${video?.numbers.length} pictures`);
    const order = video.numbers.slice(1).filter((number, i) => number <= (video.numbers[i] ?? 0));
    assert.ok(order.length <= 1, `the pictures are out of order: ${video.numbers.join(' ')}`);
    assert.ok(audio !== undefined && audio.seconds > 1 && audio.toneShare > 0.8, JSON.stringify(audio));
    // A picture takes 67 ms.
    assert.ok(avOffsetMs !== undefined && Math.abs(avOffsetMs) < 67, `the sound is ${avOffsetMs} ms late`);
    const engines = alirtc('--json', 'engines');
    await engines.exit;
    assert.deepEqual(engines.out, ['[]']);
  });

  it('a recording outlives the core process: what comes behind its death is in the same file', async () => {
    const out = path.join(daemon.folder, 'crashed');
    const play = alirtc(
      '--json',
      'play',
      source,
      '--channel',
      'crash',
      '--user',
      'player',
      '--loop',
      '--seconds',
      '60',
    );
    const record = alirtc('record', '--channel', 'crash', '--user', 'recorder', '--out', out, '--user-id', 'player');
    const file = path.join(out, 'player.mp4.part');
    await eventually(
      () => (existsSync(file) && statSync(file).size > 150_000 ? undefined : 'nothing recorded'),
      30_000,
    );
    await using client = await AlirtcClient.connect(daemon.address);
    const engineId = (await client.listEngines()).find(({ userId }) => userId === 'recorder')?.engineId ?? '';
    const { processes } = await client.nodeStatus();
    const core = processes.find((one) => one.engineId === engineId);
    assert.ok(core !== undefined);
    process.kill(core.processId, 'SIGKILL');
    await eventually(async () => {
      const snapshot = await client.engine(engineId).snapshot();
      return snapshot?.state === EngineState.RESTARTING ? undefined : 'the death was not seen';
    });
    const before = statSync(file).size;
    await eventually(() => (statSync(file).size > before + 150_000 ? undefined : 'nothing more is recorded'), 30_000);
    record.child.kill('SIGINT');
    play.child.kill('SIGINT');
    assert.equal(await record.exit, 0, record.err.join('\n'));
    await play.exit;
    assert.deepEqual(await readdir(out), ['player.mp4']);
    const expected = { frequency: 500, beepFrequency: 2000 };
    const { video, audio, avOffsetMs } = await analyseRecording(path.join(out, 'player.mp4'), expected);
    assert.ok(video !== undefined && video.numbers.length > 30, `${video?.numbers.length} pictures`);
    assert.ok(audio !== undefined && audio.toneShare > 0.6, JSON.stringify(audio));
    assert.ok(avOffsetMs !== undefined && Math.abs(avOffsetMs) < 67, `the sound is ${avOffsetMs} ms late`);
  });

  it('a recording of a channel in which nobody is ends without a file', async () => {
    const out = path.join(daemon.folder, 'empty');
    const record = alirtc('--json', 'record', '--channel', 'void', '--user', 'r', '--out', out, '--seconds', '1');
    assert.equal(await record.exit, 0, record.err.join('\n'));
    assert.deepEqual(
      record.out.map((line) => JSON.parse(line) as UserReport),
      [],
    );
    assert.deepEqual(await readdir(out), []);
  });

  it('a token of another channel is refused by name', async () => {
    const token = alirtc('token', '--channel', 'one', '--user', 'u');
    await token.exit;
    const args = ['--channel', 'two', '--user', 'u', '--token', token.out[0] ?? ''];
    const record = alirtc('record', ...args, '--out', path.join(daemon.folder, 'refused'));
    assert.equal(await record.exit, 1);
    assert.match(record.err.join('\n'), /ERR_JOIN_BAD_TOKEN 0x02010205/);
  });
});
