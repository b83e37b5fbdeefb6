import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { EndCause, EngineState } from '../../../client/index.js';
import { CoreRestartMode } from '../../../gen/alirtc/v1/engine.js';
import { eventually } from '../../support/eventually.js';
import { count, delegate, exists, file, groupOf, groupsIn, limitsOf, read } from './control_group.js';
import { eventsOf, GuestDaemon, HUNGRY_CORE, USER_ID } from './guest_daemon.js';
import { MemoryWatch } from './memory_watch.js';
import { report, tell, type Facts } from './report.js';
import { errorsOf, gone, NOT_AVAILABLE, restarted, WAIT_MS } from './rows.js';

/** As a service manager delegates it: owned by the daemon's user. */
const NODE = '/node';
const NOT_OURS = '/not_ours';
const SHARED = '/shared';
const BURN_MS = 3_000;
/** A core that starts has to be ready within five seconds, also with half a processor. */
const LIMITS = ['--core-memory-mb', '128', '--core-cpu-percent', '50'];
const NO_CHANNEL_SERVER = ['--channel-server-url', 'ws://127.0.0.1:9'];

function swapUsedKb(): number {
  const text = readFileSync('/proc/meminfo', 'utf8');
  const of = (name: string): number => Number(new RegExp(`^${name}: +(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return of('SwapTotal') - of('SwapFree');
}

/** Our own core service. */
async function limits(daemon: GuestDaemon): Promise<void> {
  await tell('limits', async () => {
    const engine = await daemon.client.createEngine();
    const pid = engine.coreProcessId;
    const { processes } = await daemon.client.nodeStatus();
    const channelServer = processes.find(({ kind }) => kind === 'channel-server')?.processId ?? 0;
    const group = groupOf(pid);
    const facts: Facts = {
      pid,
      uid: statSync(`/proc/${daemon.pid}`).uid,
      daemon: groupOf(daemon.pid),
      channelServer: groupOf(channelServer),
      processesInNode: read(NODE, 'cgroup.procs'),
      group,
      ...limitsOf(group),
      usedBytes: Number(read(group, 'memory.current')),
      refusals: daemon.said(NOT_AVAILABLE),
    };
    await engine.release();
    await gone(group);
    return { ...facts, left: groupsIn(NODE) };
  });
}

/** One whose core takes all memory that it gets, again and again when it is replaced by policy. */
async function memory(daemon: GuestDaemon): Promise<void> {
  await tell('memory', async () => {
    const engine = await daemon.client.createEngine({ coreServicePath: HUNGRY_CORE });
    const events = eventsOf(engine);
    const group = groupOf(engine.coreProcessId);
    const killsBefore = count(NODE, 'memory.events', 'oom_kill');
    const watch = new MemoryWatch(group, swapUsedKb);
    process.kill(engine.coreProcessId, 'SIGUSR2');
    const steps = await restarted(events);
    await gone(group);
    const pid = steps.at(-1)?.pid ?? 0;
    const facts: Facts = {
      pid: engine.coreProcessId,
      ...watch.stop(),
      kills: count(NODE, 'memory.events', 'oom_kill') - killsBefore,
      errors: errorsOf(events),
      steps,
      next: { pid, group: groupOf(pid), ...limitsOf(groupOf(pid)) },
      version: await engine.getSdkVersion(),
      daemonLives: exists(`${NODE}/alirtcd-daemon`) && groupOf(daemon.pid),
    };
    await engine.release();
    return facts;
  });
  await tell('memory without restart', async () => {
    const coreRestart = { mode: CoreRestartMode.NEVER };
    const engine = await daemon.client.createEngine({ coreServicePath: HUNGRY_CORE, coreRestart });
    const events = eventsOf(engine);
    process.kill(engine.coreProcessId, 'SIGUSR2');
    await eventually(() => (events.some(({ type }) => type === 'ended') ? undefined : 'not ended'), WAIT_MS);
    const states = events.flatMap((one) =>
      one.type === 'engineStateChanged' ? [EngineState[one.value.newState]] : [],
    );
    const causes = events.flatMap((one) => (one.type === 'ended' ? [EndCause[one.value.cause]] : []));
    const texts = events.flatMap((one) => (one.type === 'ended' ? [one.value.detail] : []));
    return { states, causes, texts, errors: errorsOf(events), left: groupsIn(NODE) };
  });
}

async function processor(daemon: GuestDaemon): Promise<void> {
  await tell('cpu', async () => {
    const engine = await daemon.client.createEngine({ coreServicePath: HUNGRY_CORE });
    const group = groupOf(engine.coreProcessId);
    process.kill(engine.coreProcessId, 'SIGHUP');
    const at = (): number[] => [
      performance.now() * 1000,
      ...['usage_usec', 'nr_periods', 'nr_throttled', 'throttled_usec'].map((key) => count(group, 'cpu.stat', key)),
    ];
    const before = at();
    await new Promise((resolve) => setTimeout(resolve, BURN_MS));
    const [wallUs, usageUs, periods, throttled, throttledUs] = at().map((value, index) => value - (before[index] ?? 0));
    const version = await engine.getSdkVersion();
    await engine.release();
    await gone(group);
    return { wallUs, usageUs, periods, throttled, throttledUs, version };
  });
}

async function offspring(daemon: GuestDaemon): Promise<void> {
  await tell('offspring', async () => {
    const engine = await daemon.client.createEngine({ coreServicePath: HUNGRY_CORE });
    const group = groupOf(engine.coreProcessId);
    process.kill(engine.coreProcessId, 'SIGWINCH');
    const inGroup = (): number[] => (read(group, 'cgroup.procs') ?? '').split('\n').map(Number);
    await eventually(() => (inGroup().length > 1 ? undefined : 'no child'), WAIT_MS);
    const processes = inGroup();
    await engine.release();
    await gone(group);
    const alive = processes.filter((pid) => exists(`../../../proc/${pid}`));
    return { processes: processes.length, alive };
  });
}

async function end(daemon: GuestDaemon): Promise<void> {
  await tell('end', async () => {
    await daemon.client.createEngine({ detached: true });
    const before = groupsIn(NODE);
    const code = await daemon.end();
    return { before, code, left: groupsIn(NODE), controllers: read(NODE, 'cgroup.subtree_control') };
  });
}

/** A daemon that is killed leaves its groups to the next one. */
async function killed(): Promise<void> {
  await tell('killed', async () => {
    const first = await GuestDaemon.start(NODE, ...LIMITS, ...NO_CHANNEL_SERVER);
    const engine = await first.client.createEngine({ coreServicePath: HUNGRY_CORE, detached: true });
    const group = groupOf(engine.coreProcessId);
    const code = await first.end('SIGKILL');
    await eventually(() => (read(group, 'cgroup.procs') === '' ? undefined : 'the core lives'), WAIT_MS);
    const leftByFirst = groupsIn(NODE);
    // Where groups have controllers the kernel lets nobody into the one above them.
    const second = await GuestDaemon.start(`${NODE}/alirtcd-daemon`, ...LIMITS, ...NO_CHANNEL_SERVER);
    const found = groupsIn(NODE);
    const other = await second.client.createEngine({ coreServicePath: HUNGRY_CORE });
    const next = limitsOf(groupOf(other.coreProcessId));
    const refusals = second.said(NOT_AVAILABLE);
    return { code, leftByFirst, found, next, refusals, secondCode: await second.end(), left: groupsIn(NODE) };
  });
}

async function refused(row: string, group: string): Promise<void> {
  await tell(row, async () => {
    const daemon = await GuestDaemon.start(group, ...LIMITS, ...NO_CHANNEL_SERVER);
    const engine = await daemon.client.createEngine({ coreServicePath: HUNGRY_CORE });
    const facts = {
      daemon: groupOf(daemon.pid),
      core: groupOf(engine.coreProcessId),
      said: daemon.said(NOT_AVAILABLE),
    };
    return { ...facts, code: await daemon.end(), groups: groupsIn(group) };
  });
}

async function main(): Promise<void> {
  const kernel = readFileSync('/proc/version', 'utf8').trim();
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
  report('machine', { kernel, cgroup: mounts.filter((row) => row.includes('cgroup')), node: process.version });
  delegate(NODE, USER_ID);
  // With a channel server of its own, as by default.
  const daemon = await GuestDaemon.start(NODE, ...LIMITS);
  await limits(daemon);
  await memory(daemon);
  await processor(daemon);
  await offspring(daemon);
  await end(daemon);
  await killed();
  mkdirSync(file(NOT_OURS));
  await refused('not delegated', NOT_OURS);
  const stranger = spawn('sleep', ['1000']);
  delegate(SHARED, USER_ID);
  writeFileSync(file(SHARED, 'cgroup.procs'), String(stranger.pid));
  await refused('not alone', SHARED);
  stranger.kill();
}

void main().then(
  () => process.exit(0),
  (error: unknown) => {
    report('failed', { error: error instanceof Error ? error.stack : String(error) });
    process.exit(1);
  },
);
