import { execFileSync } from 'node:child_process';
import { chownSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { AlirtcClient } from '../../../client/index.js';
import { count, groupOf, limitsOf, read } from './control_group.js';
import { eventsOf, HUNGRY_CORE, USER_ID } from './guest_daemon.js';
import { report, tell, type Facts } from './report.js';
import { errorsOf, gone, NOT_AVAILABLE, restarted } from './rows.js';

/** Runs as a service beside the unit of packaging/systemd, of which it reports. */
const UNIT = '/system.slice/alirtcd.service';
const DROP_INS = '/units/alirtcd.service.d';
const LOG = '/run/alirtcd.log';
const ADDRESS = 'unix:/run/alirtcd/alirtcd.sock';
const CONFIG = '/etc/alirtcd/alirtcd.yaml';
const SETTINGS = [
  'core-memory-mb: 128',
  'core-cpu-percent: 50',
  `core-service: [${HUNGRY_CORE}]`,
  'capacity-ms: 1000000',
];
const START_MS = 120_000;

function systemctl(...args: string[]): string {
  return execFileSync('systemctl', ['--no-pager', ...args], { encoding: 'utf8', timeout: START_MS }).trim();
}

function show(property: string): string {
  return systemctl('show', 'alirtcd', '--value', '-p', property);
}

function install(): void {
  // Engines are not waited for at a stop.
  const text = readFileSync('/units/alirtcd.yaml', 'utf8').replace(/^drain-seconds: .*$/m, 'drain-seconds: 0');
  writeFileSync(CONFIG, [text.trimEnd(), ...SETTINGS, ''].join('\n'), { mode: 0o640 });
  for (const name of [CONFIG, '/etc/alirtcd']) chownSync(name, 0, USER_ID);
  mkdirSync(DROP_INS);
  // There is no journal in this machine.
  writeFileSync(`${DROP_INS}/log.conf`, `[Service]\nStandardError=append:${LOG}\n`);
  systemctl('daemon-reload');
}

function daemonLog(): string {
  return existsSync(LOG) ? readFileSync(LOG, 'utf8') : '';
}

function saidNotAvailable(): string[] {
  return daemonLog()
    .split('\n')
    .filter((line) => line.includes(NOT_AVAILABLE));
}

/** Starts the unit, and stops it when everything has been found out. */
async function whileItRuns(find: (client: AlirtcClient) => Promise<Facts>): Promise<Facts> {
  rmSync(LOG, { force: true });
  try {
    systemctl('start', 'alirtcd');
  } catch (error) {
    throw new Error(`alirtcd.service does not start: ${daemonLog()}`, { cause: error });
  }
  const client = await AlirtcClient.connect(ADDRESS, { connectTimeoutMs: START_MS });
  try {
    const daemon = groupOf(Number(show('MainPID')));
    const facts = await find(client);
    systemctl('stop', 'alirtcd');
    return {
      daemon,
      ...facts,
      result: show('Result'),
      restarts: show('NRestarts'),
      left: existsSync(`/sys/fs/cgroup${UNIT}`),
    };
  } finally {
    client.close();
  }
}

async function limited(client: AlirtcClient): Promise<Facts> {
  const engine = await client.createEngine({ coreServicePath: HUNGRY_CORE });
  const group = groupOf(engine.coreProcessId);
  const events = eventsOf(engine);
  const facts: Facts = { pid: engine.coreProcessId, group, ...limitsOf(group), said: saidNotAvailable() };
  const mainPid = show('MainPID');
  const killsBefore = count(UNIT, 'memory.events', 'oom_kill');
  process.kill(engine.coreProcessId, 'SIGUSR2');
  const steps = await restarted(events);
  await gone(group);
  const kills = count(UNIT, 'memory.events', 'oom_kill') - killsBefore;
  // Time for systemd to hear of it: with the default OOMPolicy it would stop the unit.
  systemctl('daemon-reload');
  return {
    ...facts,
    kills,
    steps,
    errors: errorsOf(events),
    state: show('ActiveState'),
    isSameDaemon: show('MainPID') === mainPid,
    controllers: read(UNIT, 'cgroup.subtree_control'),
  };
}

async function main(): Promise<void> {
  report('systemd', { version: systemctl('--version').split('\n')[0] });
  install();
  await tell('without the drop-in', () =>
    whileItRuns(async (client) => {
      const { coreProcessId } = await client.createEngine({ coreServicePath: HUNGRY_CORE });
      return { core: groupOf(coreProcessId), said: saidNotAvailable() };
    }),
  );
  copyFileSync('/units/core-limits.conf', `${DROP_INS}/core-limits.conf`);
  systemctl('daemon-reload');
  await tell('with the drop-in', () => whileItRuns(limited));
}

void main().then(
  () => process.exit(0),
  (error: unknown) => {
    report('failed', { error: error instanceof Error ? error.stack : String(error) });
    process.exit(1);
  },
);
