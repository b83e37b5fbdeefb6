import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { eventually } from '../support/eventually.js';
import { analyseRecording } from '../support/media/recording_analysis.js';
import { makeSourceFile } from '../support/media/source_file.js';
import { PROJECT, SmallSystem } from './support/small_system.js';

/** The unit of packaging/systemd, run by a real systemd. */
describe('alirtcd.service', function () {
  this.timeout(120_000);
  let system: SmallSystem;
  let folder: string;

  before(async () => {
    assert.equal(process.getuid?.(), 0, 'namespaces, and a systemd in them, take root');
    folder = await mkdtemp(path.join(PROJECT, '.cache', 'systemd-media-'));
    system = await SmallSystem.boot();
  });
  after(async () => {
    await system[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** Of the daemon, in the machine. */
  const mainPid = (): Promise<string> => system.show('MainPID');

  it('starts when the daemon has said that it is ready, as its own user, with its folders', async () => {
    await system.systemctl('start', 'alirtcd');
    assert.equal(await system.show('ActiveState'), 'active');
    assert.equal(await system.show('StatusText'), 'ready');
    const user = await system.shell(`stat -c %U /proc/${await mainPid()}`);
    assert.equal(user, 'alirtcd');
    const folders = '/run/alirtcd /run/alirtcd/alirtcd.sock /var/lib/alirtcd /var/log/alirtcd /etc/alirtcd';
    assert.equal(
      await system.shell(`stat -c '%a %U %n' ${folders}`),
      [
        '750 alirtcd /run/alirtcd',
        '660 alirtcd /run/alirtcd/alirtcd.sock',
        '700 alirtcd /var/lib/alirtcd',
        '750 alirtcd /var/log/alirtcd',
        '750 root /etc/alirtcd',
      ].join('\n'),
    );
  });

  it('confines the daemon and its cores: no privileges, a filter of system calls, a read-only system', async () => {
    const created = await system.run(...system.alirtc('call', 'CreateAliRTCEngine', '{"detached": true}'));
    assert.equal(created.code, 0, created.err);
    const { engine_id: engine, core_process_id: core } = JSON.parse(created.out) as Record<string, string>;
    for (const pid of [await mainPid(), String(core)]) {
      const status = await system.shell(`cat /proc/${pid}/status`);
      for (const line of ['NoNewPrivs:\t1', 'Seccomp:\t2', 'CapEff:\t0000000000000000', 'CapBnd:\t0000000000000000'])
        assert.ok(status.includes(line), `${line} of ${pid}`);
    }
    const mounts = await system.shell(`cat /proc/${await mainPid()}/mountinfo`);
    assert.match(mounts, / \/ ro,/);
    const log = await system.shell('ls /var/log/alirtcd');
    assert.ok(log.includes(engine ?? ''), `no folder of the engine in ${log}`);
    await system.run(...system.alirtc('call', 'Release', JSON.stringify({ engine_id: engine })));
  });

  it('lets media through: what one engine plays another one records', async () => {
    const source = path.join(folder, 'source.mp4');
    const size = { width: 320, height: 180, framesPerSecond: 15 };
    await makeSourceFile({ path: source, ...size, seconds: 8, frequency: 500, beepFactor: 4 });
    const out = path.join(folder, 'out');
    await mkdir(out);
    const record = system.run(
      ...system.alirtc('record', '--channel', 'film', '--user', 'archive', '--out', out, '--seconds', '9'),
    );
    const play = await system.run(
      ...system.alirtc('play', source, '--channel', 'film', '--user', 'player', '--loop', '--seconds', '7'),
    );
    assert.equal(play.code, 0, play.err);
    const recorded = await record;
    assert.equal(recorded.code, 0, recorded.err);
    const { video, audio } = await analyseRecording(path.join(out, 'player.mp4'), {
      frequency: 500,
      beepFrequency: 2000,
    });
    assert.ok(video !== undefined && video.numbers.length > 15, `${video?.numbers.length} pictures`);
    // How well it sounds is other tests' matter: on a busy machine it has gaps. Without any sound there would be neither.
    assert.ok(audio !== undefined && audio.toneShare > 0.1 && audio.beeps.length > 0, JSON.stringify(audio));
  });

  it('is found sound by alirtc doctor, run as its user', async () => {
    const doctor = [process.execPath, path.join(PROJECT, 'dist', 'bin', 'alirtc.mjs'), '--json', 'doctor'];
    const as = ['setpriv', '--reuid', 'alirtcd', '--regid', 'alirtcd', '--clear-groups'];
    const { code, out, err } = await system.run(...as, ...doctor, '--config', '/etc/alirtcd/alirtcd.yaml');
    assert.equal(code, 0, out + err);
    const { findings } = JSON.parse(out) as { findings: { check: string; verdict: string; finding: string }[] };
    const daemon = findings.find(({ check }) => check === 'daemon');
    assert.equal(daemon?.verdict, 'ok');
    assert.match(daemon.finding, /^unix:\/run\/alirtcd\/alirtcd\.sock: alirtcd [\d.]+ serves$/);
  });

  it('reloads: the daemon reads its configuration again, and systemd shows when it is wrong', async () => {
    await system.shell('echo "log-level: debug" >> /etc/alirtcd/alirtcd.yaml');
    await system.systemctl('reload', 'alirtcd');
    await eventually(async () => ((await system.daemonLog()).includes('"to":"debug"') ? undefined : 'not taken'));
    // "reloading" until the daemon has said that it is ready again.
    await eventually(async () => {
      const state = await system.show('ActiveState');
      return state === 'active' ? undefined : state;
    });
    await system.shell('echo "max-engines: many" >> /etc/alirtcd/alirtcd.yaml');
    await system.systemctl('reload', 'alirtcd');
    await eventually(async () => {
      const text = await system.show('StatusText');
      return text.includes('is wrong and was not taken') ? undefined : text;
    });
    await system.shell("sed -i '/^max-engines\\|^log-level/d' /etc/alirtcd/alirtcd.yaml");
    await system.systemctl('reload', 'alirtcd');
    await eventually(async () => ((await system.show('StatusText')) === 'ready' ? undefined : 'not ready'));
  });

  it('gives engines their time at a stop, also when that is longer than TimeoutStopSec, and leaves nothing', async () => {
    const tell = 'ExecStopPost=+/bin/sh -c "echo $$SERVICE_RESULT $$EXIT_CODE $$EXIT_STATUS > /run/result"';
    await system.dropIn('drain', `TimeoutStopSec=2\nEnvironment=ALIRTCD_DRAIN_SECONDS=6\n${tell}\n`);
    await system.systemctl('restart', 'alirtcd');
    const created = await system.run(...system.alirtc('call', 'CreateAliRTCEngine', '{"detached": true}'));
    assert.equal(created.code, 0, created.err);
    const beginMs = performance.now();
    const stopping = system.systemctl('stop', 'alirtcd');
    await eventually(async () => {
      const text = await system.show('StatusText');
      return text === 'draining: engines may go on for 6 s' ? undefined : text;
    });
    await stopping;
    const tookMs = performance.now() - beginMs;
    assert.ok(tookMs >= 5_900, `it took ${Math.round(tookMs)} ms`);
    // An inactive unit's figures are forgotten with it.
    assert.equal(await system.shell('cat /run/result'), 'success exited 0', await system.daemonLog());
    assert.equal(await system.shell('ls /run/alirtcd 2>/dev/null || true'), '');
    assert.doesNotMatch(await system.shell('ps -eo args'), /alirtcd|AliRtcCore/);
  });

  it('is killed and started again by the watchdog when its event loop stands still', async () => {
    await system.dropIn('drain', 'WatchdogSec=4\n');
    await system.systemctl('start', 'alirtcd');
    const before = await mainPid();
    // It lives longer than the watchdog's time: it is told.
    const toldAt = await system.show('WatchdogTimestampMonotonic');
    await eventually(async () =>
      (await system.show('WatchdogTimestampMonotonic')) === toldAt ? 'not told' : undefined,
    );
    assert.equal(await system.show('NRestarts'), '0');
    await system.shell(`kill -STOP ${before}`);
    await eventually(async () => ((await system.show('NRestarts')) === '1' ? undefined : 'not restarted'), 30_000);
    await eventually(async () => ((await system.show('ActiveState')) === 'active' ? undefined : 'not up'), 30_000);
    assert.notEqual(await mainPid(), before);
    const health = await system.run(...system.alirtc('health'));
    assert.equal(health.out.trim(), 'SERVING', health.err);
  });

  it('is started again when nobody can reach it any more', async () => {
    const before = await system.show('NRestarts');
    await system.shell('rm /run/alirtcd/alirtcd.sock');
    await eventually(async () => ((await system.show('NRestarts')) > before ? undefined : 'not restarted'), 30_000);
    assert.match(await system.daemonLog(), /the daemon is not well: the watchdog is not told that it lives/);
    await eventually(async () => {
      const health = await system.run(...system.alirtc('health'));
      return health.code === 0 ? undefined : health.err;
    }, 30_000);
  });

  it('is not started again and again with a configuration that is wrong', async () => {
    await system.shell('echo "max-engines: many" >> /etc/alirtcd/alirtcd.yaml');
    const restarts = await system.show('NRestarts');
    const { code } = await system.run('systemctl', 'restart', 'alirtcd');
    assert.equal(code, 1);
    assert.deepEqual([await system.show('ActiveState'), await system.show('ExecMainStatus')], ['failed', '2']);
    assert.ok(Number(await system.show('NRestarts')) <= Number(restarts));
    assert.match(await system.daemonLog(), /alirtcd\.yaml:\d+: max-engines: has to be a whole number/);
  });
});
