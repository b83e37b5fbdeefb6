import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { AlirtcClient } from '../../../client/index.js';
import { startDaemon } from '../../support/running_daemon.js';
import type { RunningDaemon } from '../../support/running_daemon.js';

/** Starts the daemon with a descriptor beyond those that Node looks at: of the file of this test. */
const STRAY = ['bash', '-c', `exec 199<"$0"; exec "$@"`, fileURLToPath(import.meta.url)];

describe('the core process of a running daemon', function () {
  this.timeout(90_000);
  let daemon: RunningDaemon;
  let client: AlirtcClient;
  let pid: number;
  const proc = (name: string): string => readFileSync(`/proc/${pid}/${name}`, 'utf8');

  before(async () => {
    daemon = await startDaemon({
      args: ['--core-nice', '7', '--core-memory-mb', '4000'],
      env: { SECRET_OF_THE_OPERATOR: 'x' },
      prefix: STRAY,
    });
    client = await AlirtcClient.connect(daemon.address);
    const { engineId } = await client.createEngine();
    const core = (await client.nodeStatus()).processes.find((one) => one.engineId === engineId);
    pid = core?.processId ?? 0;
    assert.ok(pid > 0);
  });
  after(async () => {
    client.close();
    await daemon.stop();
  });

  it('has inherited no descriptor: what the daemon was started with, too', () => {
    const linksOf = (process: number): string[] =>
      readdirSync(`/proc/${process}/fd`).map((fd) => readlinkSync(`/proc/${process}/fd/${fd}`));
    const [core, parent] = [linksOf(pid), linksOf(daemon.ready.pid)];
    // Node connects output by pairs of sockets, whose two ends have names of their own.
    assert.deepEqual(
      core.filter((link) => /^(pipe|socket):/.test(link) && parent.includes(link)),
      [],
    );
    const files = core.filter((link) => link.startsWith('/') && !/^\/(dev|proc)\//.test(link));
    assert.deepEqual(files, []);
  });

  it('sees nothing of the environment of the daemon but a few names', () => {
    const names = proc('environ')
      .split('\0')
      .filter((row) => row !== '')
      .map((row) => row.slice(0, row.indexOf('=')));
    const known =
      /^(PATH|HOME|USER|LANG|LC_ALL|TZ|TMPDIR|NODE_EXTRA_CA_CERTS|LD_LIBRARY_PATH|MALLOC_\w+|ALIRTC_RELAY_ONLY)$/;
    assert.deepEqual(
      names.filter((name) => !known.test(name)),
      [],
    );
  });

  it('works in a folder of its own below the log root', () => {
    const folder = readlinkSync(`/proc/${pid}/cwd`);
    assert.ok(folder.startsWith(path.join(daemon.folder, 'log')), folder);
  });

  it('has the priority that the operator wants, with all of its threads', () => {
    assert.equal(os.getPriority(pid), 7);
    for (const thread of readdirSync(`/proc/${pid}/task`)) assert.equal(os.getPriority(Number(thread)), 7, thread);
  });

  it('writes no core dump, and the daemon and its channel server, which hold keys, do not either', async () => {
    const { processes } = await client.nodeStatus();
    const ids = processes.map(({ processId }) => processId);
    assert.ok(ids.length >= 2 && ids.includes(pid) && ids.includes(daemon.ready.pid), ids.join(', '));
    for (const id of ids) assert.match(readFileSync(`/proc/${id}/limits`, 'utf8'), /^Max core file size +0 /m);
  });

  it('is limited where cgroup v2 is delegated; else one line says that it is not', () => {
    const said = daemon.log().filter((line) => line.includes('limits of core processes are not available'));
    const group = proc('cgroup')
      .split('\n')
      .find((line) => line.startsWith('0::'));
    const isLimited = group?.endsWith(`/core-${pid}`) === true;
    assert.equal(said.length, isLimited ? 0 : 1);
  });
});
