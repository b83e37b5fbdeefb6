import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Engine } from '../../../client/index.js';
import { alirtc } from '../../support/alirtc_command.js';
import { ChannelScene, LiveFeed } from '../../support/channel_scene.js';
import { eventually } from '../../support/eventually.js';
import { BIN, startDaemon } from '../../support/running_daemon.js';
import type { RunningDaemon } from '../../support/running_daemon.js';

const FEED = { width: 320, height: 240, framesPerSecond: 15, frequency: 600 };

interface StatusJson {
  version: string;
  engines?: number;
  load: { loadMs?: number; capacityMs: number };
  limits: { maxEngines: number };
  processes: { kind: string; processId: number; engineId?: string; residentBytes: number; cpuMs?: number }[];
  engineStatuses?: EngineJson[];
}
interface EngineJson {
  engineId: string;
  owner: string;
  state: string;
  channel?: string;
  userId?: string;
  frameStreams?: number;
  eventStreams?: number;
  leaseSeconds?: number;
  inUse?: boolean;
  coreProcessId: number;
  residentBytes: number;
  loadMs?: number;
}

describe('alirtc node, at a daemon with live media', function () {
  this.timeout(120_000);
  let daemon: RunningDaemon;
  let scene: ChannelScene;
  let feed: LiveFeed;
  let sender: Engine;
  let watcher: Engine;
  let detached: Engine;
  let pictures = 0;
  let reading: Promise<void>;

  before(async () => {
    daemon = await startDaemon({ args: ['--max-engines', '9', '--drain-seconds', '77'] });
    scene = await ChannelScene.open(daemon);
    sender = await scene.engine();
    feed = await LiveFeed.start(sender, FEED);
    await scene.join(sender, 'camera');
    watcher = await scene.engine({ leaseSeconds: 45 });
    await scene.join(watcher, 'watcher');
    detached = await scene.engine({ detached: true });
    reading = (async () => {
      for await (const { release } of watcher.pictures()) {
        pictures += 1;
        release();
      }
    })();
    await eventually(() => (pictures > 5 ? undefined : `${pictures} pictures`), 30_000);
    // The figures of processes are averages: they are there when a core was looked at twice.
    await eventually(async () => {
      const { engineStatuses } = await scene.client.nodeStatus();
      const core = engineStatuses.find(({ engineId }) => engineId === watcher.engineId);
      return core !== undefined && core.cpuMs > 0 ? undefined : 'no CPU is known of the core';
    }, 30_000);
  });
  after(async () => {
    await feed.stop();
    await scene[Symbol.asyncDispose]();
    await reading.catch(() => undefined);
    await daemon.stop();
  });

  const node = (...args: string[]) => alirtc(['--address', daemon.address, 'node', ...args]);
  async function json<T>(...args: string[]): Promise<T> {
    const { code, out, err } = await node(...args, '--json');
    assert.equal(code, 0, err.join('\n'));
    assert.equal(out.length, 1);
    return JSON.parse(out[0] ?? '') as T;
  }
  const rowOf = (out: readonly string[], id: string): string[] =>
    (out.find((line) => line.startsWith(id)) ?? assert.fail(`no row of ${id}:\n${out.join('\n')}`)).split(/ {2,}/);

  it('status: versions, up-time, load and capacity, limits, state, processes with memory and CPU', async () => {
    const { code, out, err } = await node('status');
    assert.deepEqual([code, err], [0, []]);
    const text = out.join('\n');
    assert.match(text, /^alirtcd +\d+\.\d+\.\d+ on Node\.js v\d+\S+ at unix:/);
    assert.match(text, /\nup +.*since \d{4}-/);
    assert.match(text, /\nstate +serving\nload +\d+ of \d+ ms\/s \(\d+ %\), -?\d+ free\nengines +3 of 9\n/);
    assert.match(text, /\nlimits +max-engines 9, .*, drain-seconds 77\n/);
    assert.match(text, new RegExp(`\\ndaemon +${daemon.ready.pid} +- +\\d+ MB +\\d+ ms/s +\\d+\\.\\d s`));
    assert.match(text, new RegExp(`\\ncore +\\d+ +${watcher.engineId} +\\d+ MB +[1-9]\\d* ms/s`));
    const status = await json<StatusJson>('status');
    assert.equal(status.engines, 3);
    assert.equal(status.limits.maxEngines, 9);
    assert.ok(status.load.capacityMs > 0);
    assert.equal(status.processes.find(({ kind }) => kind === 'daemon')?.processId, daemon.ready.pid);
  });

  it('engines: owner, state, channel, user, streams, lease, core, memory and cost of each', async () => {
    const { out } = await node('engines');
    assert.match(
      out[0] ?? '',
      /^engine +owner +state +channel +user +streams +lease +core +memory +cpu +cost +restarts$/,
    );
    assert.equal(out.length, 4);
    const [, owner, state, channel, user, streams, lease, core, memory, cpu, cost, restarts] = rowOf(
      out,
      watcher.engineId,
    );
    assert.deepEqual([owner, state, channel, user], ['local', 'joined', scene.channel, 'watcher']);
    assert.deepEqual([streams, lease, core, restarts], ['1+0', '45 s, in use', String(watcher.coreProcessId), '0']);
    assert.match(`${memory} ${cpu} ${cost}`, /^[1-9]\d+ MB [1-9]\d* ms\/s [1-9]\d* ms\/s$/);
    assert.deepEqual(rowOf(out, detached.engineId).slice(2, 7), ['ready', '-', '-', '0+0', 'detached']);
    const all = await json<EngineJson[]>('engines');
    const one = all.find(({ engineId }) => engineId === watcher.engineId);
    assert.deepEqual(
      [one?.owner, one?.state, one?.frameStreams, one?.leaseSeconds, one?.inUse],
      ['local', 'ENGINE_STATE_JOINED', 1, 45, true],
    );
    assert.ok((one?.residentBytes ?? 0) > 2e7 && (one?.loadMs ?? 0) > 0);
  });

  it('engines: those in a state, those in a channel; a state that is none is refused with those there are', async () => {
    assert.deepEqual(
      (await json<EngineJson[]>('engines', '--state', 'ready')).map(({ engineId }) => engineId),
      [detached.engineId],
    );
    assert.equal((await node('engines', '--channel', scene.channel)).out.length, 3);
    const none = await node('engines', '--channel', 'elsewhere');
    assert.deepEqual([none.code, none.out, none.err], [0, [], ['none of 3 engines is like that']]);
    const wrong = await node('engines', '--state', 'happy');
    assert.equal(wrong.code, 2);
    assert.match(wrong.err.join('\n'), /Allowed choices are .*ready.*joined/);
  });

  it('engines: event streams count, too', async () => {
    const events = detached.events();
    const first = events[Symbol.asyncIterator]();
    await first.next();
    assert.equal(rowOf((await node('engines')).out, detached.engineId)[5], '0+1');
    await first.return?.();
  });

  it('top: plain tables where there is no terminal, as many as wanted, sorted as wanted', async () => {
    const { code, out } = await node('top', '--count', '2', '--interval', '1s', '--sort', 'memory');
    assert.equal(code, 0);
    assert.equal(out.filter((line) => line.startsWith('alirtcd ')).length, 2);
    assert.match(out[0] ?? '', /engines 3 of 9, by memory$/);
    assert.match(out[1] ?? '', /^load \d+ of \d+ ms\/s .*; serving$/);
    assert.match(out[2] ?? '', /^daemon \d+ MB \d+ ms\/s, channel-server \d+ MB/);
    const sizes = out.slice(5, 8).map((line) => Number(/ (\d+) MB/.exec(line)?.[1]));
    assert.deepEqual(
      sizes,
      [...sizes].sort((a, b) => b - a),
    );
    const byCpu = await node('top', '--once');
    assert.ok((byCpu.out[7] ?? '').startsWith(detached.engineId), byCpu.out.join('\n'));
    const lines = (await node('top', '--count', '2', '--interval', '1s', '--json')).out;
    const [first, second] = lines.map((line) => JSON.parse(line) as StatusJson & { time: string });
    assert.ok(first !== undefined && second !== undefined && first.time < second.time);
    assert.equal(second.engineStatuses?.length, 3);
  });

  for (const [title, key] of [
    ['q', 'q'],
    ['Ctrl-C', '\u0003'],
  ] as const)
    it(`top: draws on a terminal again and again, and ends on ${title} with the terminal as it was`, async () => {
      const command = [process.execPath, path.join(BIN, 'alirtc.mjs'), '--address', daemon.address];
      const inner = [...command, 'node', 'top', '--interval', '1s'].join(' ');
      // script(1) gives it a terminal of its own, and hands on what we write.
      const child = spawn('script', ['-qec', `stty rows 30 cols 150; ${inner}; stty -a`, '/dev/null'], {
        stdio: ['pipe', 'pipe', 'inherit'],
        timeout: 60_000,
      });
      const exited = once(child, 'exit');
      let seen = '';
      child.stdout.on('data', (bytes: Buffer) => (seen += bytes.toString()));
      const tables = (): number => seen.split('\u001b[H').length - 1;
      await eventually(() => (tables() >= 2 ? undefined : `${tables()} tables: ${seen}`), 30_000);
      child.stdin.write('m');
      await eventually(() => (seen.includes('by memory') ? undefined : 'not sorted by memory'), 30_000);
      child.stdin.write(key);
      const [code] = (await exited) as [number];
      assert.equal(code, 0, seen);
      assert.ok(seen.includes('\u001b[?1049h') && seen.includes(`${'\u001b[?25h'}\u001b[?1049l`));
      assert.ok(seen.includes(watcher.engineId));
      // The terminal reads lines and echoes again.
      assert.match(seen, / icanon[\s\S]* echo /);
    });

  it('config: every setting with its place, as --print-config; JSON says what can be reloaded', async () => {
    const { out } = await node('config');
    assert.ok(out.some((line) => /^max-engines: 9 +# --max-engines$/.test(line)));
    assert.ok(out.some((line) => /^lease-seconds: 30 +# default$/.test(line)));
    assert.deepEqual(out.slice(-2), ['# nothing waits for SIGHUP or a restart', '# file: none']);
    const { settings } = await json<{ settings: { name: string; value?: string; reloadable?: boolean }[] }>('config');
    const of = (name: string) => settings.find((setting) => setting.name === name);
    assert.deepEqual(
      [of('max-engines')?.value, of('max-engines')?.reloadable, of('lease-seconds')?.reloadable],
      ['9', true, undefined],
    );
  });

  it('and none of it has disturbed the media', async () => {
    const before = pictures;
    await eventually(() => (pictures > before + 10 ? undefined : `${pictures - before} pictures`), 20_000);
  });
});

describe('alirtc node top, whose daemon dies', function () {
  this.timeout(60_000);
  it('gives the terminal back, says why it ends, and ends with 1', async () => {
    const daemon = await startDaemon();
    try {
      const command = [process.execPath, path.join(BIN, 'alirtc.mjs'), '--address', daemon.address];
      const inner = [...command, 'node', 'top', '--interval', '1s'].join(' ');
      const child = spawn('script', ['-qec', inner, '/dev/null'], {
        stdio: ['pipe', 'pipe', 'inherit'],
        timeout: 50_000,
      });
      const exited = once(child, 'exit');
      let seen = '';
      child.stdout.on('data', (bytes: Buffer) => (seen += bytes.toString()));
      await eventually(() => (seen.includes('serving') ? undefined : seen), 30_000);
      daemon.child.kill('SIGKILL');
      assert.deepEqual(await exited, [1, null], seen);
      const back = seen.indexOf('\u001b[?25h\u001b[?1049l');
      assert.ok(back > 0 && seen.indexOf('UNAVAILABLE') > back, seen);
    } finally {
      await daemon.stop();
    }
  });
});

describe('alirtc node, without a daemon', () => {
  for (const command of ['status', 'engines', 'top', 'drain', 'logs', 'config'])
    it(`${command}: says that none answers, and what to do`, async () => {
      const { code, err } = await alirtc(['--address', 'unix:/nowhere/alirtcd.sock', 'node', command]);
      assert.equal(code, 1);
      assert.match(err.join('\n'), /no daemon answers at unix:\/nowhere\/alirtcd\.sock[\s\S]*remedy: start alirtcd/);
    });
});
