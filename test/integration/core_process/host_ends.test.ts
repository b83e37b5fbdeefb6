import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from '../../support/eventually.js';

const SUPPORT = path.resolve(import.meta.dirname, '../../support');

/** Undefined when the process has ended: it is gone, or waits for whoever reaps orphans here. */
async function whyRunning(pid: number): Promise<string | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => undefined);
  return status === undefined || /^State:\s+Z/m.test(status) ? undefined : `process ${pid} still runs`;
}

async function host(helper: string, workFolder: string) {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', path.join(SUPPORT, 'core_host.ts'), path.join(SUPPORT, 'misbehaving_core', helper), workFolder],
    { stdio: ['pipe', 'pipe', 'ignore'] },
  );
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, corePid: Number(line) };
}

describe('a core process whose daemon ends in disorder', () => {
  let workFolder: string;
  beforeEach(async () => (workFolder = await mkdtemp(path.join(tmpdir(), 'host_ends_'))));
  afterEach(() => rm(workFolder, { recursive: true }));

  it('by SIGKILL: ends itself, because its socket closes', async () => {
    const { child, corePid } = await host('obedient.mjs', workFolder);
    process.kill(corePid, 0);
    child.kill('SIGKILL');
    await once(child, 'close');
    await eventually(() => whyRunning(corePid));
  });

  it('by an uncaught exception: is killed, however deaf it is', async () => {
    const { child, corePid } = await host('deaf.mjs', workFolder);
    process.kill(corePid, 0);
    child.stdin.end();
    await once(child, 'close');
    await eventually(() => whyRunning(corePid));
  });
});
